"""States of the code: worktrees, patches, and what a state declares of itself."""
