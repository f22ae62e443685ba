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
from gnn.search import prior_odds
from tests.networks import COLUMNS, observed, rates, truth
from tests.test_system import search_of

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
    """Return the part of the rows that the true rates explain."""
    return np.asarray(rows.of(rates(np.exp(rows.logs))) @ COLUMNS.T / rows.scale)


def test_rows_do_not_depend_on_what_stands_for_a_missing_reading() -> None:
    observations = observed(derivative=False)
    one, other = (rows_of(with_gaps(observations, 0.3, value), 0.1) for value in (1.0, 50.0))
    told, same = (seen(rows.gaps, rows.target * rows.scale) for rows in (one, other))
    np.testing.assert_allclose(told, same, atol=1e-9)


@pytest.mark.parametrize("derivative", [True, False], ids=["dcdt", "integral"])
def test_a_missing_reading_is_one_row_less(derivative: bool) -> None:
    observations = with_gaps(observed(derivative=derivative), 0.3)
    rows = rows_of(observations, 0.1)
    np.testing.assert_array_equal(rows.counts, len(rows.target) - observations.gaps.sum(axis=(0, 1)))


@pytest.mark.parametrize("derivative", [True, False], ids=["dcdt", "integral"])
def test_evidence_is_the_marginal_likelihood_of_the_rows_that_were_read(derivative: bool) -> None:
    search = search_of([0] * 5, observations=with_gaps(observed(derivative=derivative), 0.5))
    system, rows, size = search.system, search.design.rows, len(search.design.rows.target)
    read = []  # of each metabolite: an orthonormal basis of its rows without what missing readings would tell
    for metabolite in range(len(COLUMNS)):
        lost = [np.zeros((size, 0))]
        for gap in rows.gaps:
            if metabolite in gap.metabolites:
                lost.append(np.zeros((size, gap.basis.shape[1])))
                lost[-1][gap.rows] = gap.basis
        whole = np.linalg.svd(np.concatenate(lost, axis=1))[0]
        read.append(whole[:, sum(part.shape[1] for part in lost) :])

    def likelihood() -> float:
        weights = np.concatenate(
            [
                np.concatenate([own.T @ one * float(column[m]) for m, own in enumerate(read)])
                for one, column in zip(search.design.features, system.columns, strict=True)
            ],
            axis=1,
        )
        target = np.concatenate([own.T @ rows.target[:, m] for m, own in enumerate(read)])
        prior = system.noise / system.ridge.numpy()
        covariance = system.noise * np.eye(len(target)) + (weights * prior) @ weights.T
        return float(-np.linalg.slogdet(covariance)[1] - target @ np.linalg.solve(covariance, target))

    search.judge([0])
    margins = search.margins[0] + prior_odds(search.options[0])
    found = []
    for choice in (0, 1):
        search.chosen[0] = choice
        search.solve(learn=False)
        assert system.evidence == pytest.approx(likelihood(), rel=1e-6)
        found.append(system.evidence)
    assert margins[1] - margins[0] == pytest.approx(found[1] - found[0], rel=1e-4)


def test_rates_are_evaluated_where_missing_readings_are_what_they_say() -> None:
    whole = observed(derivative=False)
    rows, true = rows_of(with_gaps(whole, 0.3), 0.1), rows_of(whole, 0.1)
    refilled = rows.refilled(explained(true) * true.scale / rows.scale)
    assert np.abs(np.exp(rows.logs - true.logs) - 1.0).max() > 0.5
    assert np.abs(np.exp(refilled.logs - true.logs) - 1.0).max() < 0.05


def test_the_planted_columns_come_back_where_readings_are_missing() -> None:
    """Taken for readings, the values in their place give wrong columns."""
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
