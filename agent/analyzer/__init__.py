"""The frozen judge: decodes and scores estimates, accepts or rejects experiments, states findings."""
