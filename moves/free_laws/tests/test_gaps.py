import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gnn.clock import Clock
from gnn.config import Configuration
from gnn.design import Rows, rows_of
from gnn.gaps import seen
from gnn.observations import Floats, Observations, read_observations
from gnn.recover import recover, stages_of
from tests.networks import COLUMNS, observed, rates, truth

CONFIGURATION = Configuration(passes=2)


def with_gaps(observations: Observations, share: float, value: float = 1.0) -> Observations:
    """Readings of m0 and m2 are missing at random, those of m1 in the second half of every other trajectory.

    `value` stands where they are missing.
    """
    gaps = np.random.default_rng(1).random(observations.gaps.shape) < share
    gaps[..., [1, 3]] = False
    gaps[::2, len(gaps[0]) // 2 :, 1] = True
    return replace(observations, gaps=gaps, species=np.where(gaps, value, observations.species))


def explained(rows: Rows) -> Floats:
    """What the true rates say, wherever `rows` evaluates them."""
    return np.asarray(rows.of(rates(np.exp(rows.logs))) @ COLUMNS.T / rows.scale)


@pytest.mark.parametrize("derivative", [True, False], ids=["dcdt", "integral"])
def test_rows_do_not_depend_on_what_stands_for_a_missing_reading(derivative: bool) -> None:
    observations = observed(derivative=derivative)
    one, other = (rows_of(with_gaps(observations, 0.3, value), 0.1) for value in (1.0, 50.0))
    told, same = (seen(rows.gaps, rows.target * rows.scale) for rows in (one, other))
    np.testing.assert_allclose(told, same, atol=1e-9)
    lost = with_gaps(observations, 0.3).gaps.sum(axis=(0, 1))
    np.testing.assert_array_equal(one.counts, len(one.target) - lost)


def test_completed_rows_give_missing_readings_what_the_rates_say() -> None:
    whole = observed(derivative=False)
    observations = with_gaps(whole, 0.3)
    rows = rows_of(observations, 0.1)
    exact = explained(rows_of(whole, 0.1)) * rows_of(whole, 0.1).scale / rows.scale
    rows = rows.completed(rows.target - exact)
    assert np.linalg.norm(rows.target - exact) < 0.02 * np.linalg.norm(exact)
    refilled = np.exp(rows.refilled().logs)
    true = np.exp(rows_of(whole, 0.1).logs)
    assert np.abs(np.exp(rows.logs) / true - 1.0).max() > 0.5
    assert np.abs(refilled / true - 1.0).max() < 0.05


def test_the_planted_columns_come_back_where_readings_are_missing() -> None:
    """The values that stand for them mislead whoever takes them for readings."""
    observations = with_gaps(observed(derivative=False), 0.2)
    blind = replace(observations, gaps=np.zeros_like(observations.gaps))
    found, misled = (
        recover(one, CONFIGURATION, 0, Clock(90, stages_of(CONFIGURATION), io.StringIO()))
        for one in (observations, blind)
    )
    assert found.sto_all.tolist() == truth(observations.graph).tolist()
    assert sum(misled.sto_all != truth(observations.graph)) > 2


def test_half_the_limit_of_detection_counts_as_a_reading(tmp_path: Path) -> None:
    observations, graph = observed(derivative=False), observed(derivative=False).graph
    measured, below = np.ones((2, *observations.gaps.shape), dtype=bool)
    measured[0, 1:4, 2], below[:] = False, False
    below[0, 3, 2] = True
    np.savez(
        tmp_path / "observations.npz",
        n_metabolites=graph.n_metabolites,
        n_reactions=graph.n_reactions,
        **{name: getattr(graph, name) for name in ("met_all", "rxn_all", "role", "sub_to_all")},
        **{name: getattr(observations.constraints, name) for name in ("alphabet", "mass_balanced", "may_be_absent")},
        max_substrates=2,
        max_products=2,
        time=observations.time,
        concentration=observations.species,
        measured=measured,
        below=below,
    )
    found = read_observations(tmp_path / "observations.npz").gaps
    assert np.argwhere(found).tolist() == [[0, 1, 2], [0, 2, 2]]
