"""Plots of the configurations: the score along each field, and parallel coordinates of all of them.

They are paths of SVG elements in the page, small enough for hundreds of experiments.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from agent.report.fields import Influence, spans_decades
from stoichloop.foreign_text import shorten

WIDTH, HEIGHT = 960, 260  # units of the drawing
_FIELDS, _LINES, _SLICES = 7, 250, 6  # most axes beside the score, lines, and slices
SLICE_WIDTH, SLICE_HEIGHT = 240, 150  # units of a slice
_LEFT, _DROP, _EDGE = 44, 22, 8  # room beside, below and within a slice
_TOP, _BOTTOM, _SIDE = 34, 22, 60
_TEXT, _TICKS = 16, 4  # characters; values that are all named below a slice


@dataclass(frozen=True)
class ParallelAxis:
    """An axis at `x`, with the values at its ends."""

    name: str
    x: int
    low: str
    high: str


@dataclass(frozen=True)
class ParallelLine:
    """An experiment as the points of a polyline; `rank` is its score's rank, from 0, the worst, to 1."""

    name: str
    points: str
    rank: float


@dataclass(frozen=True)
class ParallelPlot:
    """All axes and lines; the best lines come last, on top."""

    axes: tuple[ParallelAxis, ...]
    lines: tuple[ParallelLine, ...]


@dataclass(frozen=True)
class FieldSlice:
    """The scores along one field: a dot is a path of no length. `ticks` are values with their places."""

    name: str
    dots: str
    ticks: tuple[tuple[int, str], ...]
    low: str
    high: str


def slices_of(influence: Influence) -> list[FieldSlice]:
    """Draw the score against each of the most important fields, a dot per experiment."""
    heights, low, high = _scaled(influence.scores)
    across, down = SLICE_WIDTH - _LEFT - 2 * _EDGE, SLICE_HEIGHT - _DROP - 2 * _EDGE
    found = []
    for field in list(influence.importance)[:_SLICES]:
        values = [configuration[field] for configuration in influence.configurations]
        places = [round(_LEFT + _EDGE + place * across) for place in _scaled(values)[0]]
        dots = [f"M{x},{round(_EDGE + (1 - y) * down)}h0" for x, y in zip(places, heights, strict=True)]
        shown = {x: _word(value) for x, value in zip(places, values, strict=True)}
        few = sorted(shown.items()) if len(shown) <= _TICKS else [min(shown.items()), max(shown.items())]
        found.append(FieldSlice(shorten(field, 3 * _TEXT, "…"), "".join(dict.fromkeys(dots)), tuple(few), low, high))
    return found


def _word(value: Any) -> str:
    return shorten(f"{value:.3g}" if isinstance(value, (int, float)) else str(value), _TEXT, "…")


def parallel_plot(influence: Influence) -> ParallelPlot:
    """Draw the most important fields; of many experiments, the newest."""
    fields = list(influence.importance)[:_FIELDS]
    names, scores = influence.names[-_LINES:], influence.scores[-_LINES:]
    configurations = influence.configurations[-_LINES:]
    columns = [_scaled([configuration[field] for configuration in configurations]) for field in fields]
    columns.append(_scaled(scores))
    step = (WIDTH - 2 * _SIDE) / max(len(columns) - 1, 1)
    places = [round(_SIDE + number * step) for number in range(len(columns))]
    axes = [
        ParallelAxis(shorten(name, _TEXT, "…"), x, shorten(low, _TEXT, "…"), shorten(high, _TEXT, "…"))
        for name, x, (_, low, high) in zip([*fields, "score"], places, columns, strict=True)
    ]
    order = sorted(range(len(scores)), key=lambda each: scores[each])
    lines = [
        ParallelLine(
            names[each],
            " ".join(f"{x},{_height(places_of[each])}" for x, (places_of, _, _) in zip(places, columns, strict=True)),
            rank / max(len(order) - 1, 1),
        )
        for rank, each in enumerate(order)
    ]
    return ParallelPlot(tuple(axes), tuple(lines))


def _height(place: float) -> int:
    return round(HEIGHT - _BOTTOM - place * (HEIGHT - _TOP - _BOTTOM))


def _scaled(values: Sequence[Any]) -> tuple[list[float], str, str]:
    """Return each value's place on its axis, from 0 to 1, and the words at both ends."""
    if not all(isinstance(value, (int, float)) for value in values):
        choices = sorted(set(values), key=str)
        last = max(len(choices) - 1, 1)
        return [choices.index(value) / last for value in values], str(choices[0]), str(choices[-1])
    low, high = min(values), max(values)
    ends = f"{low:.3g}", f"{high:.3g}"
    numbers = [float(value) for value in values]
    if spans_decades(float(low), float(high)):
        numbers = [math.log(number) for number in numbers]
    bottom, top = min(numbers), max(numbers)
    return [(number - bottom) / ((top - bottom) or 1.0) for number in numbers], *ends
