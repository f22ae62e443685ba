"""Git for the loop: its output and its effects depend on the repository, not on the user's settings.

`loop_git` reads no configuration of the user or the system, drops the environment of git, and pins the settings that a
repository may make for itself. `user_git` is for commits in the user's name: with identity, hooks and signature.
"""

from __future__ import annotations

import atexit
import os
import re
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from git import Git, Repo

from agent.base.git_environment import PLACES
from stoichloop.errors import StoichloopError

_NEEDED = (2, 32)  # the first version that can be told to leave out the user's configuration
_PINS = {
    "apply.ignoreWhitespace": "no",
    "apply.whitespace": "nowarn",
    **{f"color.{what}": "false" for what in ("branch", "diff", "grep", "status", "ui")},
    "commit.cleanup": "verbatim",
    "commit.gpgSign": "false",
    "core.abbrev": "auto",
    "core.attributesFile": os.devnull,
    "core.fsmonitor": "false",
    "core.hooksPath": os.devnull,
    "core.quotePath": "true",
    "diff.algorithm": "default",
    "diff.context": "3",
    "diff.dstPrefix": "b/",
    "diff.ignoreSubmodules": "none",
    "diff.indentHeuristic": "true",
    "diff.interHunkContext": "0",
    "diff.mnemonicPrefix": "false",
    "diff.noprefix": "false",
    "diff.orderFile": os.devnull,
    "diff.relative": "false",
    "diff.renames": "false",
    "diff.srcPrefix": "a/",
    "diff.submodule": "short",
    "diff.suppressBlankEmpty": "false",
    "gc.auto": "0",
    "grep.column": "false",
    "grep.extendedRegexp": "false",
    "grep.fullName": "false",
    "grep.lineNumber": "false",
    "grep.patternType": "basic",
    "i18n.commitEncoding": "UTF-8",
    "i18n.logOutputEncoding": "UTF-8",
    "log.follow": "false",
    "log.mailmap": "false",
    "log.showSignature": "false",
    "maintenance.auto": "false",
    "merge.conflictStyle": "merge",
    "rerere.enabled": "false",
    "status.renames": "false",
    "status.showUntrackedFiles": "normal",
    "trailer.separators": ":",
}
_IDENTITY = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "stoichloop"), ("EMAIL", "stoichloop@localhost"))
}


class _CleanGit(Git):
    """Git without the environment variables for which `_drops` is true; it is read as UTF-8 in every locale."""

    def __init__(self, working_dir: str | os.PathLike[str] | None = None) -> None:
        super().__init__(working_dir)
        self._working_dir = working_dir  # as it is: GitPython would take a $NAME in it for a variable

    @staticmethod
    def _drops(name: str) -> bool:
        return name in PLACES or name.endswith(("_PATHSPECS", "_DATE"))

    def execute(self, command: Any, *arguments: Any, **options: Any) -> Any:
        """See `Git.execute`; raises `StoichloopError` where git is missing or too old."""
        check_git()
        dropped = [name for name in os.environ if self._drops(name) and name not in self.environment()]
        # GitPython hands down the whole environment: it can set variables but remove none.
        clean = ["env", *(f"--unset={name}" for name in dropped)] if dropped else []
        words = [*clean, *command]
        if options.keys() & {"as_process", "stdout_as_string", "with_extended_output"}:
            return super().execute(words, *arguments, **options)
        return super().execute(words, *arguments, stdout_as_string=False, **options).decode("utf-8", "surrogateescape")


class PinnedGit(_CleanGit):
    """See `loop_git`."""

    def __init__(self, working_dir: str | os.PathLike[str] | None = None) -> None:
        super().__init__(working_dir)
        pins = {
            f"GIT_CONFIG_{kind}_{index}": text
            for index, pin in enumerate(_PINS.items())
            for kind, text in zip(("KEY", "VALUE"), pin, strict=True)
        }
        self.update_environment(
            GIT_ATTR_NOSYSTEM="1",
            GIT_CONFIG_COUNT=str(len(_PINS)),
            GIT_CONFIG_NOSYSTEM="1",
            GIT_NO_REPLACE_OBJECTS="1",
            GIT_OPTIONAL_LOCKS="0",  # the user's index is not even refreshed
            GIT_TERMINAL_PROMPT="0",
            **_IDENTITY,
            **pins,
        )

    @staticmethod
    def _drops(name: str) -> bool:
        return name.startswith("GIT_") and not name.startswith(("GIT_EXEC_PATH", "GIT_PYTHON_"))

    def execute(self, command: Any, *arguments: Any, **options: Any) -> Any:
        """See `_CleanGit.execute`."""
        self.update_environment(GIT_CONFIG_GLOBAL=_trusted_folders())
        return super().execute(command, *arguments, **options)


class PinnedRepo(Repo):
    """GitPython's view of a repository by pinned git."""

    GitCommandWrapperType = PinnedGit


def loop_git(folder: Path) -> Git:
    """Return git for `folder` with the identity of the loop, and with nothing of the user's settings."""
    return PinnedGit(str(folder))


def user_git(folder: Path) -> Git:
    """Return git for `folder` as the user has set it up: for commits in the user's name; its output is not parsed."""
    return _CleanGit(str(folder))


def as_word(text: str) -> str:
    """Return `text` as the argument of a command that gets it in UTF-8 in every locale."""
    return os.fsdecode(text.encode("utf-8", "surrogateescape"))


def path_of(printed: str) -> Path:
    """Return a path that git printed."""
    return Path(as_word(printed))


def linked_worktrees(git: Git) -> list[Path]:
    """Return the folders of all worktrees of a repository, the clone's own first."""
    lines = str(git.worktree("list", "--porcelain")).splitlines()
    return [path_of(line.removeprefix("worktree ")) for line in lines if line.startswith("worktree ")]


def complaint_of(error: Exception) -> str:
    """Return git's message in one line."""
    said = getattr(error, "stderr", "") or str(error)
    return " ".join(str(said).replace("stderr:", "").split()).strip("'")


@cache
def check_git() -> str:
    """Return the version of git; raise `StoichloopError` if git is missing or too old."""
    needed = ".".join(map(str, _NEEDED))
    try:
        said = _ask("version")
    except OSError as error:
        raise StoichloopError(f"git cannot be run ({error.strerror}); install git {needed} or newer") from error
    found = re.search(r"(\d+)\.(\d+)", said)
    if found is None or tuple(map(int, found.groups())) < _NEEDED:
        raise StoichloopError(f"git is too old, or another program: '{said.strip()}'; install git {needed} or newer")
    return said.strip()


@cache
def _trusted_folders() -> str:
    """Return a configuration with nothing but the user's safe.directory, which git must know in shared folders."""
    check_git()
    trusted = [folder for folder in _ask("config", "--null", "--get-all", "safe.directory").split("\0") if folder]
    if not trusted:
        return os.devnull
    handle, file = tempfile.mkstemp(prefix="stoichloop-git-")
    os.close(handle)
    atexit.register(Path(file).unlink, missing_ok=True)
    for folder in trusted:
        _ask("config", "--file", file, "--add", "safe.directory", folder)
    return file


def _ask(*words: str) -> str:
    """Run git as the user has set it up, outside any repository; return what it printed."""
    command = [str(Git.GIT_PYTHON_GIT_EXECUTABLE or "git"), *words]
    return subprocess.run(
        command, cwd="/", capture_output=True, text=True, check=False, errors="surrogateescape"
    ).stdout
