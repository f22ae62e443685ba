"""How an experiment runs: its code state in a git worktree, its trials as processes in slots, here or elsewhere."""
