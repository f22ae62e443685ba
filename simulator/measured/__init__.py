"""Measured data: tables and stated networks."""
