"""The table of recovered coefficients: what it says of their certainty."""

import csv
from pathlib import Path

import numpy as np

from agent.analyzer.scoring.estimate import Estimate
from agent.executor.artifacts import ESTIMATE
from agent.training.coefficients_csv import write_coefficients
from simulator.dataset import Dataset
from simulator.measured.measurements import Measurements
from tests.agent.analyzer.scoring.estimates import true_estimate, write_estimate


def rows_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "stoichiometry.csv").open() as table:
        return list(csv.DictReader(table))


def test_a_probability_that_rests_on_no_data_is_left_out(tiny: Dataset, tmp_path: Path) -> None:
    """By the first of three coefficients the data stand, not by the second; the third has no alternative."""
    probability, runner_up, price = np.ones((3, len(tiny.graph.met_all))) * [[1.0], [0.0], [0.0]]
    probability[:2], runner_up[:2], price[0] = 0.99, 2, 0.1
    arrays = {"probability": probability, "runner_up": runner_up, "price": price}
    write_estimate(true_estimate(tiny), tmp_path / ESTIMATE, **arrays)
    write_coefficients(tmp_path, tiny)
    said = [(row["runner_up"], row["probability"]) for row in rows_of(tmp_path)]
    assert said[:3] == [("2", "0.990"), ("2", ""), ("", "1.000")]
    coefficients = [row["coefficient"] for row in rows_of(tmp_path)]
    assert [one == "not determined" for one in coefficients[:3]] == [False, True, False]


def test_a_probability_by_the_data_alone_is_always_given(pathway: Measurements, tmp_path: Path) -> None:
    """A trial that answers 1 everywhere states none. The scorer assumes no odds: it says what the data say against."""
    grid, ones = np.linspace(0.0, 1.0, 2), np.where(pathway.graph.role < 0, -1.0, 1.0)
    estimate = Estimate(ones, np.zeros(pathway.graph.n_reactions), grid, grid, np.ones((2, 2)), grid, grid)
    write_estimate(estimate, tmp_path / ESTIMATE)
    write_coefficients(tmp_path, pathway)
    [wrong] = [row for row in rows_of(tmp_path) if (row["reaction"], row["metabolite"]) == ("respire", "co2")]
    assert (wrong["coefficient"], wrong["runner_up"]) == ("not determined", "2")
    assert float(wrong["probability"]) < 0.1
