"""Figures of concentrations: observed, and predicted from held-out initial conditions."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from agent.report.reconstruction import Reconstruction
from agent.report.theme import GOOD, INK, label
from simulator.dataset import FrozenData

_FOLLOWED = 6


def paint_kymograph(figure: Figure, data: FrozenData) -> None:
    """Draw the first training trajectory: time to the right, one row per metabolite."""
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


def paint_rollouts(figure: Figure, reconstruction: Reconstruction) -> None:
    """Plot the first held-out trajectory and its prediction, for the metabolites that change most."""
    (true, rolled), held_out = reconstruction.rollouts, reconstruction.data.heldout[0]
    names = reconstruction.data.regime.network.metabolite_names
    most = np.argsort(-np.ptp(true[0], axis=0), kind="stable")[:_FOLLOWED]
    panels = figure.subplots(2, -(-len(most) // 2), sharex=True, squeeze=False).ravel()
    for axes, metabolite in zip(panels, most, strict=False):
        axes.plot(held_out.time, true[0][:, metabolite], color=INK, linewidth=2.4, alpha=0.35, label="observed")
        axes.plot(held_out.time, rolled[0][:, metabolite], color=GOOD, linewidth=1.3, label="predicted")
        axes.set_title(label(names[metabolite]))
    panels[0].legend(loc="best")
    figure.supxlabel("time", fontsize=9, color=INK)
    figure.supylabel("concentration", fontsize=9, color=INK)
