"""What the experiments so far teach, from their statistics alone.

A field of the configuration is related to the score by Spearman's rank correlation over all experiments
screened on the same seed (choices by the Kruskal-Wallis test); a training that failed recovered nothing, 0. The
p-values are corrected for the number of fields looked at by Holm's method (1979). Since all evidence is looked at
again after every block, the look after block b is held to the level of a b-th test (`acceptance.level_of`): all
looks of a campaign share one alpha. The optimiser chooses where to look next by what it saw; that dependence is
not corrected for. A principle that the evidence no longer supports is kept as refuted until it stands again.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy import stats

from agent.analyzer.acceptance import SCREEN_SEED, Noise, level_of
from memory.records import Experiment, Finding

MIN_EXPERIMENTS = 8


def find(
    experiments: Sequence[Experiment], previous: Sequence[Finding], noise: Noise, fidelity: str, block: int
) -> list[Finding]:
    """All findings that hold after a block, with the experiments that support each."""
    now = time.time()
    scored = [e for e in experiments if SCREEN_SEED in e.tried(fidelity)]
    support = tuple(e.id for e in scored)
    baseline = tuple(e.id for e in experiments if e.block == 0)
    statement = (
        f"exact varies between seeds with standard deviation {noise.sigma:.4f} at {fidelity} "
        f"({noise.degrees} degrees of freedom)"
    )
    found = [Finding(block, "established principle", "noise", statement, baseline, noise.sigma, None, now)]
    if len(scored) < MIN_EXPERIMENTS:
        question = f"which fields matter? {len(scored)} experiments are too few to say ({MIN_EXPERIMENTS} are needed)"
        return [*found, Finding(block, "open question", "fields", question, support, None, None, now)]
    relations = _relations(scored, fidelity)
    for rank, (field, (effect, p_value)) in enumerate(sorted(relations.items(), key=lambda item: item[1][1])):
        corrected = min(1.0, p_value * (len(relations) - rank))
        if corrected >= level_of(max(block, 1)):
            break
        found.append(
            Finding(
                block,
                "established principle",
                field,
                _statement(field, effect, scored),
                support,
                effect,
                corrected,
                now,
            )
        )
    standing = {finding.subject for finding in found}
    for old in previous:
        if old.subject in standing:
            continue
        if old.kind == "refuted hypothesis":
            found.append(replace(old, block=block))
        if old.kind == "established principle":
            statement = f"no longer supported by {len(scored)} experiments: {old.statement}"
            found.append(Finding(block, "refuted hypothesis", old.subject, statement, support, None, None, now))
    if standing == {"noise"}:
        question = f"no field moves exact measurably in {len(scored)} experiments: is the formulation itself the limit?"
        found.append(Finding(block, "open question", "fields", question, support, None, None, now))
    return found


def _relations(scored: Sequence[Experiment], fidelity: str) -> dict[str, tuple[float, float]]:
    """Effect and p-value of every field that took more than one value."""
    scores = np.array([e.exact(fidelity).get(SCREEN_SEED, 0.0) for e in scored])
    relations: dict[str, tuple[float, float]] = {}
    if np.ptp(scores) == 0:
        return relations
    for field in scored[0].configuration:
        values = [e.configuration.get(field) for e in scored]
        if len(set(values)) < 2:
            continue
        if all(isinstance(value, (int, float)) for value in values):
            correlation = stats.spearmanr(np.array(values, dtype=float), scores)
            relations[field] = (float(correlation.statistic), float(correlation.pvalue))
        else:
            names = [str(value) for value in values]  # a field that a patch added is None before it
            groups = [scores[[name == other for other in names]] for name in sorted(set(names))]
            means = [float(group.mean()) for group in groups]
            relations[field] = (max(means) - min(means), float(stats.kruskal(*groups).pvalue))
    return relations


def _statement(field: str, effect: float, scored: Sequence[Experiment]) -> str:
    if isinstance(scored[0].configuration[field], str):
        return f"the choice of {field} moves exact: {effect:.3f} between the best and the worst on average"
    direction = "higher" if effect > 0 else "lower"
    return f"{direction} {field} recovers more (rank correlation with exact {effect:+.2f})"
