"""A scratch copy of `gnn/` in a git repository of its own, outside the user's tree."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

from git import GitCommandError

from agent.base.loop_git import loop_git
from agent.executor.code.private_repository import ignore_attributes, objects_of


@contextmanager
def scratch_copy(code: Path) -> Iterator[Path]:
    """Yield a folder with a copy of the `gnn/` in `code`, staged in git; it is removed at the end.

    Its git finds the objects of the repository of `code`, if there is one: a patch is merged with later changes where
    git knows the files that it was written for.
    """
    with TemporaryDirectory(prefix="stoichloop-") as scratch:
        folder = Path(scratch).resolve()
        _copy(code, folder)
        git = loop_git(folder)
        try:
            object_format, objects = objects_of(loop_git(code))
        except GitCommandError:
            git.init("--quiet", "--template=")
        else:
            git.init("--quiet", "--template=", f"--object-format={object_format}")
            own = folder / ".git" / "objects"
            (own / "shared").symlink_to(objects)  # a path may hold what a line of `alternates` cannot
            (own / "info" / "alternates").write_text("shared\n", encoding="utf-8")
        ignore_attributes(folder / ".git")
        git.add("--all", "--force", "--", "gnn")
        yield folder


@lru_cache(maxsize=32)  # of two commits, whose code stays
def difference_between(code: Path, other: Path) -> str:
    """Return the unified diff that makes the `gnn/` in `other` of the one in `code`."""

    def exchange(folder: Path) -> None:
        shutil.rmtree(folder / "gnn")
        _copy(other, folder)

    return difference(code, exchange)


def _copy(code: Path, folder: Path) -> None:
    shutil.copytree(code / "gnn", folder / "gnn", symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))


def difference(code: Path, edit: Callable[[Path], None]) -> str:
    """Return the unified diff that `edit` makes of the `gnn/` in `code`, which stays as it is."""
    with scratch_copy(code) as folder:
        git = loop_git(folder)
        before = str(git.write_tree())
        edit(folder)
        git.add("--all", "--force", "--", "gnn")
        options = ("--cached", "--no-color", "--no-ext-diff", "--no-renames", "--full-index")
        return str(git.diff(*options, before, "--", "gnn", strip_newline_in_stdout=False))
