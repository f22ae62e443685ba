"""Bounds on what the data of a regime determine."""
