"""Places of the experiments in the drawn tree: a column per block, from left to right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from agent.report.experiment_row import ExperimentRow

WIDTH, HEIGHT = 118, 46  # pixels of a node with the room around it
BOX, HALF = 98, 19  # width of a node's box, half of its height
_GAP = 10  # between a box and a turn of an edge


@dataclass(frozen=True)
class TreeNode:
    """A node at `x` and `y`, pixels of its upper left corner."""

    row: ExperimentRow
    x: int
    y: int


@dataclass(frozen=True)
class TreeColumn:
    """The heading of a column: its block and rung."""

    block: int
    rung: str
    x: int


@dataclass(frozen=True)
class DrawnTree:
    """All nodes, the headings, and `edges` as the path of an SVG element; sizes are in pixels."""

    nodes: tuple[TreeNode, ...]
    columns: tuple[TreeColumn, ...]
    edges: str
    lead: str
    width: int
    height: int


def draw_tree(rows: Sequence[ExperimentRow], line: Sequence[str] = ()) -> DrawnTree:
    """Place each experiment in the column of its block, ordered by its parent's height.

    `line` names the lineage of the incumbent, which has the first row to itself; its edges are in `lead`.
    """
    placed: dict[str, TreeNode] = {}
    columns = []
    blocks = groupby(sorted(rows, key=lambda row: row.experiment.block), key=lambda row: row.experiment.block)
    for place, (block, members) in enumerate(blocks):
        beside = sorted(members, key=lambda row: (row.experiment.id not in line, _height(placed, row), row.number))
        columns.append(TreeColumn(block, beside[0].rung, place * WIDTH))
        first = 0 if not line or beside[0].experiment.id in line else 1
        for number, row in enumerate(beside, start=first):
            placed[row.experiment.id] = TreeNode(row, place * WIDTH, number * HEIGHT)
    edges: dict[bool, list[str]] = {False: [], True: []}
    for node in placed.values():
        if (parent := placed.get(node.row.experiment.parent or "")) is not None:
            edges[node.row.experiment.id in line].append(edge_path(parent, node))
    return DrawnTree(
        tuple(placed.values()),
        tuple(columns),
        "".join(edges[False]),
        "".join(edges[True]),
        width=max(len(columns), 1) * WIDTH,
        height=max((node.y for node in placed.values()), default=0) + HEIGHT,
    )


def _height(placed: dict[str, TreeNode], row: ExperimentRow) -> int:
    parent = placed.get(row.experiment.parent or "")
    return parent.y if parent else 0


def edge_path(parent: TreeNode, child: TreeNode) -> str:
    """Return a path that leaves the parent at its side and runs between the rows, behind no other node."""
    start, low, high = parent.x + BOX, parent.y + HALF, child.y + HALF
    if child.x - parent.x <= WIDTH or parent.y == child.y == 0:
        return f"M{start},{low}C{start + 12},{low} {child.x - 12},{high} {child.x},{high}"
    lane, turn = child.y - (HEIGHT - 2 * HALF) // 2, start + _GAP
    return f"M{start},{low}H{turn}V{lane}H{child.x - _GAP}V{high}H{child.x}"
