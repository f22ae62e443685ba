"""The model of a metabolic network and its training: the only part that an experiment may change."""
