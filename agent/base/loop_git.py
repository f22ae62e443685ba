"""Git for the loop: with its own identity, without the user's hooks, signatures and environment."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from git import Git

_NAME, _MAIL = "stoichloop", "stoichloop@localhost"
_SETTINGS = {"core.hooksPath": os.devnull, "commit.gpgsign": "false", "gc.auto": "0", "rerere.enabled": "false"}
_PLACES = (
    *("DIR", "WORK_TREE", "INDEX_FILE", "OBJECT_DIRECTORY", "ALTERNATE_OBJECT_DIRECTORIES"),
    *("COMMON_DIR", "NAMESPACE", "PREFIX"),
)


def forget_git_environment() -> None:
    """Drop the variables that locate a repository: inside a hook they would point git at the user's index."""
    for name in _PLACES:
        os.environ.pop(f"GIT_{name}", None)


def loop_git(folder: Path) -> Git:
    """Return git for `folder` with the identity of the loop."""
    from git import Git

    git = Git(str(folder))
    variables = {f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER") for what, value in _identity()}
    inherited = int(os.environ.get("GIT_CONFIG_COUNT", "0"))
    variables["GIT_CONFIG_COUNT"] = str(inherited + len(_SETTINGS))
    for index, (key, value) in enumerate(_SETTINGS.items(), start=inherited):
        variables |= {f"GIT_CONFIG_KEY_{index}": key, f"GIT_CONFIG_VALUE_{index}": value}
    git.update_environment(**variables)
    return git


def _identity() -> tuple[tuple[str, str], tuple[str, str]]:
    return ("NAME", _NAME), ("EMAIL", _MAIL)
