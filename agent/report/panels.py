"""Figures of the recovered network, each with a sentence that explains it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from markupsafe import Markup
from matplotlib.figure import Figure

from agent.report.rate_law import paint_estimated_functions, paint_functions, paint_log_k
from agent.report.reconstruction import ComparedReconstruction, Reconstruction
from agent.report.theme import draw, inline
from agent.report.trajectories import paint_change, paint_rollouts

_SIZE = (8.6, 4.2)  # inches
_Plan = tuple[str, str, str, Callable[[Figure], None]]


@dataclass(frozen=True)
class Panel:
    """A figure of the page, with a sentence that explains it."""

    name: str
    title: str
    caption: str
    figure: Markup


def panels_of(shown: Reconstruction) -> list[Panel]:
    """Draw all figures."""
    if isinstance(shown, ComparedReconstruction) and shown.shares_functions:
        plans = _against_truth(shown)
    else:
        plans = _without_truth(shown)
    return [_panel(*plan) for plan in [*plans, *_trajectories(shown)]]


def _panel(name: str, title: str, caption: str, paint: Callable[[Figure], None]) -> Panel:
    return Panel(name, title, caption, inline(draw(paint, *_SIZE), name, f"{title}. {caption}"))


def _against_truth(compared: ComparedReconstruction) -> list[_Plan]:
    return [
        (
            "functions",
            "Learned functions",
            "Colour: learned, rescaled to the true units. Dashed: true.",
            lambda figure: paint_functions(figure, compared),
        ),
        (
            "log-k",
            "Rate constants",
            "log10 k of each reaction, with the arbitrary scale removed. Names mark outliers.",
            lambda figure: paint_log_k(figure, compared),
        ),
    ]


def _without_truth(reconstruction: Reconstruction) -> list[_Plan]:
    return [
        (
            "functions",
            "Learned functions",
            "In the units of the estimate; the true units are unknown.",
            lambda figure: paint_estimated_functions(figure, reconstruction),
        ),
    ]


def _trajectories(reconstruction: Reconstruction) -> list[_Plan]:
    return [
        (
            "rollouts",
            "Held-out rollouts",
            "Dashed: observed from a start that no trial was trained on. Colour: predicted. Shown are the metabolites "
            "that change most. The error is the RMS error over the RMS of the change.",
            lambda figure: paint_rollouts(figure, reconstruction),
        ),
        (
            "change",
            "Change of the concentrations",
            "The first training trajectory: red above the start, blue below it.",
            lambda figure: paint_change(figure, reconstruction.data),
        ),
    ]
