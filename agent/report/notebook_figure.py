"""Figures for Python: matplotlib figures in the report's style, which a notebook shows as they are."""

from __future__ import annotations

from io import BytesIO

from matplotlib.figure import Figure

from agent.report.theme import PAPER, Painter, styled

_DPI = 110
_WIDEST = 20_000  # pixels; a longer image is refused by some browsers


class NotebookFigure(Figure):
    """A figure that belongs to no window: a notebook shows it, `savefig` writes it, `axes` can be changed."""

    def _repr_png_(self) -> bytes:
        """Return the figure as a notebook shows it."""
        stream = BytesIO()
        with styled():
            self.savefig(stream, format="png", dpi=min(_DPI, _WIDEST / self.get_figwidth()))
        return stream.getvalue()


def figure_of(paint: Painter, width: float, height: float) -> NotebookFigure:
    """Return a painted figure; sizes are in inches."""
    with styled():
        figure = NotebookFigure(figsize=(width, height), layout="constrained", facecolor=PAPER)
        paint(figure)
        figure.draw_without_rendering()  # ticks take the style of the time at which they are first drawn
    return figure
