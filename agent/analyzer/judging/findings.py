"""Findings from the experiments so far, derived from statistics alone.

Fields of the configuration. A field is related to the score by Spearman's rank correlation over all experiments that
have a trial at the lowest fidelity (choices by the Kruskal-Wallis test). Each score is a mean over seeds, taken from
the mean of the experiments that share its code, so that better code is not credited to the values that it was tried
with; an experiment that completed no training counts as 0. The p-values are corrected for the number of fields looked
at by Holm's method (1979). Since all evidence is looked at again after every block, the look after block b is held to
the level of a b-th test (`confirmation.level_of`): all looks of a campaign share one alpha. The optimiser chooses the
next values by earlier scores; that dependence is not corrected for. A principle without support any more is kept as not
confirmed until it stands again. A field whose corrected p-value is below 5 %, but not below that level, is an open
question. Whether the formulation is the limit is asked while no field has even that and nothing has been accepted; only
experiments that change the configuration alone count there.

Accepted configurations. Each is a principle, with its fields and the effect and the p-value of its confirmation.

Changes of code. A change that was accepted is a principle, with the effect and the p-value of its confirmation. One
that led its own parent by more than the noise, and was then overtaken by another, is an open question. One that a
confirmation on fresh seeds found worse, with all of the interval below zero, is a refuted hypothesis. Any other is not
confirmed: a lag on a few seeds refutes nothing. So is one that was accepted once and later lagged on other code. All
experiments of a change are named. A subject carries the title of the change, or the name of its move. Where a trial
takes longer or shorter than the parent's by a tenth or more, the finding has that too.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
from scipy import stats

from agent.analyzer.judging.confirmation import ALPHA, level_of
from agent.analyzer.judging.noise import Noise, mean_outcome
from memory.cost import cost_of
from memory.formatting import counted, within
from memory.leaderboard import codes_of, paired_lead
from memory.objective import Objective
from memory.records import Experiment, Finding, FindingKind
from stoichloop.foreign_text import one_line

MIN_EXPERIMENTS = 8
NOISE = "noise"  # the subject of the finding on it
_LARGEST = 1e300  # a number beyond, or one that is none, is compared as a word
_CODE, _CONFIGURATION = "code: ", "configuration: "  # begin the subject of a finding on a change
_AS_LONG = 0.1  # a trial that takes so much longer or shorter, as a share, is told


def find(
    experiments: Sequence[Experiment],
    previous: Sequence[Finding],
    noise: Mapping[str, Noise],
    block: int,
    objective: Objective,
) -> list[Finding]:
    """Return all findings on `objective` that hold after a block, with the experiments that support each."""
    # Every experiment is seen at the lowest fidelity, and only what was promising at the highest.
    fidelity, *_, top = (*noise, *noise)
    found = [
        _noise(experiments, noise[top], top, block, objective),
        *_changes_of_code(experiments, noise[top], block, objective),
        *_accepted_configurations(experiments, block, objective),
    ]
    scored = [e for e in experiments if e.tried(fidelity)]
    support = tuple(e.id for e in scored)
    now = time.time()
    swept = tuple(e.id for e in scored if not e.patch)
    if len(swept) < MIN_EXPERIMENTS:
        question = (
            f"which fields matter? {counted(len(swept), 'configuration')} tried, {MIN_EXPERIMENTS} are needed to say"
        )
        return [*found, Finding(block, "open question", "fields", question, swept, None, None, now)]
    fields = list(_fields(scored, codes_of(experiments), fidelity, block, objective))
    found += fields
    standing = {finding.subject for finding in found}
    for old in previous:
        if old.subject in standing or old.subject.startswith((_CODE, _CONFIGURATION)):
            continue
        if old.kind in ("refuted hypothesis", "not confirmed"):
            found.append(replace(old, block=block, statement=old.statistics))
        if old.kind == "established principle":
            statement = f"no longer supported by {len(scored)} experiments: {old.statistics}"
            found.append(Finding(block, "not confirmed", old.subject, statement, support, None, None, now))
    if not fields and not any(e.accepted and e.block > 0 for e in experiments):
        tried = counted(len(swept), "configuration")
        question = f"no field moves {objective} measurably in {tried}: is the formulation itself the limit?"
        found.append(Finding(block, "open question", "fields", question, swept, None, None, now))
    return found


def _noise(experiments: Sequence[Experiment], noise: Noise, fidelity: str, block: int, objective: Objective) -> Finding:
    statement = (
        f"{objective} varies between seeds with standard deviation {noise.sigma:.4f} at {fidelity} "
        f"({noise.degrees} degrees of freedom)"
    )
    accepted = tuple(e.id for e in experiments if e.accepted)
    return Finding(block, "established principle", NOISE, statement, accepted, noise.sigma, None, time.time())


def _changes_of_code(
    experiments: Sequence[Experiment], noise: Noise, block: int, objective: Objective
) -> Iterator[Finding]:
    """Yield a finding for each tried move of the catalogue, and for each other patch."""
    known = {e.id: e for e in experiments}
    changes: dict[str, list[Experiment]] = {}
    for e in experiments:
        if e.patch and e.verdict is not None and e.verdict.verdict in ("accepted", "rejected"):
            changes.setdefault(e.move or f"{one_line(e.headline)} ({e.id})", []).append(e)
    for subject, tries in changes.items():
        parents = [known[e.parent or ""] for e in tries]
        gains = list(map(_gain, tries, parents))
        told = "; ".join(map(_told, tries, parents, gains))
        accepted = [e for e in tries if e.accepted]
        verdict = accepted[-1].verdict if accepted else None
        kind, claim = _claim(tries, gains, max(map(_seeds, tries, parents)), noise)
        yield Finding(
            block,
            kind,
            _CODE + subject,
            f"{tries[0].move or repr(one_line(tries[0].headline))} {claim}: {objective} {told}",
            tuple(e.id for e in tries),
            verdict.effect if verdict else max(gains),
            verdict.p_value if verdict else None,
            time.time(),
        )


def _accepted_configurations(experiments: Sequence[Experiment], block: int, objective: Objective) -> Iterator[Finding]:
    """Yield a finding for each accepted experiment that changes the configuration alone."""
    known = {e.id: e for e in experiments}
    for e in experiments:
        if e.verdict is None or not e.accepted or e.patch or e.parent is None:
            continue
        parent = known[e.parent]
        gain = _gain(e, parent)
        yield Finding(
            block,
            "established principle",
            f"{_CONFIGURATION}{one_line(e.headline)} ({e.id})",
            f"{changed_fields(e, parent)} recovers more: {objective} {_told(e, parent, gain)}",
            (e.id,),
            gain,
            e.verdict.p_value,
            time.time(),
        )


def changed_fields(experiment: Experiment, parent: Experiment | None) -> str:
    """Return 'lr_S 0.003 -> 0.03, width 32 -> 64', the fields that an experiment changes."""
    old = parent.configuration if parent else {}
    return ", ".join(
        one_line(f"{name} {old.get(name, '(new)')} -> {value}") for name, value in experiment.changes.items()
    )


def _claim(tries: Sequence[Experiment], gains: Sequence[float], seeds: int, noise: Noise) -> tuple[FindingKind, str]:
    """Return what is known of a change after experiments with these gains, on at most so many seeds each."""
    accepted = any(e.accepted for e in tries)
    if accepted and (tries[-1].accepted or gains[-1] >= 0):
        return "established principle", "recovers more" if max(gains) > 0 else "recovers as much with fewer lines"
    if not accepted and max(gains) > noise.sigma:
        return "open question", "may recover more, which is not confirmed"
    if any(map(_is_worse, tries)):
        return "refuted hypothesis", "recovers less"
    again = ", having been accepted once" if accepted else ""
    return "not confirmed", f"is not confirmed to recover more ({counted(seeds, 'seed')}){again}"


def _is_worse(experiment: Experiment) -> bool:
    """Return whether a confirmation on fresh seeds found an experiment worse than its parent."""
    verdict = experiment.verdict
    if verdict is None or verdict.interval is None or verdict.rival != experiment.parent:
        return False
    return verdict.interval[1] < 0


def _gain(experiment: Experiment, parent: Experiment) -> float:
    """Return the lead over its own parent: as judged, or on equal seeds if another rival judged it.

    A rival may run code that was accepted after the proposal; a lead over it is no evidence about the change.
    """
    verdict = experiment.verdict
    if verdict is not None and verdict.rival == parent.id and verdict.effect is not None:
        return verdict.effect
    pair = paired_lead(experiment, parent)
    return pair.lead if pair else 0.0


def _seeds(experiment: Experiment, parent: Experiment) -> int:
    """Return the number of seeds that an experiment and its parent both completed, at least 1."""
    pair = paired_lead(experiment, parent)
    return pair.seeds if pair else 1


def _told(experiment: Experiment, parent: Experiment, gain: float) -> str:
    verdict, interval = experiment.verdict, ""
    if verdict is not None and verdict.rival == parent.id:
        interval = within(verdict.interval, signed=True)
    cost = cost_of(experiment, parent)
    times = cost.times_parent if cost and cost.times_parent is not None else 1.0
    longer = f", at {times:.2f} times the time a trial" if abs(times - 1.0) >= _AS_LONG else ""
    return f"{gain:+z.4f}{interval} against {parent.id} ({experiment.id}){longer}"


def _fields(
    scored: Sequence[Experiment], codes: Mapping[str, str], fidelity: str, block: int, objective: Objective
) -> Iterator[Finding]:
    """Yield the fields that change the score, by ascending p-value; then those that may, as open questions."""
    relations = _relations(scored, codes, fidelity)
    for rank, (field, (effect, p_value)) in enumerate(sorted(relations.items(), key=lambda item: item[1][1])):
        corrected, level = min(1.0, p_value * (len(relations) - rank)), level_of(max(block, 1))
        if corrected >= ALPHA:
            return
        told = [e for e in scored if field in e.configuration]
        shown = corrected < level
        doubt = "" if shown else f"; not established, as p = {corrected:.2g} is not below {level:.2g}"
        yield Finding(
            block,
            "established principle" if shown else "open question",
            field,
            _statement(field, effect, told, objective) + doubt,
            tuple(e.id for e in told),
            effect,
            corrected,
            time.time(),
        )


def _relations(scored: Sequence[Experiment], codes: Mapping[str, str], fidelity: str) -> dict[str, tuple[float, float]]:
    """Return effect and p-value of every field that took more than one value."""
    relations: dict[str, tuple[float, float]] = {}
    for field in dict.fromkeys(name for e in scored for name in e.configuration):
        told = [e for e in scored if field in e.configuration]
        values = [e.configuration[field] for e in told]
        scores = _within_code(told, codes, fidelity)
        if len(set(values)) < 2 or np.ptp(scores) == 0:
            continue
        if all(isinstance(value, (int, float)) and abs(value) <= _LARGEST for value in values):
            correlation = stats.spearmanr(np.array(values, dtype=float), scores)
            relations[field] = (float(correlation.statistic), float(correlation.pvalue))
        else:
            names = [str(value) for value in values]
            groups = [scores[[name == other for other in names]] for name in sorted(set(names))]
            means = [float(group.mean()) for group in groups]
            relations[field] = (max(means) - min(means), float(stats.kruskal(*groups).pvalue))
    return relations


def _within_code(
    experiments: Sequence[Experiment], codes: Mapping[str, str], fidelity: str
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return scores, each from the mean over the experiments of the same code."""
    scores = np.array([mean_outcome(e, fidelity) for e in experiments])
    wrote = np.array([codes[e.id] for e in experiments])
    for code in set(wrote):
        scores[wrote == code] -= scores[wrote == code].mean()
    return scores


def _statement(field: str, effect: float, told: Sequence[Experiment], objective: Objective) -> str:
    if isinstance(told[0].configuration[field], str):
        return f"the choice of {field} moves {objective}: {effect:.3f} between the best and the worst on average"
    direction = "higher" if effect > 0 else "lower"
    return f"{direction} {field} recovers more (rank correlation with {objective} {effect:+z.2f})"
