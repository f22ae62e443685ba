"""The totals that a trial takes for constant, by name."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from agent.analyzer.scoring.estimate import Estimate
from agent.training.conserved_csv import FoundTotal, described_totals, totals_in, write_totals
from simulator.dataset import Dataset
from tests.agent.analyzer.scoring.estimates import true_estimate


def stating(data: Dataset) -> Estimate:
    """An estimate that states m3 + 2 m7, and m0 + m1."""
    conserved = np.zeros((2, data.graph.n_metabolites))
    conserved[0, [3, 7]], conserved[1, [0, 1]] = (1.0, 2.0), (1.0, 1.0)
    return replace(true_estimate(data), conserved=conserved)


def test_totals_are_named_with_their_weights(tiny: Dataset) -> None:
    assert [str(one) for one in totals_in(stating(tiny), tiny)] == ["m3 + 2 m7", "m0 + m1"]
    assert totals_in(true_estimate(tiny), tiny) == []


def test_a_table_lists_members_and_follows_no_link(tiny: Dataset, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("mine")
    (tmp_path / "conserved.csv").symlink_to(tmp_path / "elsewhere")
    write_totals(tmp_path, totals_in(stating(tiny), tiny))
    rows = "total,metabolite,weight\n1,m3,1\n1,m7,2\n2,m0,1\n2,m1,1\n"
    assert (tmp_path / "conserved.csv").read_text() == rows
    assert (tmp_path / "elsewhere").read_text() == "mine"


def test_a_table_that_the_trial_left_goes_where_nothing_is_conserved(tmp_path: Path) -> None:
    (tmp_path / "conserved.csv").write_text("total,metabolite,weight\n1,all,1\n")
    write_totals(tmp_path, [])
    assert list(tmp_path.iterdir()) == []


def test_a_terminal_shows_a_dozen() -> None:
    lines = described_totals([FoundTotal({"atp": 1.0, f"m{number}": 0.5}) for number in range(14)])
    assert lines[:2] == ["Conserved totals of amounts", "  atp + 0.5 m0"]
    assert (len(lines), lines[-1]) == (14, "  and 2 more, in conserved.csv of --out FOLDER")
    assert described_totals([]) == []
