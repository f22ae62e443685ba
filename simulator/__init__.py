"""Frozen side of an experiment: regimes, networks, PDE_M1 kinetics, datasets and their identifiability."""
