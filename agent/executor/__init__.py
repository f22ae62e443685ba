"""Execution of experiments: code states in git worktrees, trials as processes in slots, here or on a cluster."""
