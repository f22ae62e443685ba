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

    `contained` is false where the user wants no sandbox; `fault` is the reason why none holds,
    where that has been found out on another machine.
    """

    root: Path
    contained: bool = True
    fault: str = ""

    @property
    def data(self) -> Path:
        """Frozen datasets."""
        return self.root / "data"

    @property
    def campaign_names(self) -> list[str]:
        """Return the names of the campaigns that have a folder here, sorted."""
        return sorted(path.parent.name for path in self.runs.glob("[!.]*/campaign.yaml"))

    @property
    def runs(self) -> Path:
        """Campaigns."""
        return self.root / "runs"

    @cached_property
    def holding(self) -> ProbeResult:
        """Return the sandbox of this machine, and whether it holds."""
        from agent.executor.sandbox.bubblewrap import Sandbox
        from agent.executor.sandbox.probe import ProbeResult, find_sandbox

        return ProbeResult(Sandbox(None), {}, self.fault) if self.fault else find_sandbox(self.root)

    @property
    def uncontained(self) -> str | None:
        """Return why code of experiments may not run here, None where it may."""
        return self.holding.reason if self.contained and not self.holding.holds else None

    @property
    def sandbox(self) -> Sandbox:
        """Return the sandbox that code runs in: none if the user wants none, or if none holds."""
        from agent.executor.sandbox.bubblewrap import Sandbox

        holds = self.contained and self.holding.holds
        return self.holding.sandbox if holds else Sandbox(None)

    def refuse_uncontained(self, what: str) -> None:
        """Raise `StoichloopError` if `what` would run without a sandbox and the user did not ask for that."""
        if self.uncontained is not None:
            raise StoichloopError(
                f"{what} would run without a sandbox: {self.uncontained}; give --no-sandbox to run it all the same, "
                "as a program of yours"
            )

    @property
    def repo(self) -> Repo:
        """Return the git repository; its index and working tree belong to the user and are only read.

        Raises `StoichloopError` if git cannot read it.
        """
        from git import GitError

        from agent.base.loop_git import PinnedRepo

        try:
            return PinnedRepo(self.root, expand_vars=False)
        except GitError as error:
            raise StoichloopError(
                f"{self.root / '.git'}: not a repository that git can read; 'git status' must work there first"
            ) from error


def current_workspace(*, contained: bool = True) -> Workspace:
    """Return the workspace of the current folder; `contained` is false where the user wants no sandbox."""
    return find_workspace(Path.cwd(), contained=contained)


def find_workspace(start: Path, *, contained: bool = True) -> Workspace:
    """Return the workspace that contains `start`; raise `StoichloopError` outside one."""
    roots = (folder for folder in (start.absolute(), *start.absolute().parents) if (folder / ".git").exists())
    if (root := next(roots, None)) is None:
        raise StoichloopError(f"{start}: not inside a git repository; run stoichloop in a clone of its repository")
    if not (root / "gnn" / "train.py").is_file():
        raise StoichloopError(
            f"{root}: this repository has no gnn/train.py; run stoichloop in a clone of its repository"
        )
    return Workspace(root.resolve(), contained)


def head_commit(workspace: Workspace) -> str:
    """Return the commit that a new campaign starts from; raise `StoichloopError` in a repository without commits."""
    from git import GitCommandError

    from agent.base.loop_git import complaint_of

    try:
        return str(workspace.repo.git.rev_parse("--verify", "HEAD^{commit}"))
    except GitCommandError as error:
        raise StoichloopError(
            f"{workspace.root}: git knows no commit here to start from: {complaint_of(error)}"
        ) from error
