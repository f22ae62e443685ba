"""Cherry-picking of an experiment's commits onto the user's branch, in the user's name.

All commits are picked in a temporary worktree first. Only if all of them apply is the user's branch fast-forwarded.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from git import Git, GitCommandError
from pydantic import BaseModel, ConfigDict

from agent.base.loop_git import complaint_of, loop_git, path_of, user_git
from agent.executor.code.code_state import CodeState
from agent.executor.code.patch import refuse_outside
from agent.executor.code.unified_diff import PatchRefusedError
from agent.executor.code.worktree import CHOSEN, Worktrees, throw_away, write_chosen
from agent.executor.trial import FIDELITIES, steps_of
from agent.executor.workspace import Workspace, head_commit
from agent.winners.attribution import undone
from agent.winners.chain import Chain, Link
from memory.formatting import counted, within
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

    `before` is the branch's commit before the pick, and `undo` the command that returns to it, None if nothing was
    picked. `already` were on the branch before; `left_out` were not shown to matter; of `undone` the experiment holds
    nothing. `fidelity` is the training length at which `score` was measured on `seeds`.
    """

    model_config = ConfigDict(frozen=True)

    campaign: str
    experiment: str
    branch: str
    before: str
    head: str
    undo: str | None
    placed: list[Placed]
    already: list[str]
    left_out: list[str]
    undone: list[str]
    objective: str | None
    fidelity: str | None
    score: float | None
    interval: tuple[float, float] | None
    seeds: list[int]
    check: str | None


@dataclass(frozen=True)
class _PickedLink:
    """A link to pick, with the changes of the links before it, back to commit `since`, of which nothing is left."""

    link: Link
    since: str


def pick(workspace: Workspace, chain: Chain, left_out: Sequence[str]) -> Picked:
    """Pick the commits of `chain`, except those `left_out`, onto the current branch.

    Raises `StoichloopError`, with nothing changed, if the branch is not ready or a commit does not fit.
    """
    branch, head = _ready_branch(workspace), head_commit(workspace)
    known = _experiments_in(workspace, head)
    new = [link for link in chain.links if (link.campaign, link.experiment, link.fingerprint) not in known]
    gone = undone_in(workspace, chain)
    dead = [link.experiment for link in new if link.experiment in gone]
    spared = [link.experiment for link in new if link.experiment in left_out and link.experiment not in dead]
    steps = _steps(new, dead, spared)
    _refuse_outside(workspace, steps)
    code = _code_of(workspace, chain, head) if new == list(chain.links) and not spared else None
    placed = _place(workspace, head, steps, branch, code) if steps else []
    put, score = {one.experiment for one in placed}, chain.tip.score
    return Picked(
        campaign=chain.tip.campaign,
        experiment=chain.tip.experiment,
        branch=branch,
        before=head,
        head=head_commit(workspace),
        undo=f"git reset --keep {head[:12]}" if placed else None,
        placed=placed,
        already=[name for name in chain.names if name not in put and name not in (*spared, *dead)],
        left_out=spared,
        undone=dead,
        objective=score.objective if score else None,
        fidelity=score.fidelity if score else None,
        score=score.mean if score else None,
        interval=score.interval if score else None,
        seeds=list(score.seeds) if score else [],
        check=_check(workspace, chain.tip),
    )


def undone_in(workspace: Workspace, chain: Chain) -> list[str]:
    """Return the experiments of a chain of whose changes its tip holds nothing."""
    gone = undone(workspace.root, (chain.base, *(link.commit for link in chain.links)))
    return [name for position, name in enumerate(chain.names, start=1) if position in gone]


def _steps(links: Sequence[Link], dead: Sequence[str], spared: Sequence[str]) -> list[_PickedLink]:
    """Return what to pick: a link of which nothing is left goes along with the next one, which undoes it."""
    steps, since = list[_PickedLink](), None
    for link in links:
        since = since or link.before
        if link.experiment in dead:
            continue
        if link.experiment not in spared:
            steps.append(_PickedLink(link, since))
        since = None
    return steps


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
        if (workspace.root / path_of(str(git.rev_parse("--git-path", operation)))).exists():
            raise StoichloopError(
                f"{workspace.root}: another git operation is in progress ({operation}); finish it or abort it first"
            )
    # Only the user's own settings tell which files are ignored, and how their lines end.
    users = user_git(workspace.root)(no_optional_locks=True)
    lines = str(users.status("--porcelain", "--untracked-files=all")).splitlines()
    if files := [line[3:] for line in lines if line[0] not in " ?" or line[3:].lstrip('"').startswith("gnn/")]:
        raise StoichloopError(
            f"{workspace.root}: uncommitted changes are in the way: {', '.join(files)}; "
            "commit them, or stash them with git stash --include-untracked"
        )
    return branch


def _experiments_in(workspace: Workspace, head: str) -> set[tuple[str, str, str]]:
    """Return campaign, id and fingerprint of each experiment in a history."""
    keys = "Campaign", "Experiment", "Fingerprint"
    fields = "%x00".join(f"%(trailers:key={key},valueonly,separator=)" for key in keys)
    lines = str(workspace.repo.git.log("--grep=^Fingerprint: ", f"--format={fields}", head)).splitlines()
    return {(words[0], words[1], words[2]) for line in lines if len(words := line.split("\0")) == 3}


def _refuse_outside(workspace: Workspace, steps: Sequence[_PickedLink]) -> None:
    """Raise `StoichloopError` if a commit changes a file outside gnn/: the branch may come from anywhere."""
    for step in steps:
        try:
            refuse_outside(workspace.repo.git, step.since, step.link.commit)
        except PatchRefusedError as error:
            raise StoichloopError(
                f"commit {step.link.commit[:12]} ({step.link.subject}): {error}; nothing was changed"
            ) from error


def _code_of(workspace: Workspace, chain: Chain, head: str) -> str | None:
    """Return the gnn/ that the whole chain makes of the gnn/ at `head`; None if the chain began with another one."""
    ours, base, tip = (str(workspace.repo.git.rev_parse(f"{c}:gnn")) for c in (head, chain.base, chain.tip.commit))
    return tip if ours == base else None


def _place(
    workspace: Workspace, head: str, steps: Sequence[_PickedLink], branch: str, code: str | None
) -> list[Placed]:
    """Pick in a temporary worktree, then move the branch; `code` is the gnn/ that must come out, if it is known."""
    with throw_away(workspace.repo, workspace.runs / ".picks", workspace.sandbox) as worktrees:
        folder = worktrees.whole(head)
        git = loop_git(folder)
        picks = [(step.link, _commit_of(worktrees, git, step)) for step in steps]
        placed = [one for pick in picks if (one := _cherry_pick(folder, *pick, branch)) is not None]
        tip = steps[-1].link
        if code not in (None, git.rev_parse("HEAD:gnn")):
            raise StoichloopError(
                f"picking {tip.experiment} onto branch {branch} produced a gnn/ other than that of commit "
                f"{tip.commit[:12]}, perhaps by a git hook or merge driver of yours; nothing was changed"
            )
        try:
            CodeState(folder, workspace.sandbox).resolve({})
        except StoichloopError as error:
            raise StoichloopError(
                f"on branch {branch}, {tip.experiment} would not train: {error}; nothing was changed"
            ) from error
        if placed:
            user_git(workspace.root).merge("--ff-only", "--quiet", placed[-1].commit)
    return placed


def _commit_of(worktrees: Worktrees, git: Git, step: _PickedLink) -> str:
    """Return the commit to pick: the link's own, or one with its content and message, made on an earlier commit."""
    link = step.link
    if step.since == link.before:
        return link.commit
    message = str(git.show("--no-patch", "--format=%B", link.commit))
    at = str(git.show("--no-patch", "--format=%at", link.commit))
    return worktrees.reword(link.commit, step.since, message, float(at))


def _cherry_pick(folder: Path, link: Link, commit: str, branch: str) -> Placed | None:
    """Pick a commit with the change of `link` in the worktree; return None if it changes nothing there."""
    git, users = loop_git(folder), user_git(folder)
    try:
        users.cherry_pick(commit)
    except GitCommandError as error:
        files = str(git.diff("--name-only", "--diff-filter=U")).splitlines()
        if files and (files != [CHOSEN] or not _merge_chosen(git, folder)):
            raise StoichloopError(
                f"commit {link.commit[:12]} ({link.subject}) conflicts with branch {branch} in {', '.join(files)}; "
                f"nothing was changed; to resolve it by hand: git cherry-pick {commit[:12]}"
            ) from error
        if not git.diff("--cached", "--name-only"):
            users.cherry_pick("--skip")
            return None
        if not files:
            raise StoichloopError(
                f"git could not pick {link.experiment}, and nothing was changed: {complaint_of(error)}"
            ) from error
        users(c=["core.editor=true", "core.commentChar=#"]).cherry_pick("--continue")
    made = str(git.rev_parse("HEAD"))
    return Placed(experiment=link.experiment, subject=link.subject, original=link.commit, commit=made)


def _merge_chosen(git: Git, folder: Path) -> bool:
    """Merge the chosen configuration by field instead of by line; return False if both sides changed a field."""
    try:
        base, ours, theirs = (json.loads(git.cat_file("blob", f":{stage}:{CHOSEN}")) for stage in (1, 2, 3))
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
    user_git(folder).add("--", CHOSEN)
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
    """Return the result for the terminal: picked commits, how to undo it, and the command that checks the score."""
    lines = [f"{one.original[:12]} -> {one.commit[:12]}  {one.subject}" for one in picked.placed]
    if picked.placed:
        count = counted(len(picked.placed), "commit")
        lines.append(f"{count} of {picked.experiment} on branch {picked.branch}; to undo: {picked.undo}")
    if picked.already:
        lines.append(f"on branch {picked.branch} already: {', '.join(picked.already)}")
    if picked.undone:
        lines.append(f"not picked, since later changes undo all of it: {', '.join(picked.undone)}")
    if picked.left_out:
        lines.append(f"left out, not shown to matter: {', '.join(picked.left_out)}; --all picks them too")
    lines += _score_lines(picked)
    if picked.placed:
        lines.append(
            "the sandbox does not cover your own programs: 'make test' runs this code with your permissions; "
            f"read it first: git diff {picked.before[:12]} -- gnn"
        )
    return "\n".join(lines)


def _score_lines(picked: Picked) -> list[str]:
    if picked.score is None or picked.fidelity is None:
        return [f"{picked.experiment} has no score"]
    seeds = ", ".join(map(str, picked.seeds))
    share = FIDELITIES.get(picked.fidelity, 1.0)
    length = f"fidelity {picked.fidelity}" + (f", {share:g} of the full training" if share < 1 else "")
    score = f"{picked.objective} {picked.score:.4f}{within(picked.interval)} at {length}, over seeds {seeds}"
    if picked.check is None:
        return [f"{picked.experiment} as a whole: {score}", "it cannot be checked here: the regime is unknown"]
    return [f"{picked.experiment} as a whole: {score}; to check:", f"    {picked.check}"]
