"""Trials on SLURM, LSF or PBS through Parsl."""
