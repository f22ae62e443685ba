"""Git as the loop uses it: in its own name, without the user's hooks, signatures and surroundings."""

from __future__ import annotations

import os
from pathlib import Path

from git import Git

_NAME, _MAIL = "stoichloop", "stoichloop@localhost"
_SETTINGS = {"core.hooksPath": os.devnull, "commit.gpgsign": "false", "gc.auto": "0"}


def forget_git_environment() -> None:
    """Drop every GIT_* variable of this process: inside a hook they would point git at the user's index."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        del os.environ[name]


def loop_git(folder: Path) -> Git:
    """Git in `folder`, speaking as the loop."""
    git = Git(str(folder))
    variables = {f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER") for what, value in _identity()}
    variables["GIT_CONFIG_COUNT"] = str(len(_SETTINGS))
    for index, (key, value) in enumerate(_SETTINGS.items()):
        variables |= {f"GIT_CONFIG_KEY_{index}": key, f"GIT_CONFIG_VALUE_{index}": value}
    git.update_environment(**variables)
    return git


def _identity() -> tuple[tuple[str, str], tuple[str, str]]:
    return ("NAME", _NAME), ("EMAIL", _MAIL)
