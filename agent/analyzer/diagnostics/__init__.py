"""Figures on estimates that need no truth, for planners to find out what limits a training."""
