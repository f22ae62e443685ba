"""Moves: named changes of `gnn/`, and their check (`python -m moves`)."""
