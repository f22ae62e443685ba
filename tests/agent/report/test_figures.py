"""The figures of Python, drawn from what the page is drawn from."""

from __future__ import annotations

import matplotlib
import numpy as np
import pytest
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, PathPatch, Rectangle

from agent.report.experiment_row import experiment_rows
from agent.report.fields import influences
from agent.report.importance_figure import paint_importances
from agent.report.notebook_figure import NotebookFigure, figure_of
from agent.report.reconstruction import ComparedReconstruction, Reconstruction
from agent.report.recovered_coefficients import SeedNetwork, recovery_of
from agent.report.recovery_figure import paint_recovery
from agent.report.tree_figure import HEADING, TreeFigure
from agent.report.tree_layout import BOX, HALF, draw_tree
from memory.records import Block, TrialResult
from simulator.dataset import Dataset
from simulator.measured.measurements import Measurements
from tests.agent.analyzer.scoring.estimates import true_estimate
from tests.agent.experiments import scored
from tests.agent.report.test_parts import BLOCKS, a_night, swept

TRIAL = TrialResult("e0004/s0/probe", "e0004", 0, "probe", "completed", "", {}, 1.0, "", 0.0)


def marks(figure: Figure) -> list[list[float]]:
    """Return the column and the row of each marked coefficient, in their order."""
    return sorted(np.asarray(figure.axes[0].lines[-1].get_xydata()).tolist())


def test_the_tree_has_the_places_and_the_lineage_of_the_page() -> None:
    line = ["e0001", "e0004"]
    tree = draw_tree(experiment_rows(a_night(), BLOCKS), line)
    (axes,) = figure_of(TreeFigure(tree, line).paint, 6.0, 2.0).axes
    boxes = [patch for patch in axes.patches if isinstance(patch, FancyBboxPatch)]
    assert [(box.get_x(), box.get_y()) for box in boxes] == [(n.x, n.y + HEADING) for n in tree.nodes]
    *_, lead = [patch for patch in axes.patches if isinstance(patch, PathPatch)]
    places = {node.row.experiment.id: node for node in tree.nodes}
    first, *_, last = np.asarray(lead.get_path().vertices).tolist()
    assert first == [places["e0001"].x + BOX, places["e0001"].y + HEADING + HALF]
    assert last == [places["e0004"].x, places["e0004"].y + HEADING + HALF]
    assert {"e0004  0.850", "+0.550"} <= {text.get_text() for text in axes.texts}


def test_a_long_campaign_is_drawn_in_strips_and_no_edge_is_lost() -> None:
    experiments = [scored("e0001", [0.3], block=0), *(scored(f"e{n:04d}", [0.3], block=n - 1) for n in range(2, 20))]
    blocks = [Block(number, "sweep", 0.0, None) for number in range(19)]
    tree = TreeFigure(draw_tree(experiment_rows(experiments, blocks)), ())
    (axes,) = figure_of(tree.paint, 6.0, 2.0).axes
    boxes = [patch for patch in axes.patches if isinstance(patch, FancyBboxPatch)]
    assert len({(box.get_x(), box.get_y()) for box in boxes}) == len({box.get_y() for box in boxes}) * 8 - 5 == 19
    assert sum(isinstance(patch, PathPatch) for patch in axes.patches) == 18
    assert max(box.get_x() + BOX for box in boxes) < tree.size[0] < 1_000


def test_importances_are_bars_with_their_uncertainty() -> None:
    studies = influences(swept(30))
    (axes,) = figure_of(lambda figure: paint_importances(figure, studies, "exact"), 7.0, 3.0).axes
    assert [bar.get_width() for bar in axes.patches if isinstance(bar, Rectangle)] == list(
        studies[0].importance.values()
    )
    (lines,) = (lines for lines in axes.collections if isinstance(lines, LineCollection))
    ends = [np.asarray(segment)[:, 0].tolist() for segment in lines.get_segments()]
    assert ends == [list(studies[0].ranges[name]) for name in studies[0].importance]
    assert axes.get_title(loc="left").endswith("30 configurations: lr_S matters most")


def test_few_importances_are_said_to_be_too_few() -> None:
    studies = influences(swept(8, noise=0.5))
    (axes,) = figure_of(lambda figure: paint_importances(figure, studies, "exact"), 7.0, 3.0).axes
    assert axes.get_title(loc="left").endswith("too few to say which field matters most")


def test_wrong_coefficients_are_marked_where_they_are(tiny: Dataset) -> None:
    changed = tiny.truth.sto_all.astype(float)
    changed[:2] *= -1.0
    shown = ComparedReconstruction(TRIAL, true_estimate(tiny, sto_all=changed), tiny)
    recovery = recovery_of(shown, [SeedNetwork(shown.decoded, changed)])
    figure = figure_of(lambda figure: paint_recovery(figure, shown, recovery, "e0004"), 9.0, 4.0)
    graph = tiny.graph
    assert marks(figure) == sorted([graph.rxn_all[edge], graph.met_all[edge]] for edge in (0, 1))
    assert figure.get_suptitle() == "e0004: 92 of 94 coefficients right"


def test_measured_data_show_where_seeds_disagree_and_no_confusion(pathway: Measurements, tiny: Dataset) -> None:
    edges = len(pathway.graph.met_all)
    estimate = true_estimate(tiny, sto_all=np.ones(edges))
    shown = Reconstruction(TRIAL, estimate, pathway)
    other = shown.decoded.copy()
    other[3] = 2
    recovery = recovery_of(
        shown, [SeedNetwork(integers, integers.astype(float)) for integers in (shown.decoded, other)]
    )
    (axes,) = (figure := figure_of(lambda figure: paint_recovery(figure, shown, recovery, "e0004"), 9.0, 4.0)).axes
    assert marks(figure) == [[pathway.graph.rxn_all[3], pathway.graph.met_all[3]]]
    assert figure.get_suptitle() == f"e0004: 2 seeds agree on {edges - 1} of {edges}"
    assert [tick.get_text() for tick in axes.get_yticklabels()] == list(pathway.regime.metabolite_names)


def test_a_figure_is_the_same_whatever_the_users_style_says() -> None:
    def paint(figure: Figure) -> None:
        figure.subplots().plot([0.0, 1.0])

    plain = figure_of(paint, 3.0, 2.0)._repr_png_()
    with matplotlib.rc_context({"font.size": 22.0, "axes.facecolor": "black", "xtick.labelsize": 20.0}):
        figure = figure_of(paint, 3.0, 2.0)
        assert figure._repr_png_() == plain
    assert isinstance(figure, NotebookFigure)


@pytest.mark.parametrize("width", [2.0, 400.0])
def test_a_wide_figure_has_fewer_pixels_an_inch(width: float) -> None:
    picture = figure_of(lambda figure: None, width, 0.5)._repr_png_()
    assert int.from_bytes(picture[16:20]) <= 20_000  # the width that a PNG states
