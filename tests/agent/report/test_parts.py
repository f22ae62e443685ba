"""The parts of the page."""

from __future__ import annotations

import base64
import gzip
import json
import re
import time
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure

from agent.analyzer.scoring.estimate import Confidence
from agent.report import experiment_networks
from agent.report.course_points import course_points
from agent.report.experiment_networks import ExperimentNetwork, pack_networks
from agent.report.experiment_row import experiment_rows
from agent.report.failures import failures
from agent.report.field_plots import parallel_plot, slices_of
from agent.report.fields import influences
from agent.report.main_answers import badge
from agent.report.rate_law import outliers
from agent.report.reconstruction import ComparedReconstruction, Reconstruction
from agent.report.recovered_coefficients import SeedNetwork, recovery_of
from agent.report.s_matrix import draw_matrices
from agent.report.sheet import changed_files
from agent.report.template_environment import TEMPLATES
from agent.report.theme import draw, inline
from agent.report.trajectories import relative_error
from agent.report.tree_layout import WIDTH, draw_tree
from memory.ending import CampaignState, StateKind
from memory.records import Block, Experiment, Finding, Verdict
from simulator.dataset import Dataset
from tests.agent.analyzer.scoring.estimates import true_estimate
from tests.agent.experiments import FIDELITY, failed, scored

BLOCKS = [Block(0, "baseline", 0.0, "done"), Block(1, "sweep", 0.0, "done"), Block(2, "code", 0.0, None)]


def a_night() -> list[Experiment]:
    """Return a baseline, a sweep that lies above its mean but lags on the shared seed, a failure and a winner."""
    baseline = scored("e0001", [0.4, 0.2], block=0, verdict=Verdict("accepted", "", number=1))
    lagging = scored("e0002", [0.35], verdict=Verdict("rejected", "-0.05 on seed 0", "e0001", -0.05, number=2))
    broken = replace(failed("e0003", "crashed", "why"), verdict=Verdict("failed", "", number=3))
    winner = scored("e0004", [0.9, 0.8], block=2, verdict=Verdict("accepted", "", "e0001", 0.55, number=4))
    return [baseline, lagging, broken, winner]


def test_a_dot_stands_beside_what_it_was_compared_with() -> None:
    """e0002 lies above the baseline's mean, 0.3, and was rejected: on its only seed, the baseline has 0.4."""
    (level,) = course_points("night", experiment_rows(a_night(), BLOCKS), FIDELITY, "exact")["levels"]
    assert level["dots"] == [[1, 0.3, None, 0.1], [2, 0.35, 0.4, None], [4, 0.85, 0.3, 0.05]]
    assert level["lead"] == [[1, 0.3], [4, 0.85]]
    assert level["baseline"] == 0.3


def test_a_row_has_the_gain_over_the_parent_and_what_changed() -> None:
    changed = replace(a_night()[1], changes={"lr_S": 0.02, "depth": 3}, move="sign_tied")
    _, row = experiment_rows([a_night()[0], changed], BLOCKS)
    assert (row.number, row.verdict, row.rung, row.fidelity, row.seeds) == (2, "rejected", "sweep", FIDELITY, 1)
    assert row.gain == pytest.approx(-0.05)
    assert -0.5 < row.shade < 0.0
    assert row.changed.split() == ["lr_S=0.02", "depth=3", "sign_tied"]


def test_the_tree_has_a_column_for_each_block_and_a_row_for_the_winners() -> None:
    tree = draw_tree(experiment_rows(a_night(), BLOCKS), ["e0001", "e0004"])
    places = {node.row.experiment.id: (node.x // WIDTH, node.y > 0) for node in tree.nodes}
    assert places == {"e0001": (0, False), "e0002": (1, True), "e0003": (1, True), "e0004": (2, False)}
    assert [(column.block, column.rung) for column in tree.columns] == [(0, "baseline"), (1, "sweep"), (2, "code")]
    assert (tree.edges.count("M"), tree.lead.count("M")) == (2, 1)


@pytest.mark.parametrize(
    ("kind", "shown"),
    [
        ("finished", ("finished", "accepted")),
        ("stopped", ("stopped", "rejected")),
        ("interrupted", ("stopped", "rejected")),
        ("crashed", ("crashed", "failed")),
        ("killed", ("killed", "failed")),
        ("running", ("running", "open")),
    ],
)
def test_the_badge_says_how_it_ended(kind: StateKind, shown: tuple[str, str]) -> None:
    assert badge(CampaignState(kind, "", 0.0, ())) == shown


@pytest.fixture(scope="module")
def compared(tiny: Dataset) -> ComparedReconstruction:
    """Return a perfect estimate but for the sign of its first coefficient."""
    changed = tiny.truth.sto_all.astype(float)
    changed[0] *= -1.0
    trial = scored("e0002", [0.9]).trials[0]
    return ComparedReconstruction(trial, true_estimate(tiny, sto_all=changed), tiny)


def test_wrong_coefficients_have_names_and_the_number_of_seeds_that_agree(
    compared: ComparedReconstruction, tiny: Dataset
) -> None:
    true, network = tiny.truth.sto_all, tiny.regime.network
    recovery = recovery_of(
        compared, [SeedNetwork(compared.decoded, compared.estimate.sto_all), SeedNetwork(true, true.astype(float))]
    )
    wrong = np.flatnonzero(compared.decoded != true)
    assert recovery.wrong == recovery.disputed == len(wrong) > 0
    first = recovery.listed[0]
    assert first.metabolite == network.metabolite_names[tiny.graph.met_all[wrong[0]]]
    assert first.reaction == network.reaction_names[tiny.graph.rxn_all[wrong[0]]]
    assert (first.true, first.learned, first.agreeing) == (true[wrong[0]], compared.decoded[wrong[0]], 1)
    assert recovery.confusion is not None
    assert sum(recovery.confusion.counts.values()) == len(true)
    assert sum(n for (t, learned), n in recovery.confusion.counts.items() if t != learned) == len(wrong)


def test_the_s_of_each_experiment_is_packed_the_accepted_and_the_newest_first(
    compared: ComparedReconstruction, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = experiment_rows(a_night(), BLOCKS)
    networks = {name: ExperimentNetwork("s0", compared.decoded, 1) for name in ("e0001", "e0002", "e0004")}

    def told() -> dict[str, list[int]]:
        unpacked = json.loads(gzip.decompress(base64.b64decode(pack_networks(rows, networks))))
        values = {chr(ord("0") + place): value for place, value in enumerate(unpacked["values"])}
        return {name: [values[letter] for letter in letters] for name, letters in unpacked["letters"].items()}

    assert told() == dict.fromkeys(networks, compared.decoded.tolist())
    monkeypatch.setattr(experiment_networks, "ROOM", len(pack_networks(rows, networks)) - 1)
    assert list(told()) == ["e0004", "e0001"]
    assert pack_networks(rows, {}) == ""


def test_without_a_truth_all_coefficients_are_listed_the_least_certain_first(
    compared: ComparedReconstruction, tiny: Dataset
) -> None:
    """The seeds differ in one sign, and in the lengths of the columns, which say nothing."""
    measured = Reconstruction(compared.trial, true_estimate(tiny), tiny)
    one, other = measured.decoded, measured.decoded.copy()
    other[7] *= -1
    recovery = recovery_of(
        measured, [SeedNetwork(one, 4.0 * one.astype(float)), SeedNetwork(other, 0.5 * other.astype(float))]
    )
    assert (recovery.seeds, recovery.disputed, recovery.confusion) == (2, 1, None)
    assert len(recovery.listed) == len(one)
    first, second = recovery.listed[:2]
    assert first.reaction == tiny.regime.network.reaction_names[tiny.graph.rxn_all[7]]
    assert (first.agreeing, first.value, first.deviation) == (1, 0.0, abs(one[7]))
    assert (second.agreeing, second.value, second.deviation) == (2, second.learned, 0.0)


def test_the_runner_up_has_its_price_where_there_is_an_alternative(tiny: Dataset) -> None:
    probability, runner_up, price = np.ones((3, len(tiny.graph.met_all))) * [[1.0], [0.0], [0.0]]
    probability[0], runner_up[0], price[0] = 0.95, 2, 0.1
    estimate = true_estimate(tiny, confidence=Confidence(probability, runner_up, price))
    shown = Reconstruction(scored("e0002", [0.9]).trials[0], estimate, tiny)
    listed = recovery_of(shown, [SeedNetwork(shown.decoded, estimate.sto_all)]).listed
    assert sorted(one.price for one in listed if one.price is not None) == [0.1]
    assert {(one.runner_up, one.price) for one in listed} == {(2, 0.1), (None, None)}


def test_each_cell_of_s_is_drawn_once_and_each_wrong_one_is_marked(compared: ComparedReconstruction) -> None:
    true, learned = draw_matrices(compared)
    wrong = int(np.sum(~compared.exact))
    for drawn, integers in ((true, compared.data.truth.sto_all), (learned, compared.decoded)):
        cells = sum(path.count("M") for name, path in drawn.paths.items() if name != "wrong")
        assert cells == np.count_nonzero(integers)
        assert drawn.paths["wrong"].count("M") == wrong


def test_the_error_of_a_rollout_is_a_share_of_the_change() -> None:
    observed = np.array([1.0, 2.0, 3.0])
    assert relative_error(observed, observed) == 0.0
    assert relative_error(observed, np.full(3, 1.0)) == pytest.approx(1.0)
    assert relative_error(np.ones(3), np.array([1.0, 1.0, 1.3])) == pytest.approx(0.3 / 3**0.5)


def test_a_patch_is_split_by_file_and_begins_with_what_it_adds() -> None:
    gone = "diff --git a/gnn/adam.py b/gnn/adam.py\n--- a/gnn/adam.py\n+++ /dev/null\n@@ -1,2 +0,0 @@\n-a\n-b\n"
    new = "diff --git a/gnn/new.py b/gnn/new.py\n--- /dev/null\n+++ b/gnn/new.py\n@@ -0,0 +1 @@\n+c\n"
    first, second = changed_files(gone + new)
    assert (first.name, first.added, first.removed) == ("gnn/new.py", 1, 0)
    assert (second.name, second.added, second.removed) == ("gnn/adam.py", 0, 2)
    assert first.lines[-1] == ("add", "+c")
    assert changed_files("") == ()
    assert sum(file.left_out for file in changed_files("+x\n" * 4000)) == 1000


def test_evidence_stands_apart_from_the_finding_and_is_named_once() -> None:
    told = "depth moves exact by 0.1 (e0001)"
    finding = Finding(1, "established principle", "depth", told, ("e0001", "e0002"), 0.1, 0.01, 0.0)
    page = TEMPLATES.get_template("findings.html.j2").render(
        findings=[finding], names=("e0001", "e0002"), failures=[], events=[]
    )
    words = " ".join(re.sub(r"<[^>]*>", "", page).split())
    assert f"{told} p = 0.01 e0002 " in words
    assert '(<a href="#e0001">e0001</a>)' in page


def test_failures_of_one_cause_stand_together() -> None:
    ended = [
        replace(scored(f"e000{number}"), verdict=Verdict("failed", reason))
        for number, reason in enumerate(
            ["crashed: no field 'lr' in e0007", "timed out at 60 s", "crashed: no field 'width' in e0009"], start=1
        )
    ]
    refused = replace(scored("e0004"), verdict=Verdict("refused", "timed out at 60 s"))
    found = failures([*ended, refused, scored("e0005", verdict=Verdict("rejected", "no"))])
    assert [(f.verdict, f.experiments) for f in found] == [
        ("failed", ("e0001", "e0003")),
        ("failed", ("e0002",)),
        ("refused", ("e0004",)),
    ]
    assert found[0].reason == "crashed: no field 'lr' in e0007"


def test_a_reason_of_one_long_word_is_grouped_at_once() -> None:
    started = time.monotonic()
    ended = [replace(scored(f"e000{n}"), verdict=Verdict("failed", "x" * 100_000)) for n in (1, 2)]
    assert [f.experiments for f in failures(ended)] == [("e0001", "e0002")]
    assert time.monotonic() - started < 1.0


def swept(count: int, noise: float = 0.0) -> list[Experiment]:
    """Return experiments whose score depends on lr_S, and on nothing else but noise."""
    rng = np.random.default_rng(0)
    experiments = []
    for number in range(count):
        decisive, idle = 10.0 ** rng.uniform(-4, -1), int(rng.integers(1, 5))
        e = scored(f"e{number + 1:04d}", [1.0 - abs(np.log10(decisive) + 2.0) / 3.0 + rng.normal(0.0, noise)])
        configuration = {"lr_S": decisive, "depth": idle, "fixed": 1, "gate": ["none", "sigmoid"][number % 2]}
        experiments.append(replace(e, parent=None if number == 0 else "e0001", configuration=configuration))
    return experiments


def test_the_field_that_decides_is_the_important_one() -> None:
    (found,) = influences(swept(30))
    assert found.code == "e0001"
    assert next(iter(found.importance)) == "lr_S"
    assert set(found.importance) == {"lr_S", "depth", "gate"}
    assert found.is_certain
    assert not influences(swept(5))


def test_few_noisy_configurations_leave_the_ranking_uncertain() -> None:
    (found,) = influences(swept(8, noise=0.5))
    assert not found.is_certain
    assert all(low <= high for low, high in found.ranges.values())


def test_plots_of_fields_have_all_experiments() -> None:
    (found,) = influences(swept(30))
    lr_s, *others = slices_of(found)
    assert (lr_s.name, len(others), lr_s.dots.count("M")) == ("lr_S", 2, 30)
    plot = parallel_plot(found)
    assert [axis.name for axis in plot.axes] == ["lr_S", *(each.name for each in others), "score"]
    best = found.names[int(np.argmax(found.scores))]
    assert (len(plot.lines), plot.lines[-1].name, plot.lines[-1].rank) == (30, best, 1.0)


def test_reactions_far_off_the_line_are_named_the_farthest_first() -> None:
    residual = np.random.default_rng(0).normal(0.0, 0.1, 200)
    residual[[3, 70]] = 2.0, -4.0
    assert outliers(residual)[:2] == [70, 3]
    assert outliers(np.zeros(50)) == []


def _line(figure: Figure) -> None:
    figure.add_subplot().plot([0, 1], [1, 0])


def test_a_figure_in_a_page_takes_its_colours_and_keeps_its_names_apart() -> None:
    element = inline(draw(_line, 3, 2), "mine", 'a "line"')
    assert element.startswith('<svg role="img" aria-label=\'a "line"\'')
    assert "var(--ink)" in element
    assert "<!--" not in element
    assert 'id="mine-' in element
    assert "url(#mine-" in element or 'href="#mine-' in element
