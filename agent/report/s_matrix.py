"""Figures of S, against the true one where that is known."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from numpy.typing import NDArray

from agent.report.reconstruction import ComparedReconstruction, Reconstruction
from agent.report.theme import BAD, GOOD, INK, MANY, MUTED
from simulator.kinetics import Floats

_NEGATIVE, _POSITIVE = "#2b6cb0", "#c05621"  # substrates and products; readable on light and dark
_JITTER = 0.18


def paint_matrices(figure: Figure, compared: ComparedReconstruction) -> None:
    """Draw heat maps, metabolites by reactions, of the truth, the decoded integers and their differences."""
    graph, true = compared.data.truth.graph, compared.data.truth.sto_all
    upper, middle, lower = figure.subplots(3, 1, sharex=True, sharey=True)
    wrong = graph.matrix((~compared.exact).astype(float))
    for axes, title, pixels in (
        (upper, "true", _shades(graph.matrix(true))),
        (middle, "learned", _shades(graph.matrix(compared.decoded))),
        (lower, f"wrong: {int(np.sum(~compared.exact))} of {len(true)}", _marks(wrong)),
    ):
        axes.imshow(pixels, interpolation="none", aspect="auto")
        axes.set(title=title, ylabel="metabolite")
    lower.set_xlabel("reaction")


def paint_integers(figure: Figure, reconstruction: Reconstruction) -> None:
    """Draw the decoded integers alone, for data without a truth."""
    axes = figure.add_subplot()
    axes.imshow(_shades(reconstruction.data.graph.matrix(reconstruction.decoded)), interpolation="none", aspect="auto")
    axes.set(xlabel="reaction", ylabel="metabolite")


def _shades(matrix: Floats) -> NDArray[np.uint8]:
    """Return pixels, shape (N, R, 4): colour by sign, opacity by magnitude, zero transparent."""
    strength = np.abs(matrix) / max(2.0, float(np.abs(matrix).max(initial=0.0)))
    pixels = np.zeros((*matrix.shape, 4))
    for colour, of_sign in ((_NEGATIVE, matrix < 0), (_POSITIVE, matrix > 0)):
        pixels[of_sign] = to_rgba(colour)
    pixels[..., 3] = np.where(matrix == 0, 0.0, 0.25 + 0.75 * strength)
    return np.asarray(np.round(255 * pixels), dtype=np.uint8)


def _marks(wrong: Floats) -> NDArray[np.uint8]:
    """Return pixels, shape (N, R, 4), that mark wrong coefficients."""
    pixels = np.zeros((*wrong.shape, 4))
    pixels[wrong != 0] = to_rgba(BAD)
    return np.asarray(np.round(255 * pixels), dtype=np.uint8)


def paint_scatter(figure: Figure, compared: ComparedReconstruction) -> None:
    """Plot each learned coefficient before decoding against its true integer, with horizontal jitter."""
    true, learned = compared.data.truth.sto_all, compared.estimate.sto_all
    axes: Axes = figure.add_subplot()
    aside = np.random.default_rng(0).uniform(-_JITTER, _JITTER, len(true))
    low, high = min(true.min(), learned.min()) - 0.4, max(true.max(), learned.max()) + 0.4
    axes.plot([low, high], [low, high], color=MUTED, linewidth=0.8, linestyle=":")
    for name, colour, marker, which in (
        ("decodes correctly", GOOD, ".", compared.exact),
        ("decodes wrongly", BAD, "x", ~compared.exact),
    ):
        axes.plot(
            true[which] + aside[which],
            learned[which],
            linestyle="none",
            marker=marker,
            markersize=4,
            color=colour,
            label=f"{name}: {int(which.sum())}",
            rasterized=len(true) > MANY,
        )
    axes.set(xlabel="true coefficient", ylabel="learned coefficient", xlim=(true.min() - 0.5, true.max() + 0.5))
    axes.set_xticks(sorted(set(true.tolist())))
    axes.legend(loc="upper left", labelcolor=INK)
