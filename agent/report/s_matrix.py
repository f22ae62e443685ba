"""S as it was learned, against the true one where that is known."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from numpy.typing import NDArray

from agent.report.found import Found, Recovery
from agent.report.theme import BAD, GOOD, INK, MANY, MUTED
from simulator.kinetics import Floats

_NEGATIVE, _POSITIVE = "#2b6cb0", "#c05621"  # substrates and products; they hold on light and on dark
_JITTER = 0.18


def paint_matrices(figure: Figure, recovery: Recovery) -> None:
    """Three heat maps, metabolites by reactions: the truth, the decoded integers, and where they differ."""
    graph, true = recovery.data.truth.graph, recovery.data.truth.sto_all
    upper, middle, lower = figure.subplots(3, 1, sharex=True, sharey=True)
    wrong = graph.matrix((~recovery.exact).astype(float))
    for axes, title, pixels in (
        (upper, "true", _shades(graph.matrix(true))),
        (middle, "learned", _shades(graph.matrix(recovery.decoded))),
        (lower, f"wrong: {int(np.sum(~recovery.exact))} of {len(true)}", _marks(wrong)),
    ):
        axes.imshow(pixels, interpolation="none", aspect="auto")
        axes.set(title=title, ylabel="metabolite")
    lower.set_xlabel("reaction")


def paint_found(figure: Figure, found: Found) -> None:
    """The decoded integers alone, where nobody knows the truth."""
    axes = figure.add_subplot()
    axes.imshow(_shades(found.data.graph.matrix(found.decoded)), interpolation="none", aspect="auto")
    axes.set(xlabel="reaction", ylabel="metabolite")


def _shades(matrix: Floats) -> NDArray[np.uint8]:
    """Pixels, shape (N, R, 4): the colour tells the sign, its strength the magnitude; zero is left open."""
    strength = np.abs(matrix) / max(2.0, float(np.abs(matrix).max(initial=0.0)))
    pixels = np.zeros((*matrix.shape, 4))
    for colour, of_sign in ((_NEGATIVE, matrix < 0), (_POSITIVE, matrix > 0)):
        pixels[of_sign] = to_rgba(colour)
    pixels[..., 3] = np.where(matrix == 0, 0.0, 0.25 + 0.75 * strength)
    return np.asarray(np.round(255 * pixels), dtype=np.uint8)


def _marks(wrong: Floats) -> NDArray[np.uint8]:
    """Pixels, shape (N, R, 4)."""
    pixels = np.zeros((*wrong.shape, 4))
    pixels[wrong != 0] = to_rgba(BAD)
    return np.asarray(np.round(255 * pixels), dtype=np.uint8)


def paint_scatter(figure: Figure, recovery: Recovery) -> None:
    """Each coefficient as it was learned, before it was decoded, against the true integer; sideways it is scattered."""
    true, learned = recovery.data.truth.sto_all, recovery.estimate.sto_all
    axes: Axes = figure.add_subplot()
    aside = np.random.default_rng(0).uniform(-_JITTER, _JITTER, len(true))
    low, high = min(true.min(), learned.min()) - 0.4, max(true.max(), learned.max()) + 0.4
    axes.plot([low, high], [low, high], color=MUTED, linewidth=0.8, linestyle=":")
    for name, colour, marker, which in (
        ("exact when decoded", GOOD, ".", recovery.exact),
        ("wrong when decoded", BAD, "x", ~recovery.exact),
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
