"""The folder that everything happens in: a git repository whose `gnn/` is to be improved, and its sandbox."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from stoichloop.errors import StoichloopError

if TYPE_CHECKING:  # who asks for the status need not wait for them
    from git import Repo

    from agent.executor.sandbox.bubblewrap import Sandbox
    from agent.executor.sandbox.probe import ProbeResult


@dataclass(frozen=True)
class Workspace:
    """The repository's root and the folders in it that stoichloop writes to (both ignored by git).

    `contained` is false where the person wants its code to run without a sandbox; `fault` says why none holds where
    that has been found out elsewhere.
    """

    root: Path
    contained: bool = True
    fault: str = ""

    @property
    def data(self) -> Path:
        """Frozen datasets."""
        return self.root / "data"

    @property
    def runs(self) -> Path:
        """Campaigns."""
        return self.root / "runs"

    @cached_property
    def holding(self) -> ProbeResult:
        """What contains code on this machine, and whether it holds."""
        from agent.executor.sandbox.bubblewrap import Sandbox
        from agent.executor.sandbox.probe import ProbeResult, find_sandbox

        return ProbeResult(Sandbox(None), {}, self.fault) if self.fault else find_sandbox(self.root)

    @property
    def uncontained(self) -> str | None:
        """Why code of experiments may not run here: a sandbox is wanted, and none holds. None where it may."""
        return self.holding.reason if self.contained and not self.holding.holds else None

    @property
    def sandbox(self) -> Sandbox:
        """Where code runs: contained, unless that is not wanted or does not hold."""
        from agent.executor.sandbox.bubblewrap import Sandbox

        holds = self.contained and self.holding.holds
        return self.holding.sandbox if holds else Sandbox(None)

    def refuse_uncontained(self, what: str) -> None:
        """Raise `StoichloopError` if `what` would run without a sandbox that the person has not renounced."""
        if self.uncontained is not None:
            raise StoichloopError(
                f"{what} would run without a sandbox: {self.uncontained}; give --no-sandbox to run it all the same, "
                "as a program of yours"
            )

    @property
    def repo(self) -> Repo:
        """The git repository; its index and working tree belong to the user and are only read."""
        from git import Repo

        return Repo(self.root)


def current_workspace(*, contained: bool = True) -> Workspace:
    """Return the workspace of the current folder; `contained` is false where the user wants no sandbox."""
    return find_workspace(Path.cwd(), contained=contained)


def find_workspace(start: Path, *, contained: bool = True) -> Workspace:
    """The workspace that contains `start`; raises `StoichloopError` outside one."""
    roots = (folder for folder in (start.absolute(), *start.absolute().parents) if (folder / ".git").exists())
    if (root := next(roots, None)) is None:
        raise StoichloopError(f"{start}: not inside a git repository; run stoichloop in a clone of its repository")
    if not (root / "gnn" / "train.py").is_file():
        raise StoichloopError(
            f"{root}: this repository has no gnn/train.py; run stoichloop in a clone of its repository"
        )
    return Workspace(root.resolve(), contained)


def head_commit(workspace: Workspace) -> str:
    """The commit that a new campaign starts from; raises `StoichloopError` in a repository without commits."""
    from git import GitCommandError

    try:
        return str(workspace.repo.git.rev_parse("--verify", "HEAD"))
    except GitCommandError as error:
        reason = " ".join((error.stderr or "").replace("stderr:", "").split())
        raise StoichloopError(f"{workspace.root}: git knows no commit here to start from: {reason}") from error
