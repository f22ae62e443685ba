"""Concentrations: as they were observed, and as the estimate would have them go on from where it has never been."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from agent.report.found import Found
from agent.report.theme import GOOD, INK
from simulator.dataset import FrozenData

_FOLLOWED = 6


def paint_kymograph(figure: Figure, data: FrozenData) -> None:
    """The first observed trajectory: time to the right, a row for each metabolite."""
    first = data.observed[0]
    axes = figure.add_subplot()
    image = axes.imshow(
        first.concentration.T,
        interpolation="none",
        aspect="auto",
        cmap="viridis",
        extent=(float(first.time[0]), float(first.time[-1]), first.concentration.shape[1] - 0.5, -0.5),
    )
    axes.set(xlabel="time", ylabel="metabolite")
    figure.colorbar(image, ax=axes, label="concentration", pad=0.01)


def paint_rollouts(figure: Figure, found: Found) -> None:
    """The first held-out trajectory: the metabolites that change most, as they went and as the estimate has them go."""
    (true, rolled), held_out = found.rollouts, found.data.heldout[0]
    names = found.data.regime.network.metabolite_names
    most = np.argsort(-np.ptp(true[0], axis=0), kind="stable")[:_FOLLOWED]
    panels = figure.subplots(2, -(-len(most) // 2), sharex=True, squeeze=False).ravel()
    for axes, metabolite in zip(panels, most, strict=False):
        axes.plot(held_out.time, true[0][:, metabolite], color=INK, linewidth=2.4, alpha=0.35, label="held out")
        axes.plot(held_out.time, rolled[0][:, metabolite], color=GOOD, linewidth=1.3, label="rolled out")
        axes.set_title(names[metabolite])
    panels[0].legend(loc="best")
    figure.supxlabel("time", fontsize=9, color=INK)
    figure.supylabel("concentration", fontsize=9, color=INK)
