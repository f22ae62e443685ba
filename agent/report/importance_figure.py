"""The importance of configuration fields as a matplotlib figure: a bar with its uncertainty for each field."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from agent.analyzer.judging.findings import MIN_EXPERIMENTS
from agent.executor.trial import LOWEST
from agent.report.fields import Influence
from agent.report.theme import COOL, INK, MUTED, label
from memory.formatting import counted
from memory.objective import Objective

MOST = 10  # fields of a panel


def paint_importances(figure: Figure, studies: Sequence[Influence], objective: Objective) -> None:
    """Draw a panel for each state of the code, or say that there are too few experiments for one."""
    if not studies:
        words = f"too few configurations on one state of the code: {MIN_EXPERIMENTS} are needed"
        figure.text(0.5, 0.5, words, ha="center", va="center", color=MUTED)
        return
    heights = [panel_rows(study) for study in studies]
    panels = figure.subplots(len(studies), squeeze=False, sharex=True, height_ratios=heights)[:, 0]
    for axes, study in zip(panels, studies, strict=True):
        _draw_bars(axes, study)
    panels[-1].set(xlabel=f"importance for {objective} at {LOWEST}, with the 5th to 95th percentile of resamples")


def panel_rows(study: Influence) -> int:
    """Return the number of bars of a panel, with the room around them counted as two."""
    return min(len(study.importance), MOST) + 2


def _draw_bars(axes: Axes, study: Influence) -> None:
    names = list(study.importance)[:MOST]
    shares = np.array([study.importance[name] for name in names])
    ends = np.array([study.ranges[name] for name in names]).reshape(-1, 2)
    axes.barh([label(name) for name in names], shares, color=COOL if study.is_certain else MUTED, height=0.6, alpha=0.6)
    axes.hlines(range(len(names)), ends[:, 0], ends[:, 1], color=INK, linewidth=1.0)
    axes.set_xlim(left=0.0)
    axes.invert_yaxis()
    axes.set_title(f"code of {study.code}, {counted(len(study.scores), 'configuration')}: {_told(study)}")


def _told(study: Influence) -> str:
    if not study.importance:
        return "all scores are equal"
    first = next(iter(study.importance))
    return f"{label(first)} matters most" if study.is_certain else "too few to say which field matters most"
