"""States of the code: worktrees, patches, and the declarations of a state."""
