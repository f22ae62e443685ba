"""The scale of a field: its values as positions from 0 to 1, so that steps of different fields can be compared."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from agent.executor.code.search_space import Field

_LEVELS = 9  # positions of a number that are tried: eighths of its range
_BEYOND = 0.25  # of a range: how far it goes on beyond an edge
_NEXT = 0.22  # of a range: how far the next choice counts, a little less than the usual step of a number


@dataclass(frozen=True)
class Scale:
    """The values of one field.

    A number, and a choice among numbers, is ordered: its position is the share of the range below it, on a logarithmic
    scale where the field declares one. Any other choice has no order: two of its values are equal or different.

    Attributes:
        beyond: `lower` or `upper`, where the range goes on beyond that edge: nobody knows where a logarithmic range
            should end, while a share ends at 1.
    """

    field: Field
    beyond: str = ""

    @cached_property
    def ordered(self) -> bool:
        """Return whether the values have an order."""
        return self.field.kind != "choice" or all(_is_number(choice) for choice in self.field.choices)

    @cached_property
    def values(self) -> list[Any]:
        """Return the values that a sweep tries, in ascending order where there is one."""
        if self.field.kind == "choice":
            return sorted(self.field.choices) if self.ordered else list(self.field.choices)
        return list(dict.fromkeys(self.value(step / (_LEVELS - 1)) for step in range(_LEVELS)))

    @cached_property
    def span(self) -> float:
        """Return how far apart the ends are for a model, in ranges of a number that takes any value.

        Another choice, or the next of a few numbers, is nearer than the usual step, so that a sweep begins with steps.
        """
        if self.field.kind == "float":
            return 1.0
        low, high = (0, len(self.values) - 1) if self.field.kind == "choice" else self._declared()
        return min(1.0, _NEXT * (high - low)) if self.ordered else _NEXT

    def position(self, value: Any) -> float:
        """Return the position of a value; beyond the range it is that of the nearer end."""
        if self.field.kind == "choice":
            values = self.values
            if not self.ordered:
                return float(values.index(value)) if value in values else -1.0
            nearest = min(range(len(values)), key=lambda index: abs(values[index] - value)) if _is_number(value) else 0
            return nearest / max(len(values) - 1, 1)
        low, high = self._ends()
        if not _is_number(value) or value <= low:
            return 0.0
        if value >= high:
            return 1.0
        if self.field.log:
            return math.log(value / low) / math.log(high / low)
        return float((value - low) / (high - low))

    def holds(self, value: Any) -> bool:
        """Return whether a sweep may propose the value."""
        if self.field.kind == "choice":
            return value in self.values
        low, high = self._ends()
        return _is_number(value) and low <= value <= high

    def at_edge(self, value: Any) -> str:
        """Return `lower` or `upper` for a number at that end of its range, empty for any other value."""
        if self.field.kind == "choice" or not _is_number(value):
            return ""
        low, high = self._declared()
        return "lower" if value <= low else "upper" if value >= high else ""

    def within(self, value: Any) -> Any:
        """Return a number, or the nearer end of the declared range where it is beyond."""
        low, high = self._declared()
        return min(max(value, low), high)

    def value(self, position: float) -> Any:
        """Return the value at a position of a number, rounded to three significant digits."""
        low, high = self._ends()
        value = low * (high / low) ** position if self.field.log else low + position * (high - low)
        value = min(max(legible(value), low), high)
        return round(value) if self.field.kind == "int" else value

    def _ends(self) -> tuple[float, float]:
        low, high = self._declared()
        further = (high / low) ** _BEYOND if self.beyond else 1.0
        return (legible(low / further), high) if self.beyond == "lower" else (low, legible(high * further))

    def _declared(self) -> tuple[float, float]:
        assert self.field.low is not None
        assert self.field.high is not None
        return self.field.low, self.field.high


def groups_of(scales: Mapping[str, Scale]) -> list[tuple[str, ...]]:
    """Return the fields that are tuned together: their names share the part before the first underscore.

    Learning rates, or weights of penalties, are such groups: what one of them needs depends on the level of all. Only
    numbers on a logarithmic scale have such a level.
    """
    found: dict[str, list[str]] = {}
    for name, scale in scales.items():
        if scale.field.kind == "float" and scale.field.log and "_" in name:
            found.setdefault(name.split("_")[0], []).append(name)
    return [tuple(names) for names in found.values() if len(names) > 1]


def legible(value: float) -> float:
    """Round to three significant digits: the training is the same, and the diff is readable."""
    return float(f"{value:.3g}")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
