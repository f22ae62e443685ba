"""The environment variables by which git is pointed at a repository."""

from __future__ import annotations

import os

PLACES = tuple(
    f"GIT_{name}"
    for name in (
        *("DIR", "WORK_TREE", "INDEX_FILE", "OBJECT_DIRECTORY", "ALTERNATE_OBJECT_DIRECTORIES"),
        *("COMMON_DIR", "NAMESPACE", "PREFIX", "GRAFT_FILE", "SHALLOW_FILE", "DEFAULT_HASH"),
    )
)


def forget_git_environment() -> None:
    """Drop the variables that locate a repository: inside a hook they would point git at the user's index."""
    for name in PLACES:
        os.environ.pop(name, None)
