import numpy as np

from gnn.design import _whitening, rows_of
from tests.networks import COLUMNS, observed, rates

TIME = np.array([0.0, 0.5, 0.7, 1.5, 3.0])


def test_rows_do_not_depend_on_where_a_trajectory_starts() -> None:
    np.testing.assert_allclose(_whitening(TIME, 0.3) @ np.ones(5), np.zeros(4), atol=1e-12)


def test_readings_and_the_random_walk_are_whitened() -> None:
    passed = TIME / np.diff(TIME).mean()
    covariance = np.eye(5) + 0.3 * np.minimum(passed[:, None], passed)
    whiten = _whitening(TIME, 0.3)
    np.testing.assert_allclose(whiten @ covariance @ whiten.T, np.eye(4), atol=1e-12)


def test_integrals_of_the_true_rates_explain_concentrations_without_a_derivative() -> None:
    rows = rows_of(observed(derivative=False), 0.1)
    explained = rows.of(rates(np.exp(rows.logs))) @ COLUMNS.T / rows.scale
    assert np.linalg.norm(rows.target - explained) < 0.01 * np.linalg.norm(rows.target)
