"""Leave-one-out ablation: the effect of each change, measured by training without it on the same fresh seeds."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from agent.analyzer.judging.confirmation import MIN_PAIRS, compare
from agent.analyzer.judging.noise import Noise, measure_noise
from agent.campaign.campaign_data import refuse_other_data
from agent.campaign.folder import CampaignFolder
from agent.campaign.registrar import commit_of
from agent.executor.code.merging import merged_text
from agent.executor.code.worktree import Worktrees, choose, keep_what_fits
from agent.executor.trial import steps_of
from agent.planner.move_catalogue import move_names, read_move
from agent.training.measurement import Laboratory, Task
from memory.formatting import counted
from memory.leaderboard import lineage
from memory.ledger import Ledger
from memory.records import Ablation, Experiment, Measurement, experiment_number
from simulator.dataset import FrozenData
from stoichloop.errors import StoichloopError

# The seeds that follow those of the experiment's confirmation: no selection has seen them.
_FIRST_SEED = 500
_NONE = object()


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

    The parts of a combination are left out too, each alone. Ablations on enough seeds are not repeated. Raises
    `StoichloopError` if there is nothing to leave out.
    """
    refuse_other_data(campaign.folder, campaign.settings.dataset, dataset)
    experiments = ledger.experiments()
    stack = lineage(experiments, winner)[1:]
    if not stack:
        raise StoichloopError(f"{winner.id} is the unchanged base commit: there is nothing to leave out")
    seeds = fresh_seeds(winner.id, count)
    different = _rebuilt(ledger, laboratory.worktrees, campaign.settings.base_commit, stack, seeds)
    steps = steps_of(campaign.settings.fidelity, campaign.settings.full_steps)

    def tasks(name: str, commit: str) -> list[Task]:
        return [Task(name, commit, dataset, seed, steps) for seed in seeds]

    wanted = tasks(winner.id, commit_of(winner)) if different else []
    for name, commit in different.items():
        wanted += tasks(f"{winner.id} without {name}", commit)
    measured = laboratory.measure(wanted)
    groups = [measured[place : place + count] for place in range(0, len(measured), count)]
    noise = measure_noise(experiments, campaign.settings.fidelity)
    for name, group in zip(different, groups[1:], strict=False):
        ledger.add_ablation(_judge(winner.id, name, groups[0], group, noise))


def _rebuilt(
    ledger: Ledger, worktrees: Worktrees, base: str, stack: Sequence[Experiment], seeds: tuple[int, ...]
) -> dict[str, str]:
    """Return the commit of the stack without each change that has to be measured.

    Record what needs no measurement: a change that later ones undo, and one without which nothing can be rebuilt.
    """
    winner, found = stack[-1], dict[str, str]()
    known = ledger.ablations(winner.id)
    for e in [*stack, *_parts(ledger, stack)]:
        if _is_known(last := known.get(e.id), len(seeds)):
            continue
        rest = _without(ledger, worktrees, base, stack, e)
        if isinstance(rest, StoichloopError):
            ablation = _undetermined(winner.id, e.id, seeds, str(rest))
            if last is None or last.reason != ablation.reason:
                ledger.add_ablation(ablation)
        elif worktrees.fingerprint(rest, worktrees.at(rest).resolve({})) == winner.fingerprint:
            ledger.add_ablation(_idle(winner.id, e.id, seeds))
        else:
            found[e.id] = rest
    return found


def _parts(ledger: Ledger, stack: Sequence[Experiment]) -> list[Experiment]:
    """Return the parts of the combinations in a stack."""
    return ledger.these({name for e in stack if len(e.combines) > 1 for name in e.combines})


def _is_known(ablation: Ablation | None, count: int) -> bool:
    """Return whether an ablation on `count` seeds need not be repeated."""
    return ablation is not None and len(ablation.seeds) >= count and ablation.verdict != "not determined"


def _without(
    ledger: Ledger, worktrees: Worktrees, base: str, stack: Sequence[Experiment], left_out: Experiment
) -> str | StoichloopError:
    """Commit all other changes of the stack, in order, on the base; return the error if they do not fit."""
    commit = parent = base
    try:
        for e in stack:
            words = f"{e.id} without {left_out.id}"
            if e is not left_out:
                commit = worktrees.commit(commit, _again(worktrees, e, parent), words)
            if left_out.id in e.combines:
                commit = worktrees.commit(commit, _taken_out(ledger, worktrees, left_out, e), words)
            parent = commit_of(e)
        worktrees.at(commit).resolve({})
    except StoichloopError as error:
        return error
    return commit


def _taken_out(
    ledger: Ledger, worktrees: Worktrees, part: Experiment, combination: Experiment
) -> Callable[[Path], None]:
    """Return an edit that takes a part out of a checkout that holds the combination."""
    built_on, parent = (ledger.these([e.parent or ""])[0] for e in (combination, part))

    def edit(folder: Path) -> None:
        if part.patch:
            with_it, without = worktrees.texts_of(commit_of(part)), worktrees.texts_of(commit_of(parent))
            for file in sorted(file for file in {*with_it, *without} if with_it.get(file) != without.get(file)):
                _change(folder, file, with_it.get(file), without.get(file), whole=False)
            keep_what_fits(folder, worktrees.sandbox)
        taken = [name for name, value in part.changes.items() if combination.changes.get(name, _NONE) == value]
        choose({name: built_on.configuration[name] for name in taken if name in built_on.configuration})(folder)

    return edit


def _again(worktrees: Worktrees, e: Experiment, parent: str) -> Callable[[Path], None]:
    """Return an edit that makes the change from `parent` to `e` in a checkout of other code."""

    def edit(folder: Path) -> None:
        if e.patch:
            before, after = worktrees.texts_of(parent), worktrees.texts_of(commit_of(e))
            whole = _written_whole(e, after)
            changed = {file for file in {*before, *after} if before.get(file) != after.get(file)}
            for file in sorted(changed | whole):
                _change(folder, file, before.get(file), after.get(file), whole=file in whole)
            keep_what_fits(folder, worktrees.sandbox)
        choose(e.changes)(folder)

    return edit


def _written_whole(e: Experiment, after: Mapping[str, str]) -> set[str]:
    """Return the files that an experiment's move writes or removes, whatever they held; none if it is a patch."""
    if e.move not in move_names():
        return set()
    move = read_move(e.move)
    files = {**dict.fromkeys(f"gnn/{file}" for file in move.description.removes), **move.files}
    return {file for file, text in files.items() if after.get(file) == text}


def _change(folder: Path, file: str, before: str | None, after: str | None, *, whole: bool) -> None:
    """Change `file` of a checkout as it was changed from `before` to `after`; None stands for no file.

    A file that was deleted or written whole becomes the same whatever it holds here; others are merged by line.
    """
    path = folder / file
    if after is None:
        path.unlink(missing_ok=True)
        return
    here = path.read_bytes().decode("utf-8", "surrogateescape") if path.is_file() else None
    if here != before and not whole:
        after = _merged(file, here, before, after)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(after.encode("utf-8", "surrogateescape"))


def _merged(file: str, here: str | None, before: str | None, after: str) -> str:
    """Merge the change of a text from `before` to `after` into `here`; raise `StoichloopError` if they conflict."""
    merged = merged_text(here or "", before or "", after)
    if merged is None:
        raise StoichloopError(f"later changes of {file} touch the lines that it wrote")
    return merged


def _judge(
    winner: str, left_out: str, full: Sequence[Measurement], rest: Sequence[Measurement], noise: Noise
) -> Ablation:
    seeds = tuple(measurement.seed for measurement in full)
    # A seed on which the full stack did not complete cannot be compared.
    completed = [pair for pair in zip(full, rest, strict=True) if pair[0].score is not None]
    if failure := next((theirs.reason for _, theirs in completed if theirs.reason), None):
        reason = f"the rest does not train without it: {failure}"
        return Ablation(winner, left_out, None, None, seeds, "matters", reason, time.time())
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


def _idle(winner: str, left_out: str, seeds: tuple[int, ...]) -> Ablation:
    reason = "later changes undo it: code and configuration are the same without it"
    return Ablation(winner, left_out, 0.0, (0.0, 0.0), seeds, "not shown to matter", reason, time.time())


def _undetermined(winner: str, left_out: str, seeds: tuple[int, ...], failure: str) -> Ablation:
    reason = f"the rest cannot be rebuilt without it: {failure}"
    return Ablation(winner, left_out, None, None, seeds, "not determined", reason, time.time())
