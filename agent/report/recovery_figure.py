"""The recovered S as a matplotlib figure: all its coefficients, and how they compare with the true ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from agent.report.reconstruction import ComparedReconstruction, Reconstruction
from agent.report.recovered_coefficients import Confusion, Recovery
from agent.report.theme import BAD, GOOD, INK, MUTED, PAPER, label
from memory.formatting import counted

_LARGEST = 2.5  # magnitude of the strongest colour
_NAMED = 32  # rows or columns; the names of more would overlap


def paint_recovery(figure: Figure, shown: Reconstruction, recovery: Recovery, experiment: str) -> None:
    """Draw the learned S with marks on wrong coefficients, or on disputed ones where no truth is known."""
    figure.suptitle(f"{experiment}: {told(recovery)}", x=0.01, ha="left", color=INK)
    if recovery.confusion is None:
        _draw_matrix(figure.add_subplot(), shown, recovery)
        return
    left, right = figure.subplots(1, 2, width_ratios=(2.2, 1.0))
    _draw_matrix(left, shown, recovery)
    _draw_confusion(right, recovery.confusion)


def told(recovery: Recovery) -> str:
    """Return the number of right coefficients, where the truth is known, and the agreement between seeds."""
    right = f"{recovery.total - recovery.wrong} of {counted(recovery.total, 'coefficient')} right"
    agreed = f"{counted(recovery.seeds, 'seed')} agree on {recovery.total - recovery.disputed} of {recovery.total}"
    parts = [*([right] if recovery.confusion else []), *([agreed] if recovery.seeds > 1 else [])]
    return ", ".join(parts) or counted(recovery.total, "coefficient")


def _draw_matrix(axes: Axes, shown: Reconstruction, recovery: Recovery) -> None:
    graph = shown.data.graph
    axes.imshow(
        graph.matrix(shown.decoded), cmap="RdBu_r", vmin=-_LARGEST, vmax=_LARGEST, aspect="auto", interpolation="none"
    )
    if isinstance(shown, ComparedReconstruction):
        marked, name = np.flatnonzero(~shown.exact), "wrong"
    else:
        marked, name = np.flatnonzero(recovery.agreeing < recovery.seeds), "seeds disagree"
    if marked.size:
        places = graph.rxn_all[marked], graph.met_all[marked]
        axes.plot(*places, "s", markersize=6.5, markerfacecolor="none", color=PAPER, markeredgewidth=2.2)
        axes.plot(*places, "s", markersize=6.5, markerfacecolor="none", color=INK, markeredgewidth=1.0, label=name)
        axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), borderaxespad=0.0)
    axes.set(xlabel="reaction", ylabel="metabolite", title="learned S: substrates blue, products red")
    _name(axes.xaxis, shown.data.regime.reaction_names, rotation=90)
    _name(axes.yaxis, shown.data.regime.metabolite_names)


def _name(axis: Axis, names: Sequence[str], rotation: int = 0) -> None:
    """Name each row or column where there is room for all names, else number some."""
    if len(names) > _NAMED:
        axis.set_major_locator(MaxNLocator(integer=True))
    else:
        axis.set_ticks(range(len(names)), [label(name) for name in names], rotation=rotation, fontsize=7)


def _draw_confusion(axes: Axes, confusion: Confusion) -> None:
    values = confusion.values
    for row, true in enumerate(values):
        for column, learned in enumerate(values):
            count = confusion.counts.get((true, learned), 0)
            colour = MUTED if not count else GOOD if true == learned else BAD
            axes.text(column, row, str(count) if count else "·", ha="center", va="center", color=colour)
    ends = -0.5, len(values) - 0.5
    places = range(len(values))
    axes.set(xlim=ends, ylim=ends[::-1], xticks=places, yticks=places, xlabel="learned", ylabel="true")
    axes.set_xticklabels(map(str, values))
    axes.set_yticklabels(map(str, values))
    axes.set_title("coefficients")
    axes.tick_params(length=0)
