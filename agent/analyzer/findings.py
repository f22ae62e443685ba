"""What the experiments so far teach, from their statistics alone.

Fields of the configuration. A field is related to the score by Spearman's rank correlation over all experiments that
climbed on the same seed (choices by the Kruskal-Wallis test), each score taken from the mean of the experiments that
share its code, so that better code does not speak for the values that it was tried with; a training that failed
recovered nothing, 0. The p-values are corrected for the number of fields looked at by Holm's method (1979). Since all
evidence is looked at again after every block, the look after block b is held to the level of a b-th test
(`acceptance.level_of`): all looks of a campaign share one alpha. The optimiser chooses where to look next by what it
saw; that dependence is not corrected for. A principle that the evidence no longer supports is kept as refuted until it
stands again.

Changes of code. A change that was accepted is a principle, with the effect and the p-value of its confirmation; one
that was not is a refuted hypothesis, with what it led or lagged by. One that was confirmed once and later lagged on
other code is refuted as a principle, and both experiments are named.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
from scipy import stats

from agent.analyzer.acceptance import SCREEN_SEED, Noise, level_of
from memory.records import Experiment, Finding, Verdict
from memory.standing import code_of

MIN_EXPERIMENTS = 8
NOISE = "noise"  # the subject of the finding on it
_CODE = "code: "  # what the subject of a finding on a change of code begins with


def find(
    experiments: Sequence[Experiment], previous: Sequence[Finding], noise: Noise, fidelity: str, block: int
) -> list[Finding]:
    """All findings that hold after a block, with the experiments that support each."""
    found = [_noise(experiments, noise, fidelity, block), *_changes_of_code(experiments, block)]
    scored = [e for e in experiments if SCREEN_SEED in e.tried(fidelity)]
    support = tuple(e.id for e in scored)
    now = time.time()
    if len(scored) < MIN_EXPERIMENTS:
        question = f"which fields matter? {len(scored)} experiments are too few to say ({MIN_EXPERIMENTS} are needed)"
        return [*found, Finding(block, "open question", "fields", question, support, None, None, now)]
    codes = {e.id: code_of(experiments, e) for e in scored}
    principles = list(_fields(scored, codes, fidelity, block))
    found += principles
    standing = {finding.subject for finding in found}
    for old in previous:
        if old.subject in standing or old.subject.startswith(_CODE):
            continue
        if old.kind == "refuted hypothesis":
            found.append(replace(old, block=block, statement=old.statistics))
        if old.kind == "established principle":
            statement = f"no longer supported by {len(scored)} experiments: {old.statistics}"
            found.append(Finding(block, "refuted hypothesis", old.subject, statement, support, None, None, now))
    if not principles:
        question = f"no field moves exact measurably in {len(scored)} experiments: is the formulation itself the limit?"
        found.append(Finding(block, "open question", "fields", question, support, None, None, now))
    return found


def _noise(experiments: Sequence[Experiment], noise: Noise, fidelity: str, block: int) -> Finding:
    statement = (
        f"exact varies between seeds with standard deviation {noise.sigma:.4f} at {fidelity} "
        f"({noise.degrees} degrees of freedom)"
    )
    accepted = tuple(e.id for e in experiments if e.accepted)
    return Finding(block, "established principle", NOISE, statement, accepted, noise.sigma, None, time.time())


def _changes_of_code(experiments: Sequence[Experiment], block: int) -> Iterator[Finding]:
    """What became of each move of the catalogue, and of each other patch."""
    changes: dict[str, list[Experiment]] = {}
    for e in experiments:
        if e.patch and e.verdict is not None and e.verdict.verdict in ("accepted", "rejected"):
            changes.setdefault(e.move or e.id, []).append(e)
    for name, tries in changes.items():
        told = "; ".join(f"{_effect(e)} against {e.verdict.rival} ({e.id})" for e in tries if e.verdict)
        accepted = [e for e in tries if e.accepted]
        last = tries[-1].verdict
        assert last is not None
        stands = accepted and (tries[-1].accepted or (last.effect or 0.0) >= 0.0)
        best = (accepted or tries)[-1].verdict
        yield Finding(
            block,
            "established principle" if stands else "refuted hypothesis",
            _CODE + name,
            f"{name} {_claim(best) if stands else 'does not recover more'}: exact {told}",
            tuple(e.id for e in tries),
            best.effect if best else None,
            best.p_value if best else None,
            time.time(),
        )


def _claim(verdict: Verdict | None) -> str:
    """What an acceptance says."""
    behind = verdict is not None and (verdict.effect or 0.0) < 0.0
    return "recovers as much with fewer lines" if behind else "recovers more"


def _effect(experiment: Experiment) -> str:
    verdict = experiment.verdict
    assert verdict is not None
    text = f"{verdict.effect or 0.0:+.3f}"
    return text if verdict.interval is None else f"{text} [{verdict.interval[0]:+.3f}, {verdict.interval[1]:+.3f}]"


def _fields(scored: Sequence[Experiment], codes: Mapping[str, str], fidelity: str, block: int) -> Iterator[Finding]:
    """The fields that move the score, surest first."""
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
            _statement(field, effect, told),
            tuple(e.id for e in told),
            effect,
            corrected,
            time.time(),
        )


def _relations(scored: Sequence[Experiment], codes: Mapping[str, str], fidelity: str) -> dict[str, tuple[float, float]]:
    """Effect and p-value of every field that took more than one value."""
    relations: dict[str, tuple[float, float]] = {}
    for field in dict.fromkeys(name for e in scored for name in e.configuration):
        told = [e for e in scored if field in e.configuration]
        values = [e.configuration[field] for e in told]
        scores = _within_code(told, codes, fidelity)
        if len(set(values)) < 2 or np.ptp(scores) == 0:
            continue
        if all(isinstance(value, (int, float)) for value in values):
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
    """Scores on the shared seed, each from the mean over the experiments of the same code."""
    scores = np.array([e.exact(fidelity).get(SCREEN_SEED, 0.0) for e in experiments])
    wrote = np.array([codes[e.id] for e in experiments])
    for code in set(wrote):
        scores[wrote == code] -= scores[wrote == code].mean()
    return scores


def _statement(field: str, effect: float, told: Sequence[Experiment]) -> str:
    if isinstance(told[0].configuration[field], str):
        return f"the choice of {field} moves exact: {effect:.3f} between the best and the worst on average"
    direction = "higher" if effect > 0 else "lower"
    return f"{direction} {field} recovers more (rank correlation with exact {effect:+.2f})"
