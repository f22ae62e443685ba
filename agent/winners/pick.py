"""Cherry-picking of an experiment's commits onto the user's branch, in the user's name.

All commits are picked in a temporary worktree first. Only if all of them apply is the user's branch fast-forwarded.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from git import Git, GitCommandError
from pydantic import BaseModel, ConfigDict

from agent.analyzer.judging.interval import within
from agent.executor.code.code_state import CodeState
from agent.executor.code.worktree import CHOSEN, throw_away, write_chosen
from agent.executor.trial import steps_of
from agent.executor.workspace import Workspace, head_commit
from agent.winners.chain import Chain, Link
from memory.formatting import counted
from simulator.measured_regime import find_known
from stoichloop.errors import RegimeError, StoichloopError

_OPERATIONS = ("CHERRY_PICK_HEAD", "MERGE_HEAD", "REVERT_HEAD", "rebase-merge", "rebase-apply", "sequencer")
_MISSING = object()


class Placed(BaseModel):
    """A picked commit: its experiment, the original commit and the new commit on the branch."""

    model_config = ConfigDict(frozen=True)

    experiment: str
    subject: str
    original: str
    commit: str


class Picked(BaseModel):
    """Result of a pick. `check` is the command that reproduces the score; None if the regime is unknown.

    `already` were on the branch before; `left_out` were not shown to matter.
    """

    model_config = ConfigDict(frozen=True)

    campaign: str
    experiment: str
    branch: str
    head: str
    placed: list[Placed]
    already: list[str]
    left_out: list[str]
    objective: str | None
    score: float | None
    interval: tuple[float, float] | None
    seeds: list[int]
    check: str | None


def pick(workspace: Workspace, chain: Chain, left_out: Sequence[str]) -> Picked:
    """Pick the commits of `chain`, except those `left_out`, onto the current branch.

    Raises `StoichloopError`, with nothing changed, if the branch is not ready or a commit does not fit.
    """
    branch, head = _ready_branch(workspace), head_commit(workspace)
    known = _experiments_in(workspace, head)
    new = [link for link in chain.links if (link.campaign, link.experiment, link.fingerprint) not in known]
    wanted = [link for link in new if link.experiment not in left_out]
    placed = _place(workspace, head, wanted, branch) if wanted else []
    spared = [link.experiment for link in new if link not in wanted]
    put, score = {one.experiment for one in placed}, chain.tip.score
    return Picked(
        campaign=chain.tip.campaign,
        experiment=chain.tip.experiment,
        branch=branch,
        head=head_commit(workspace),
        placed=placed,
        already=[name for name in chain.names if name not in put and name not in spared],
        left_out=spared,
        objective=score.objective if score else None,
        score=score.mean if score else None,
        interval=score.interval if score else None,
        seeds=list(score.seeds) if score else [],
        check=_check(workspace, chain.tip),
    )


def _ready_branch(workspace: Workspace) -> str:
    """Return the current branch; raise `StoichloopError` if commits cannot be picked onto it now."""
    git = workspace.repo.git
    try:
        branch = str(git.symbolic_ref("--quiet", "--short", "HEAD"))
    except GitCommandError as error:
        raise StoichloopError(
            f"{workspace.root}: HEAD is detached, so there is no branch to pick onto; git switch to one first"
        ) from error
    for operation in _OPERATIONS:
        if (workspace.root / str(git.rev_parse("--git-path", operation))).exists():
            raise StoichloopError(
                f"{workspace.root}: another git operation is in progress ({operation}); finish it or abort it first"
            )
    # Without optional locks, or git would refresh the user's index.
    lines = str(git(no_optional_locks=True).status("--porcelain", "--untracked-files=all")).splitlines()
    if files := [line[3:] for line in lines if line[0] not in " ?" or line[3:].lstrip('"').startswith("gnn/")]:
        raise StoichloopError(
            f"{workspace.root}: uncommitted changes are in the way: {', '.join(files)}; "
            "commit them, or stash them with git stash"
        )
    return branch


def _experiments_in(workspace: Workspace, head: str) -> set[tuple[str, str, str]]:
    """Return campaign, id and fingerprint of each experiment in a history."""
    keys = "Campaign", "Experiment", "Fingerprint"
    fields = "%x00".join(f"%(trailers:key={key},valueonly,separator=)" for key in keys)
    lines = str(workspace.repo.git.log("--grep=^Fingerprint: ", f"--format={fields}", head)).splitlines()
    return {(words[0], words[1], words[2]) for line in lines if len(words := line.split("\0")) == 3}


def _place(workspace: Workspace, head: str, links: Sequence[Link], branch: str) -> list[Placed]:
    with throw_away(workspace.repo, workspace.runs / ".picks", workspace.sandbox) as worktrees:
        folder = worktrees.whole(head)
        git = Git(str(folder))  # runs with the user's name, hooks and signature
        placed = [one for link in links if (one := _cherry_pick(git, folder, link, branch)) is not None]
        try:
            CodeState(folder, workspace.sandbox).resolve({})
        except StoichloopError as error:
            raise StoichloopError(
                f"on branch {branch}, {links[-1].experiment} would not train: {error}; nothing was changed"
            ) from error
        if placed:
            workspace.repo.git.merge("--ff-only", "--quiet", placed[-1].commit)
    return placed


def _cherry_pick(git: Git, folder: Path, link: Link, branch: str) -> Placed | None:
    """Pick one commit in the worktree; return None if it changes nothing there."""
    try:
        git.cherry_pick(link.commit)
    except GitCommandError as error:
        files = str(git.diff("--name-only", "--diff-filter=U")).splitlines()
        if files and (files != [CHOSEN] or not _merge_chosen(git, folder)):
            raise StoichloopError(
                f"commit {link.commit[:12]} ({link.subject}) conflicts with branch {branch} in {', '.join(files)}; "
                f"nothing was changed; to resolve it by hand: git cherry-pick {link.commit[:12]}"
            ) from error
        if not git.diff("--cached", "--name-only"):
            git.cherry_pick("--skip")
            return None
        if not files:
            said = " ".join(str(error.stderr).replace("stderr:", "").split())
            raise StoichloopError(f"git could not pick {link.experiment}, and nothing was changed: {said}") from error
        git(c="core.editor=true").cherry_pick("--continue")
    commit = str(git.rev_parse("HEAD"))
    return Placed(experiment=link.experiment, subject=link.subject, original=link.commit, commit=commit)


def _merge_chosen(git: Git, folder: Path) -> bool:
    """Merge the chosen configuration by field instead of by line; return False if both sides changed a field."""
    try:
        base, ours, theirs = (json.loads(git.show(f":{stage}:{CHOSEN}")) for stage in (1, 2, 3))
    except (GitCommandError, json.JSONDecodeError):
        return False  # one side has no such file, or no JSON in it
    merged: dict[str, Any] = {}
    for name in sorted({*base, *ours, *theirs}):
        before, mine, other = (side.get(name, _MISSING) for side in (base, ours, theirs))
        if mine not in (before, other) and other != before:
            return False
        value = mine if other == before else other
        if value is not _MISSING:
            merged[name] = value
    write_chosen(folder, merged)
    git.add("--", CHOSEN)
    return True


def _check(workspace: Workspace, link: Link) -> str | None:
    """Return the command that trains the picked code like the experiment."""
    if link.score is None:
        return None
    try:
        steps = steps_of(link.score.fidelity, find_known(link.regime, workspace.data).training.full_steps)
    except RegimeError:
        return None
    return f"stoichloop train {link.regime} --seed {link.score.typical_seed} --steps {steps}"


def describe(picked: Picked) -> str:
    """Return the result for the terminal: picked commits, and the command that checks the score."""
    lines = [f"{one.original[:12]} -> {one.commit[:12]}  {one.subject}" for one in picked.placed]
    if picked.placed:
        moved = counted(len(picked.placed), f"commit of {picked.experiment} is", f"commits of {picked.experiment} are")
        lines.append(f"{moved} now on branch {picked.branch}")
    if picked.already:
        lines.append(f"on branch {picked.branch} already: {', '.join(picked.already)}")
    if picked.left_out:
        lines.append(f"left out, not shown to matter: {', '.join(picked.left_out)}; --all picks them too")
    if picked.score is not None:
        seeds = ", ".join(map(str, picked.seeds))
        score = f"{picked.objective} {picked.score:.4f}{within(picked.interval)} over seeds {seeds}"
        lines.append(f"{picked.experiment} as a whole: {score}; to check:")
    lines.append(f"    {picked.check}" if picked.check else "its score cannot be checked here: the regime is unknown")
    return "\n".join(lines)
