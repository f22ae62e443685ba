"""Removal of a whole campaign: its folder, its branches and refs, its worktrees; nothing else.

The folder is renamed first, so that nothing can resume a campaign that is partly gone. A removal that was cut off is
finished by the next one.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile

from agent.base.loop_git import loop_git
from agent.campaign.folder import drafts_of, is_campaign_name
from agent.executor.code.worktree import Worktrees
from agent.executor.sandbox.bubblewrap import Sandbox
from agent.executor.workspace import Workspace
from stoichloop.errors import StoichloopError

_GIB = 1 << 30
_MIB = 1 << 20


@dataclass(frozen=True)
class Remains:
    """The remains of a campaign in this clone.

    Attributes:
        folders: its folder, and what an earlier removal or a killed start left in runs/.
        size: bytes of these folders on the disk.
        branches, refs: full names of its branches, and of its refs under refs/experiments/.
        kept: branches that look like its own, but end in a commit that is not its experiment's.
    """

    workspace: Workspace
    name: str
    folders: tuple[Path, ...]
    size: int
    branches: tuple[str, ...]
    refs: tuple[str, ...]
    kept: tuple[str, ...]

    def __str__(self) -> str:
        size = f"{self.size / _GIB:.1f} GiB" if self.size >= _GIB else f"{self.size / _MIB:.1f} MiB"
        parts = [f"{path.relative_to(self.workspace.root)}/" for path in self.folders]
        lines = [f"{', '.join(parts)}: {size}"] if parts else []
        lines += [f"branches exp/{self.name}/...: {len(self.branches)}"] if self.branches else []
        lines += [f"refs/experiments/{self.name}/...: {len(self.refs)}"] if self.refs else []
        return "\n".join(f"    {line}" for line in lines)

    def remove(self) -> None:
        """Remove all of it; raises `StoichloopError`, with nothing changed, if a branch is checked out."""
        self._refuse_checked_out()
        with _held(self.workspace.runs / self.name, self.name):
            for step in self.steps:
                step()

    @property
    def steps(self) -> tuple[Callable[[], None], ...]:
        """Return the steps of the removal. After any of them the process may be killed."""
        return self._clear_worktrees, self._rename_folder, self._delete_refs, self._delete_folders

    def _refuse_checked_out(self) -> None:
        listed = str(loop_git(self.workspace.root).worktree("list", "--porcelain")).splitlines()
        taken = {line.removeprefix("branch ") for line in listed if line.startswith("branch ")}
        if branch := next((branch for branch in self.branches if branch in taken), None):
            raise StoichloopError(
                f"branch {branch.removeprefix('refs/heads/')} is checked out; git switch to another one first, then "
                f"repeat 'stoichloop forget {self.name}'"
            )

    def _clear_worktrees(self) -> None:
        Worktrees(self.workspace.repo, self.workspace.runs / self.name / "worktrees", Sandbox(None)).clear()

    def _rename_folder(self) -> None:
        folder, aside = self.workspace.runs / self.name, _aside(self.workspace, self.name)
        if folder.is_dir():
            _delete(aside)  # of an earlier campaign of this name
            folder.rename(aside)

    def _delete_refs(self) -> None:
        """Delete all refs or none."""
        with TemporaryFile() as commands:
            commands.write("".join(f"delete {ref}\n" for ref in (*self.branches, *self.refs)).encode())
            commands.seek(0)
            loop_git(self.workspace.root).update_ref("--stdin", istream=commands)

    def _delete_folders(self) -> None:
        for folder in (_aside(self.workspace, self.name), *self.folders):
            _delete(folder)


def find_remains(workspace: Workspace, name: str) -> Remains:
    """Return what there is of the campaign `name`; raises `StoichloopError` if there is nothing."""
    if not is_campaign_name(name):
        raise StoichloopError(f"'{name}' is not the name of a campaign: they are letters, digits, '-' and '_'")
    folder = workspace.runs / name
    if folder.is_symlink() or (
        folder.exists() and not any((folder / f).exists() for f in ("campaign.yaml", "memory.db"))
    ):
        raise StoichloopError(f"{folder}: this is not a campaign's folder, so it stays as it is; remove it yourself")
    folders = tuple(
        path for path in (folder, _aside(workspace, name), *drafts_of(workspace.runs, name)) if path.is_dir()
    )
    ours, kept = _branches(workspace, name)
    listed = str(loop_git(workspace.root).for_each_ref("--format=%(refname)", f"refs/experiments/{name}/"))
    refs = tuple(listed.split())
    if not (folders or ours or refs):
        known = ", ".join(workspace.campaign_names) or "none"
        raise StoichloopError(f"there is nothing of a campaign '{name}' here; campaigns in {workspace.runs}: {known}")
    return Remains(workspace, name, folders, sum(map(_size, folders)), ours, refs, kept)


def _aside(workspace: Workspace, name: str) -> Path:
    """Return the place of a folder that is being removed."""
    return workspace.runs / f".forgotten-{name}"


def _branches(workspace: Workspace, name: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the branches that end in an experiment of the campaign, and those that do not, but are named so."""
    trailers = ",".join(("key=Campaign", "key=Experiment", "valueonly", "separator=/"))
    listed = str(
        loop_git(workspace.root).for_each_ref(
            f"--format=%(refname) %(contents:trailers:{trailers})", f"refs/heads/exp/{name}/"
        )
    )
    rows = [line.partition(" ") for line in listed.splitlines()]
    ours = tuple(ref for ref, _, experiment in rows if ref == f"refs/heads/exp/{experiment}")
    return ours, tuple(ref for ref, _, _ in rows if ref not in ours)


@contextmanager
def _held(folder: Path, name: str) -> Iterator[None]:
    """Keep controllers away from a campaign's folder; raises `StoichloopError` if one runs."""
    from filelock import FileLock, Timeout

    if not folder.is_dir():
        yield
        return
    try:
        with FileLock(folder / "lock", timeout=0):
            yield
    except Timeout as error:
        raise StoichloopError(
            f"campaign '{name}' is run by a controller; end that one first, with Ctrl-C or kill, then repeat "
            f"'stoichloop forget {name}'"
        ) from error


def _size(folder: Path) -> int:
    """Return the bytes that a folder takes on the disk."""
    paths = (Path(place) / name for place, folders, files in os.walk(folder) for name in (*folders, *files))
    return sum(512 * path.lstat().st_blocks for path in paths)


def _delete(folder: Path) -> None:
    """Delete a folder, also if a trial took the permission to list a folder in it."""
    if not folder.is_dir():
        return
    for place, folders, _ in os.walk(folder):
        for name in folders:
            path = Path(place) / name
            if not path.is_symlink():
                path.chmod(stat.S_IRWXU)
    shutil.rmtree(folder)
