"""Figures of log k and the two functions, against the true ones where those are known."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from agent.report.reconstruction import ComparedReconstruction, Reconstruction
from agent.report.theme import BAD, COOL, GOOD, INK, MUTED, WARN, label
from memory.formatting import counted

_NAMED = 6
_OUTLYING = 4.0  # robust standard deviations
_LEARNED: dict[str, Any] = {"linewidth": 3.5, "alpha": 0.5}
_TRUE: dict[str, Any] = {"linewidth": 1.0, "linestyle": "--"}
_LEAST_SPREAD = 0.02  # lower bound of the robust deviation of log k, so that a near-perfect fit has no outliers


def paint_log_k(figure: Figure, compared: ComparedReconstruction) -> None:
    """Plot each learned rate constant against the true one; name the largest outliers."""
    law, names = compared.law, compared.data.regime.reaction_names
    off = outliers(law.log_k - law.true_log_k)
    axes = figure.add_subplot()
    ends = [float(law.true_log_k.min()), float(law.true_log_k.max())]
    axes.plot(ends, ends, color=MUTED, linewidth=0.8, linestyle=":")
    inside = np.ones(len(law.log_k), dtype=bool)
    inside[off] = False
    axes.plot(law.true_log_k[inside], law.log_k[inside], ".", markersize=4, color=GOOD)
    axes.plot(law.true_log_k[~inside], law.log_k[~inside], "x", markersize=5, color=BAD)
    for reaction in off[:_NAMED]:
        place = (float(law.true_log_k[reaction]), float(law.log_k[reaction]))
        axes.annotate(label(names[reaction]), place, xytext=(4, 3), textcoords="offset points", fontsize=8, color=INK)
    count = counted(len(off), "outlier") if off else "no outliers"
    axes.set(xlabel="true log k", ylabel="learned log k", title=f"{counted(len(law.log_k), 'reaction')}, {count}")


def outliers(residual: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> list[int]:
    """Return the indices of residuals beyond `_OUTLYING` robust deviations from the median, farthest first."""
    distance = np.abs(residual - np.median(residual))
    spread = max(1.4826 * float(np.median(distance)), _LEAST_SPREAD)
    order = np.argsort(-distance, kind="stable")
    return [int(place) for place in order if distance[place] > _OUTLYING * spread]


def paint_functions(figure: Figure, compared: ComparedReconstruction) -> None:
    """Plot the learned substrate_func and rate_func over the true ones."""
    law = compared.law
    left, right = figure.subplots(1, 2)
    for place, (magnitude, colour) in enumerate(zip(law.s, (GOOD, COOL, WARN, BAD), strict=False)):
        left.plot(law.c, law.message[:, place], color=colour, **_LEARNED, label=f"learned, |s| = {magnitude:.0f}")
    for place in range(len(law.s)):  # dashed and on top: a perfect fit does not hide it
        left.plot(law.c, law.true_message[:, place], color=INK, **_TRUE, label="true" if place == 0 else None)
    left.set(xlabel="concentration", title="substrate_func(c, |s|)")
    right.plot(law.h, law.rate, color=GOOD, **_LEARNED, label="learned")
    right.plot(law.h, law.true_rate, color=INK, **_TRUE, label="true")
    right.set(xlabel="h", title="softplus(rate_func(h))")
    for axes in (left, right):
        axes.legend(loc="best")


def paint_estimated_functions(figure: Figure, reconstruction: Reconstruction) -> None:
    """Plot the learned functions alone, in the estimate's units, for data without a truth."""
    estimate = reconstruction.estimate
    left, right = figure.subplots(1, 2)
    for magnitude in reconstruction.data.regime.constraints.alphabet:
        values = reconstruction.dynamics.substrate_func(estimate.substrate_func_c, np.array(float(magnitude)))
        left.plot(estimate.substrate_func_c, values, linewidth=1.3, label=f"|s| = {magnitude}")
    left.set(xlabel="concentration", title="substrate_func(c, |s|)")
    left.legend(loc="best")
    right.plot(estimate.rate_func_h, np.logaddexp(0.0, estimate.rate_func), color=GOOD, linewidth=1.3)
    right.set(xlabel="h", title="softplus(rate_func(h))")
