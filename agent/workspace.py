"""The folder that everything happens in: a git repository whose `gnn/` is to be improved."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from git import GitCommandError, Repo
from git.exc import InvalidGitRepositoryError, NoSuchPathError

from agent.errors import StoichloopError


@dataclass(frozen=True)
class Workspace:
    """The repository's root and the folders in it that stoichloop writes to (both ignored by git)."""

    root: Path

    @property
    def data(self) -> Path:
        """Frozen datasets."""
        return self.root / "data"

    @property
    def runs(self) -> Path:
        """Campaigns."""
        return self.root / "runs"

    @property
    def repo(self) -> Repo:
        """The git repository; its index and working tree belong to the user and are only read."""
        return Repo(self.root)


def find_workspace(start: Path) -> Workspace:
    """The workspace that contains `start`; raises `StoichloopError` outside one."""
    try:
        repo = Repo(start, search_parent_directories=True)
    except (InvalidGitRepositoryError, NoSuchPathError) as error:
        raise StoichloopError(
            f"{start}: not inside a git repository; run stoichloop in a clone of its repository"
        ) from error
    root = Path(repo.working_tree_dir or start)
    if not (root / "gnn" / "train.py").is_file():
        raise StoichloopError(
            f"{root}: this repository has no gnn/train.py; run stoichloop in a clone of its repository"
        )
    return Workspace(root.resolve())


def head_commit(workspace: Workspace) -> str:
    """The commit that a new campaign starts from; raises `StoichloopError` in a repository without commits."""
    try:
        return str(workspace.repo.git.rev_parse("--verify", "HEAD"))
    except GitCommandError as error:
        reason = " ".join((error.stderr or "").replace("stderr:", "").split())
        raise StoichloopError(f"{workspace.root}: git knows no commit here to start from: {reason}") from error
