"""The frozen judge: reads an estimate without trusting it, decodes and scores it."""
