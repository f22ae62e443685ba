"""Importance of each configuration field for the score.

Importance is PED-ANOVA's (Watanabe, Bansal and Hutter, IJCAI 2023), from Optuna: how much the
field's distribution in the best third differs from its distribution in all experiments. It is computed for each state
of the code, from mean scores at the fidelity that all experiments share. Its uncertainty is that of drawing other
experiments: the importance is computed again on samples of them, drawn with replacement.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution

from agent.analyzer.judging.findings import MIN_EXPERIMENTS
from agent.analyzer.judging.noise import mean_outcome
from agent.executor.trial import LOWEST
from memory.leaderboard import codes_of
from memory.records import Experiment

_NEWEST = 500  # configurations to use
_RESAMPLES = 40
_BEST = 1 / 3  # Optuna's default, a tenth, would be one or two experiments after a few blocks
_LOG_RATIO = 30.0  # fields that span a larger ratio use a logarithmic axis


@dataclass(frozen=True)
class Influence:
    """Importances on one state of the code, named by the experiment that wrote it.

    `importance` falls from first to last and sums to 1; it is empty if all scores are equal. `ranges` has, for each
    field, the part from the 5th to the 95th percentile of the importances in resamples. `names` are the experiments.
    """

    code: str
    names: tuple[str, ...]
    configurations: tuple[dict[str, Any], ...]
    scores: tuple[float, ...]
    importance: dict[str, float]
    ranges: dict[str, tuple[float, float]]

    @property
    def is_certain(self) -> bool:
        """Return whether the first field's range lies above that of every other one."""
        ranges = [self.ranges[name] for name in self.importance]
        return len(ranges) > 0 and all(high < ranges[0][0] for _, high in ranges[1:])


def influences(experiments: Sequence[Experiment]) -> list[Influence]:
    """Return the states of the code with enough scored configurations, oldest first; uses the newest of many."""
    wrote = codes_of(experiments)
    groups: dict[str, list[tuple[str, dict[str, Any], float]]] = {}
    for e in experiments:
        if e.scores(LOWEST):
            groups.setdefault(wrote[e.id], []).append((e.id, e.configuration, mean_outcome(e, LOWEST)))
    found = []
    for code, members in groups.items():
        if len(members) >= MIN_EXPERIMENTS:
            names, configurations, scores = zip(*members[-_NEWEST:], strict=True)
            importance = _importance(configurations, scores)
            ranges = _ranges(configurations, scores, list(importance))
            found.append(Influence(code, names, configurations, scores, importance, ranges))
    return found


def _ranges(
    configurations: Sequence[dict[str, Any]], scores: Sequence[float], fields: Sequence[str]
) -> dict[str, tuple[float, float]]:
    """Return the range of each field's importance over resamples; a field that does not vary in one counts as 0."""
    rng, draws = np.random.default_rng(0), list[dict[str, float]]()
    for _ in range(_RESAMPLES if fields else 0):
        chosen = rng.integers(len(scores), size=len(scores))
        draws.append(_importance([configurations[each] for each in chosen], [scores[each] for each in chosen]))
    return {
        name: (float(low), float(high))
        for name in fields
        for low, high in [np.quantile([draw.get(name, 0.0) for draw in draws], (0.05, 0.95))]
    }


def _importance(configurations: Sequence[dict[str, Any]], scores: Sequence[float]) -> dict[str, float]:
    space = _space(configurations)
    if not space or max(scores) == min(scores):
        return {}
    # It imports scikit-learn and pandas where they are installed: a second of every command that draws a page.
    from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize")
    for configuration, score in zip(configurations, scores, strict=True):
        params = {name: configuration[name] for name in space}
        study.add_trial(optuna.create_trial(params=params, distributions=space, value=score))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # ExperimentalWarning
        return get_param_importances(study, evaluator=PedAnovaImportanceEvaluator(target_quantile=_BEST))


def _space(configurations: Sequence[dict[str, Any]]) -> dict[str, BaseDistribution]:
    """Return the fields that every configuration has and that vary, bounded by the values that occurred."""
    space: dict[str, BaseDistribution] = {}
    for name in sorted(set.intersection(*(set(configuration) for configuration in configurations))):
        values = [configuration[name] for configuration in configurations]
        if len(set(values)) < 2:
            continue
        if all(isinstance(value, (int, float)) for value in values):
            low, high = float(min(values)), float(max(values))
            space[name] = FloatDistribution(low, high, log=spans_decades(low, high))
        else:
            space[name] = CategoricalDistribution(sorted(set(values), key=str))
    return space


def spans_decades(low: float, high: float) -> bool:
    """Return whether a field with these bounds belongs on a logarithmic axis."""
    return low > 0 and high / low > _LOG_RATIO
