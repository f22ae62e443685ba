"""Leave-one-out ablation: the effect of each change, measured by training without it on the same fresh seeds."""

from __future__ import annotations

import time
from collections.abc import Sequence

from agent.analyzer.judging.acceptance import MIN_PAIRS, compare
from agent.analyzer.judging.noise import Noise, measure_noise
from agent.campaign.folder import CampaignFolder
from agent.campaign.registrar import commit_of, edit_of
from agent.executor.code.worktree import Worktrees
from agent.executor.trial import steps_of
from agent.planner.proposal import Proposal
from agent.training.measurement import Laboratory, Task
from memory.formatting import counted
from memory.leaderboard import lineage
from memory.ledger import Ledger
from memory.records import Ablation, Experiment, Measurement, experiment_number
from simulator.dataset import FrozenData
from stoichloop.errors import StoichloopError

# The seeds that follow those of the experiment's confirmation: no selection has seen them.
_FIRST_SEED = 500


def fresh_seeds(experiment: str, count: int) -> tuple[int, ...]:
    """Return an experiment's ablation seeds, a fixed sequence: a larger count extends a smaller one."""
    number = experiment_number(experiment)
    return tuple(number * 1000 + _FIRST_SEED + index for index in range(count))


def ablate(
    campaign: CampaignFolder,
    ledger: Ledger,
    laboratory: Laboratory,
    dataset: FrozenData,
    winner: Experiment,
    count: int,
) -> None:
    """Leave out each change behind the winner in turn, on `count` seeds, and record its effect in the ledger.

    Ablations on enough seeds are not repeated. Raises `StoichloopError` if there is nothing to leave out.
    """
    if dataset.manifest.fingerprint() != campaign.settings.dataset:
        raise StoichloopError(
            f"{dataset.folder}: the data differ from those that campaign '{campaign.settings.name}' used"
        )
    experiments = ledger.experiments()
    stack = lineage(experiments, winner)[1:]
    if not stack:
        raise StoichloopError(f"{winner.id} is the unchanged base commit: there is nothing to leave out")
    known, seeds = ledger.ablations(winner.id), fresh_seeds(winner.id, count)
    missing = [e for e in stack if e.id not in known or len(known[e.id].seeds) < count]
    rests = {e.id: _without(laboratory.worktrees, campaign.settings.base_commit, stack, e) for e in missing}
    commits = {name: commit for name, commit in rests.items() if not isinstance(commit, StoichloopError)}
    steps = steps_of(campaign.settings.fidelity, campaign.settings.full_steps)

    def tasks(name: str, commit: str) -> list[Task]:
        return [Task(name, commit, dataset, seed, steps) for seed in seeds]

    wanted = tasks(winner.id, commit_of(winner)) if commits else []
    for name, commit in commits.items():
        wanted += tasks(f"{winner.id} without {name}", commit)
    measured = laboratory.measure(wanted)
    groups = [measured[place : place + count] for place in range(0, len(measured), count)]
    noise = measure_noise(experiments, campaign.settings.fidelity)
    for name, group in zip(commits, groups[1:], strict=False):
        ledger.add_ablation(_judge(winner.id, name, groups[0], group, noise))
    for name, error in rests.items():
        if isinstance(error, StoichloopError):
            ledger.add_ablation(_needed(winner.id, name, seeds, str(error)))


def _without(
    worktrees: Worktrees, base: str, stack: Sequence[Experiment], left_out: Experiment
) -> str | StoichloopError:
    """Commit all other changes of the stack, in order, on the base; return the error if they do not fit."""
    commit = base
    try:
        for e in stack:
            if e is not left_out:
                proposal = Proposal(
                    hypothesis=e.hypothesis,
                    parent=e.parent or "",
                    changes=e.changes,
                    diff=e.patch,
                    role=e.role,
                )
                commit = worktrees.commit(commit, edit_of(proposal, worktrees.sandbox), f"{e.id} without {left_out.id}")
        worktrees.at(commit).resolve({})
    except StoichloopError as error:
        return error
    return commit


def _judge(
    winner: str, left_out: str, full: Sequence[Measurement], rest: Sequence[Measurement], noise: Noise
) -> Ablation:
    seeds = tuple(measurement.seed for measurement in full)
    # A seed on which the full stack did not complete cannot be compared.
    completed = [pair for pair in zip(full, rest, strict=True) if pair[0].score is not None]
    if failure := next((theirs.reason for _, theirs in completed if theirs.reason), None):
        return _needed(winner, left_out, seeds, failure)
    if len(completed) < MIN_PAIRS:
        raise StoichloopError(
            f"{winner} itself completed only {len(completed)} of {len(seeds)} fresh seeds, too few to compare; "
            f"use more: --seeds {2 * len(seeds)}"
        )
    scores = [(ours.score, theirs.score) for ours, theirs in completed]
    differences = [ours - theirs for ours, theirs in scores if ours is not None and theirs is not None]
    paired = compare(differences, noise)
    matters = paired.interval[0] > 0
    return Ablation(
        winner=winner,
        left_out=left_out,
        effect=paired.effect,
        interval=paired.interval,
        seeds=seeds,
        verdict="matters" if matters else "not shown to matter",
        reason=f"{paired.effect:+z.4f} on {counted(len(differences), 'fresh seed')}",
        at=time.time(),
    )


def _needed(winner: str, left_out: str, seeds: tuple[int, ...], failure: str) -> Ablation:
    reason = f"later changes need it: {failure}"
    return Ablation(winner, left_out, None, None, seeds, "matters", reason, time.time())
