"""Benchmarks: what a choice of the model is worth, measured by trials as anybody would run them."""
