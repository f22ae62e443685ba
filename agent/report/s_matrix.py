"""Drawings of S as paths of an SVG element, a class for each integer, so that the style sheet gives the colours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from agent.report.reconstruction import ComparedReconstruction, Reconstruction
from simulator.network import Graph, Ints

_STRONG = 2  # magnitude from which a cell has the strongest colour


@dataclass(frozen=True)
class DrawnMatrix:
    """One matrix, metabolites by reactions; `paths` has the path of all cells of a class, in units of a cell."""

    title: str
    rows: int
    columns: int
    paths: dict[str, str]


def draw_matrices(shown: Reconstruction) -> list[DrawnMatrix]:
    """Return the true S, where it is known, and the learned one, in which wrong cells are marked."""
    graph = shown.data.graph
    if not isinstance(shown, ComparedReconstruction):
        return [_drawn("learned", graph, shown.decoded, ())]
    wrong = np.flatnonzero(~shown.exact).tolist()
    true = shown.data.truth.sto_all
    return [_drawn("true", graph, true, wrong), _drawn("learned", graph, shown.decoded, wrong)]


def _drawn(title: str, graph: Graph, integers: Ints, marked: Sequence[int]) -> DrawnMatrix:
    cells: dict[str, list[str]] = {}
    for row, column, integer in zip(graph.met_all, graph.rxn_all, integers, strict=True):
        if integer:
            cells.setdefault(_class_of(int(integer)), []).append(f"M{column},{row}h1v1h-1z")
    for edge in marked:
        row, column = int(graph.met_all[edge]), int(graph.rxn_all[edge])
        cells.setdefault("wrong", []).append(f"M{column - 1},{row - 1}h3v3h-3z")
    paths = {name: "".join(parts) for name, parts in cells.items()}
    return DrawnMatrix(title, graph.n_metabolites, graph.n_reactions, paths)


def _class_of(integer: int) -> str:
    """Return `minus1`, `minus2`, `plus1` or `plus2`; larger magnitudes look like 2."""
    return f"{'minus' if integer < 0 else 'plus'}{min(abs(integer), _STRONG)}"
