"""Importance of each configuration field for the score, and the score along the field's values.

Importance is PED-ANOVA's (Watanabe, Bansal and Hutter, IJCAI 2023), from Optuna: how much the
field's distribution in the best third differs from its distribution in all experiments. It is computed for each state
of the code, from mean scores at the fidelity that all experiments share.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import optuna
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatter
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances

from agent.analyzer.judging.findings import MIN_EXPERIMENTS
from agent.analyzer.judging.noise import mean_outcome
from agent.executor.trial import LOWEST
from agent.report.theme import COOL, FAINT, INK, label
from memory.leaderboard import codes_of
from memory.records import Experiment

SLICES_A_ROW, _SHOWN = 3, 6  # panels per row and in all
_NEWEST = 500  # configurations to use
_BEST = 1 / 3  # Optuna's default, a tenth, would be one or two experiments after a few blocks
_LOG_RATIO = 30.0  # fields that span a larger ratio use a logarithmic axis


@dataclass(frozen=True)
class Influence:
    """Importances on one state of the code, named by the experiment that wrote it.

    `importance` falls from first to last and sums to 1; it is empty if all scores are equal.
    """

    code: str
    configurations: tuple[dict[str, Any], ...]
    scores: tuple[float, ...]
    importance: dict[str, float]


def influences(experiments: Sequence[Experiment]) -> list[Influence]:
    """Return the states of the code with enough scored configurations, oldest first; uses the newest of many."""
    wrote = codes_of(experiments)
    groups: dict[str, list[tuple[dict[str, Any], float]]] = {}
    for e in experiments:
        if e.scores(LOWEST):
            groups.setdefault(wrote[e.id], []).append((e.configuration, mean_outcome(e, LOWEST)))
    found = []
    for code, pairs in groups.items():
        if len(pairs) >= MIN_EXPERIMENTS:
            configurations, scores = zip(*pairs[-_NEWEST:], strict=True)
            found.append(Influence(code, configurations, scores, _importance(configurations, scores)))
    return found


def _importance(configurations: Sequence[dict[str, Any]], scores: Sequence[float]) -> dict[str, float]:
    space = _space(configurations)
    if not space or max(scores) == min(scores):
        return {}
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
            space[name] = FloatDistribution(low, high, log=_spans_decades(low, high))
        else:
            space[name] = CategoricalDistribution(sorted(set(values), key=str))
    return space


def _spans_decades(low: float, high: float) -> bool:
    return low > 0 and high / low > _LOG_RATIO


def paint_influence(figure: Figure, influence: Influence) -> None:
    """Plot the score of each experiment against its value of a field, for the most important fields."""
    names = list(influence.importance)[:_SHOWN]
    panels = figure.subplots(
        -(-len(names) // SLICES_A_ROW), min(SLICES_A_ROW, len(names)), sharey=True, squeeze=False
    ).ravel()
    for axes, name in zip(panels, names, strict=False):
        values = [configuration[name] for configuration in influence.configurations]
        numeric = all(isinstance(value, (int, float)) for value in values)
        axes.plot(
            values if numeric else [label(str(value)) for value in values],
            influence.scores,
            ".",
            color=COOL,
            markersize=6,
        )
        if numeric and _spans_decades(float(min(values)), float(max(values))):
            axes.set_xscale("log")
            axes.xaxis.set_major_formatter(LogFormatter())  # the usual one writes formulas
        axes.set_title(f"{label(name)}: {influence.importance[name]:.0%}", color=INK)
        axes.grid(color=FAINT, linewidth=0.6)
    for axes in panels[len(names) :]:
        axes.set_axis_off()
    figure.supylabel(f"score at {LOWEST}", fontsize=9, color=INK)
