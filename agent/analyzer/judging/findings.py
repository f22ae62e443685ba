"""Findings from the experiments so far, derived from statistics alone.

Fields of the configuration. A field is related to the score by Spearman's rank correlation over all experiments that
were screened (choices by the Kruskal-Wallis test), each mean score taken from the mean of the experiments that share
its code, so that better code is not credited to the values that it was tried with; a failed training
counts as 0. The p-values are corrected for the number of fields looked at by Holm's method (1979). Since all
evidence is looked at again after every block, the look after block b is held to the level of a b-th test
(`confirmation.level_of`): all looks of a campaign share one alpha. The optimiser chooses the next values by earlier
scores; that dependence is not corrected for. A principle without support any more is kept as not confirmed until it
stands again. Whether the formulation is the limit is asked while no field matters and nothing has been accepted; only
experiments that change the configuration alone count there.

Changes of code. A change that was accepted is a principle, with the effect and the p-value of its confirmation. One
that led its own parent by more than the noise, and was then overtaken by another, is an open question. One that a
confirmation on fresh seeds found worse, with all of the interval below zero, is a refuted hypothesis. Any other is not
confirmed: a lag on a few seeds refutes nothing. So is one that was accepted once and later lagged on other code. All
experiments of a change are named.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
from scipy import stats

from agent.analyzer.judging.confirmation import level_of
from agent.analyzer.judging.noise import Noise, mean_outcome
from agent.analyzer.judging.seeds import confirm_seeds
from memory.formatting import counted, within
from memory.leaderboard import codes_of, paired_trial
from memory.records import Experiment, Finding, FindingKind, Objective

MIN_EXPERIMENTS = 8
NOISE = "noise"  # the subject of the finding on it
_LARGEST = 1e300  # a number beyond, or one that is none, is compared as a word
_CODE = "code: "  # what the subject of a finding on a change of code begins with


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
    principles = list(_fields(scored, codes_of(experiments), fidelity, block, objective))
    found += principles
    standing = {finding.subject for finding in found}
    for old in previous:
        if old.subject in standing or old.subject.startswith(_CODE):
            continue
        if old.kind in ("refuted hypothesis", "not confirmed"):
            found.append(replace(old, block=block, statement=old.statistics))
        if old.kind == "established principle":
            statement = f"no longer supported by {len(scored)} experiments: {old.statistics}"
            found.append(Finding(block, "not confirmed", old.subject, statement, support, None, None, now))
    if not principles and not any(e.accepted and e.block > 0 for e in experiments):
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
            changes.setdefault(e.move or e.id, []).append(e)
    for name, tries in changes.items():
        parents = [known[e.parent or ""] for e in tries]
        gains = list(map(_gain, tries, parents))
        told = "; ".join(_told(e, gain) for e, gain in zip(tries, gains, strict=True))
        accepted = [e for e in tries if e.accepted]
        verdict = accepted[-1].verdict if accepted else None
        kind, claim = _claim(tries, gains, max(map(_seeds, tries, parents)), noise)
        yield Finding(
            block,
            kind,
            _CODE + name,
            f"{name} {claim}: {objective} {told}",
            tuple(e.id for e in tries),
            verdict.effect if verdict else max(gains),
            verdict.p_value if verdict else None,
            time.time(),
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
    """Return the lead over its own parent: as judged, or on a shared seed if another rival judged it.

    A rival may run code that was accepted after the proposal; a lead over it is no evidence about the change.
    """
    verdict = experiment.verdict
    if verdict is not None and verdict.rival == parent.id and verdict.effect is not None:
        return verdict.effect
    pair = paired_trial(experiment, parent)
    return pair.lead if pair else 0.0


def _seeds(experiment: Experiment, parent: Experiment) -> int:
    """Return the number of seeds on which a gain was measured: fresh ones of a confirmation, else those of a screening.

    A training that failed has been screened too.
    """
    fidelity = experiment.trials[-1].fidelity if experiment.trials else ""  # a confirmation comes last
    seeds = experiment.tried(fidelity)
    return len(seeds & {*confirm_seeds(parent.id)} or seeds)


def _told(experiment: Experiment, gain: float) -> str:
    verdict, interval = experiment.verdict, ""
    if verdict is not None and verdict.rival == experiment.parent:
        interval = within(verdict.interval, signed=True)
    return f"{gain:+z.4f}{interval} against {experiment.parent} ({experiment.id})"


def _fields(
    scored: Sequence[Experiment], codes: Mapping[str, str], fidelity: str, block: int, objective: Objective
) -> Iterator[Finding]:
    """Yield the fields that change the score, by ascending p-value."""
    relations = _relations(scored, codes, fidelity)
    for rank, (field, (effect, p_value)) in enumerate(sorted(relations.items(), key=lambda item: item[1][1])):
        corrected = min(1.0, p_value * (len(relations) - rank))
        if corrected >= level_of(max(block, 1)):
            return
        told = [e for e in scored if field in e.configuration]
        yield Finding(
            block,
            "established principle",
            field,
            _statement(field, effect, told, objective),
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
    """Return mean scores, each from the mean over the experiments of the same code."""
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
