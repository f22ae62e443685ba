"""The tree of experiments as a matplotlib figure, with the places and the colours of the page's drawing."""

from __future__ import annotations

import re

from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, PathPatch
from matplotlib.path import Path

from agent.report.experiment_row import ExperimentRow
from agent.report.theme import BAD, FAINT, GOOD, INK, MUTED, PAPER, VERDICTS
from agent.report.tree_layout import BOX, HALF, DrawnTree, TreeNode
from memory.formatting import decimal

HEADING = 24  # pixels above the first row
_STRENGTH = 0.6  # share of the colour in the largest gain
_CODES = {"M": (int(Path.MOVETO),), "C": (int(Path.CURVE4),) * 3}  # of a command, one for each of its points


def paint_tree(figure: Figure, tree: DrawnTree) -> None:
    """Draw each experiment with its score and its gain over the parent; thick lines lead to the best one."""
    figure.set_layout_engine("none")  # the drawing has its own places
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set(xlim=(-2, tree.width), ylim=(tree.height, -HEADING))
    axes.set_axis_off()
    for edges, colour, width in ((tree.edges, FAINT, 1.0), (tree.lead, GOOD, 2.0)):
        if edges:
            axes.add_patch(PathPatch(_path(edges), fill=False, edgecolor=colour, linewidth=width))
    for column in tree.columns:
        axes.text(column.x + 2, -8, f"{column.rung} {column.block}", fontsize=7, color=MUTED)
    for node in tree.nodes:
        _mark_node(axes, node)


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
