"""Benchmarks: recovery by recipes and by simple methods, the worth of choices, the cost of steps and of the loop."""
