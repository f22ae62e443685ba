"""Git directories of the loop's own: neither configuration, nor hooks, nor attributes of the user's act in them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from git import Git

from agent.base.loop_git import loop_git, path_of

# This file has precedence over every .gitattributes, so that git stores, compares and merges the bytes as they are.
_NO_ATTRIBUTES = "* !text !eol !crlf !ident !filter !diff !merge !working-tree-encoding !whitespace\n"
# A collection of garbage started in here would know none of the refs that keep the user's objects.
_CONFIGURATION = """[core]
\trepositoryFormatVersion = 1
\tbare = true
\tfileMode = false
\tsharedRepository = {shared}
[extensions]
\tobjectFormat = {object_format}
\tpreciousObjects = true
"""


def make_private(folder: Path, users: Git) -> None:
    """Make `folder` a bare repository that reads and writes the objects of the repository of `users`."""
    object_format, objects = objects_of(users)
    entries = [entry.partition("\n") for entry in str(users.config("--local", "--null", "--list")).split("\0")]
    shared = {key: value for key, _, value in entries}.get("core.sharedrepository", "umask")
    (folder / "refs").mkdir(parents=True)
    (folder / "HEAD").write_text("ref: refs/heads/none\n", encoding="utf-8")
    (folder / "objects").symlink_to(objects)
    (folder / "config").write_text(_CONFIGURATION.format(shared=shared, object_format=object_format), encoding="utf-8")
    ignore_attributes(folder)
    if any(key.endswith(".promisor") for key, _, _ in entries):  # a partial clone fetches objects when it needs them
        for key, _, value in entries:
            if key.startswith("remote."):
                loop_git(folder).config("--add", key, value)


def objects_of(users: Git) -> tuple[str, Path]:
    """Return the format and the folder of the objects of a repository."""
    asked = ("--show-object-format", "--path-format=absolute", "--git-path", "objects")
    object_format, objects = str(users.rev_parse(*asked)).split("\n", 1)
    return object_format, path_of(objects)


@contextmanager
def reading(folder: Path) -> Iterator[Git]:
    """Yield git that shows commits of the repository in `folder` as they are shown without its settings."""
    with TemporaryDirectory(prefix="stoichloop-") as scratch:
        private = Path(scratch) / "private.git"
        make_private(private, loop_git(folder))
        yield loop_git(private)


def ignore_attributes(git_dir: Path) -> None:
    """Make git treat all files of a repository as plain text in UTF-8, whatever its .gitattributes say."""
    (git_dir / "info").mkdir(exist_ok=True)
    (git_dir / "info" / "attributes").write_text(_NO_ATTRIBUTES, encoding="utf-8")
