"""Figures of the change of concentrations, and of predictions from held-out initial conditions."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from agent.report.reconstruction import Reconstruction
from agent.report.theme import GOOD, INK, label
from simulator.dataset import FrozenData
from simulator.kinetics import Floats

_FOLLOWED = 6


def paint_change(figure: Figure, data: FrozenData) -> None:
    """Draw the change since the start in the first training trajectory, one row per metabolite.

    Each row is divided by its largest change: levels differ between metabolites by more than any of them changes.
    """
    first = data.observed[0]
    change = (first.concentration - first.concentration[0]).T
    largest = np.abs(change).max(axis=1, keepdims=True)
    axes = figure.add_subplot()
    image = axes.imshow(
        change / np.where(largest > 0, largest, 1.0),
        interpolation="none",
        aspect="auto",
        cmap="RdBu_r",
        vmin=-1.0,
        vmax=1.0,
        extent=(float(first.time[0]), float(first.time[-1]), first.concentration.shape[1] - 0.5, -0.5),
    )
    axes.set(xlabel="time (units of the regime)", ylabel="metabolite")
    figure.colorbar(image, ax=axes, label="change, share of the row's largest", pad=0.01)


def paint_rollouts(figure: Figure, reconstruction: Reconstruction) -> None:
    """Plot the first held-out trajectory and its prediction, for the metabolites that change most."""
    (true, rolled), held_out = reconstruction.rollouts, reconstruction.data.heldout[0]
    names = reconstruction.data.regime.metabolite_names
    most = np.argsort(-np.ptp(true[0], axis=0), kind="stable")[:_FOLLOWED]
    panels = figure.subplots(2, -(-len(most) // 2), sharex=True, squeeze=False).ravel()
    for axes, metabolite in zip(panels, most, strict=False):
        observed, predicted = true[0][:, metabolite], rolled[0][:, metabolite]
        axes.plot(held_out.time, predicted, color=GOOD, linewidth=3.5, alpha=0.5, label="predicted")
        axes.plot(held_out.time, observed, color=INK, linewidth=1.0, linestyle="--", label="observed")
        axes.set_title(f"{label(names[metabolite])}: error {relative_error(observed, predicted):.2g}")
    panels[0].legend(loc="best")
    figure.supxlabel("time (units of the regime)", fontsize=9, color=INK)
    figure.supylabel("concentration (units of the regime)", fontsize=9, color=INK)


def relative_error(observed: Floats, predicted: Floats) -> float:
    """Return the RMS error of a prediction over the RMS of the observed change since the start."""
    change = float(np.sqrt(np.mean((observed - observed[0]) ** 2)))
    return float(np.sqrt(np.mean((predicted - observed) ** 2))) / (change or 1.0)
