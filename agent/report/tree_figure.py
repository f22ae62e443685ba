"""The tree of experiments as a matplotlib figure, with the places and the colours of the page's drawing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice

from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, PathPatch
from matplotlib.path import Path
from matplotlib.transforms import Affine2D

from agent.report.experiment_row import ExperimentRow
from agent.report.theme import BAD, FAINT, GOOD, INK, MUTED, PAPER, VERDICTS
from agent.report.tree_layout import BOX, HALF, HEIGHT, WIDTH, DrawnTree, TreeNode, edge_path
from memory.formatting import decimal

HEADING = 24  # pixels above the first row
_MARGIN = 14  # pixels at the left
_COLUMNS = 8  # of a strip
_STRENGTH = 0.6  # share of the colour in the largest gain
_CODES = {"M": (int(Path.MOVETO),), "C": (int(Path.CURVE4),) * 3}  # of a command, one for each of its points


@dataclass(frozen=True)
class TreeFigure:
    """The drawing of a tree in strips of a few blocks, one below the other, so that a notebook need not shrink it.

    `line` names the lineage of the best experiment.
    """

    tree: DrawnTree
    line: Sequence[str]

    @cached_property
    def _strips(self) -> list[list[TreeNode]]:
        """The nodes of each strip, at their places within it."""
        strips: dict[int, list[TreeNode]] = {}
        for node in self.tree.nodes:
            strip, x = divmod(node.x, _COLUMNS * WIDTH)
            strips.setdefault(strip, []).append(replace(node, x=x))
        return list(strips.values())

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return min(len(self.tree.columns), _COLUMNS) * WIDTH + _MARGIN, sum(map(_height, self._strips))

    def paint(self, figure: Figure) -> None:
        """Draw each experiment with its score and its gain over the parent; thick lines lead to the best one."""
        figure.set_layout_engine("none")  # the drawing has its own places
        width, height = self.size
        axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
        axes.set(xlim=(-_MARGIN, width - _MARGIN), ylim=(height, 0))
        axes.set_axis_off()
        columns, top = iter(self.tree.columns), 0
        for strip in self._strips:
            for column in islice(columns, _COLUMNS):
                x = column.x % (_COLUMNS * WIDTH)
                axes.text(x + 2, top + HEADING - 8, f"{column.rung} {column.block}", fontsize=7, color=MUTED)
            self._draw_edges(axes, strip, top + HEADING)
            for node in strip:
                _mark_node(axes, replace(node, y=node.y + top + HEADING))
            top += _height(strip)

    def _draw_edges(self, axes: Axes, nodes: Sequence[TreeNode], top: int) -> None:
        """Join each node with its parent; the edge of a parent in a strip above enters at the left."""
        placed = {node.row.experiment.id: node for node in nodes}
        heights = {node.row.experiment.id: node.y for node in self.tree.nodes}
        for node in nodes:
            experiment = node.row.experiment
            if experiment.parent is None:
                continue
            above = replace(node, x=-WIDTH, y=heights[experiment.parent])
            leads = experiment.id in self.line
            drawn = _path(edge_path(placed.get(experiment.parent, above), node))
            path = drawn.transformed(Affine2D().translate(0.0, top))
            colour, width = (GOOD, 2.0) if leads else (FAINT, 1.0)
            axes.add_patch(PathPatch(path, fill=False, edgecolor=colour, linewidth=width, zorder=0.8 if leads else 0.7))


def _height(strip: Sequence[TreeNode]) -> int:
    return max(node.y for node in strip) + HEIGHT + HEADING


def _mark_node(axes: Axes, node: TreeNode) -> None:
    row = node.row
    accepted = row.verdict == "accepted"
    box = FancyBboxPatch(
        (node.x, node.y),
        BOX,
        2 * HALF,
        boxstyle="round,pad=0,rounding_size=4",
        facecolor=_shade(row),
        edgecolor=VERDICTS[row.verdict],
        linewidth=1.8 if accepted else 0.8,
    )
    axes.add_patch(box)
    score = "" if row.score is None else f"  {row.score:.3f}"
    below = row.verdict if row.score is None else "" if row.gain is None else decimal(row.gain, 3, "+")
    axes.text(node.x + 6, node.y + 15, f"{row.experiment.id}{score}", fontsize=8, weight="bold" if accepted else None)
    axes.text(node.x + 6, node.y + 31, below, fontsize=8, color=INK)


def _shade(row: ExperimentRow) -> tuple[float, ...]:
    """Return the colour of an experiment: green the more it gained, red the more it lost."""
    share = _STRENGTH * abs(row.shade)
    ground, colour = to_rgb(PAPER), to_rgb(GOOD if row.shade > 0 else BAD)
    return tuple((1.0 - share) * plain + share * full for plain, full in zip(ground, colour, strict=True))


def _path(drawn: str) -> Path:
    """Return the path of an SVG element that consists of M, C, H and V, each with absolute coordinates."""
    points, codes = list[tuple[float, float]](), list[int]()
    for command, text in re.findall(r"([MCHV])([^MCHV]*)", drawn):
        numbers = [float(number) for number in re.split(r"[ ,]", text)]
        if command == "H":
            numbers = [numbers[0], points[-1][1]]
        if command == "V":
            numbers = [points[-1][0], numbers[0]]
        points += zip(numbers[::2], numbers[1::2], strict=True)
        codes += _CODES.get(command, (int(Path.LINETO),))
    return Path(points, codes)
