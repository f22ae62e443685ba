"""Columns of a table found among the species of a network: by id, by another name, and whatever their case and unit."""

from __future__ import annotations

from dataclasses import replace
from difflib import get_close_matches

import numpy as np

from simulator.measured.csv_header import Column
from simulator.measured.csv_table import Table, TimeSeries
from simulator.measured.measured_part import computed_totals
from simulator.measured.stated_network import StatedFile


class ColumnNames:
    """Finds the species of each column, and remembers what it did."""

    def __init__(self, stated: StatedFile) -> None:
        network, species = stated.network, stated.species
        self._exact = {**{alias: name for alias, name in stated.aliases.items() if name in species}}
        self._exact |= {name: name for name in species}
        folded: dict[str, set[str]] = {}
        for alias, name in self._exact.items():
            folded.setdefault(alias.casefold(), set()).add(name)
        self._folded = {alias: next(iter(names)) for alias, names in folded.items() if len(names) == 1}
        acting = {name for equation in network.reactions.values() for name in equation.regulators}
        self.signed = (stated.inputs | acting) - set(network.metabolite_names) | stated.inputs
        self._renamed: list[str] = []
        self._unused: list[Column] = []
        self._found: set[str] = set()

    def called(self, column: Column) -> str | None:
        """Return the species of a column, None if it is none."""
        for text in (column.heading, column.name):
            found = self._exact.get(text) or self._folded.get(text.casefold())
            if found is not None:
                self._found.add(found)
                if found != column.name:
                    self._renamed.append(f"'{column.heading}' is {found}")
                return found
        self._unused.append(column)
        return None

    @property
    def columns(self) -> frozenset[str]:
        """The species of each column, or its own name if it has none."""
        return frozenset({*self._found, *(column.name for column in self._unused)})

    def remarks(self) -> list[str]:
        """Return what was done to columns, in sentences."""
        lists = {"columns that were found under another name": self._renamed}
        lists["columns that are no species of the network and were not read"] = list(map(self._named, self._unused))
        return [f"{what}: {', '.join(names)}" for what, names in lists.items() if names]

    def _named(self, column: Column) -> str:
        """Return an unused column, with the species that it may have been meant for."""
        left = [name for name, species in self._exact.items() if species not in self._found]
        near = get_close_matches(column.name, left, 1, 0.75)
        return f"'{column.heading}'" + "".join(f" (did you mean {name}?)" for name in near)


def with_computed(table: Table, stated: StatedFile) -> Table:
    """Return the table with the columns of species that follow from a total of known amount."""
    for name, total in computed_totals(stated, table.metabolites).items():
        others = {other: weight for other, weight in total.weights.items() if other != name}
        places = [table.metabolites.index(other) for other in others]
        volumes = stated.network.volumes
        weights = np.array([weight * volumes.get(other, 1.0) for other, weight in others.items()])
        own = total.weights[name] * volumes.get(name, 1.0)
        courses = [_with_rest(course, places, weights, float(total.amount or 0.0), own) for course in table.courses]
        remark = f"'{name}' was not measured and is computed from the total {total}"
        table = replace(
            table,
            metabolites=(*table.metabolites, name),
            courses=tuple(courses),
            spread=np.append(table.spread, np.nan),
            remarks=(*table.remarks, remark),
        )
    return table


def _with_rest(course: TimeSeries, places: list[int], weights: np.ndarray, amount: float, own: float) -> TimeSeries:
    """Return a course with the concentration that is left of an amount; where nothing is left, a gap."""
    rest = (amount - course.concentration[:, places] @ weights) / own
    slope = -(course.dcdt[:, places] @ weights) / own
    return TimeSeries(
        course.name,
        course.time,
        np.column_stack([course.concentration, np.where(rest > 0, rest, np.nan)]),
        np.column_stack([course.below, np.zeros(len(rest), dtype=bool)]),
        np.column_stack([course.dcdt, slope]),
        np.column_stack([course.repeats, np.ones(len(rest), dtype=np.int64)]),
    )
