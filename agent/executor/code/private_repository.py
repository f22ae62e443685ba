"""Git directories of the loop's own: neither configuration, nor hooks, nor attributes of the user's act in them."""

from __future__ import annotations

from pathlib import Path

from git import Git

from agent.base.loop_git import path_of

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
    object_format, objects = str(
        users.rev_parse("--show-object-format", "--path-format=absolute", "--git-path", "objects")
    ).split("\n", 1)
    shared = users.config("--default", "umask", "core.sharedRepository")
    (folder / "refs").mkdir(parents=True)
    (folder / "HEAD").write_text("ref: refs/heads/none\n", encoding="utf-8")
    (folder / "objects").symlink_to(path_of(objects))
    (folder / "config").write_text(_CONFIGURATION.format(shared=shared, object_format=object_format), encoding="utf-8")
    ignore_attributes(folder)


def ignore_attributes(git_dir: Path) -> None:
    """Make git treat all files of a repository as plain text in UTF-8, whatever its .gitattributes say."""
    (git_dir / "info").mkdir(exist_ok=True)
    (git_dir / "info" / "attributes").write_text(_NO_ATTRIBUTES, encoding="utf-8")
