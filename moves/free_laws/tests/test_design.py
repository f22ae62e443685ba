import numpy as np
import pytest

from gnn.design import _whitening, rows_of, weighed
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


def test_each_metabolite_is_weighed_by_its_own_error() -> None:
    rows = rows_of(observed(derivative=True), 0.1)
    left = (
        np.random.default_rng(0).normal(size=rows.target.shape) * np.array([0.01, 0.02, 0.1, 0.3]) * rows.target.std(0)
    )
    again = weighed(rows, left)
    unit = again.scale / rows.scale
    np.testing.assert_allclose(again.target * unit, rows.target)
    np.testing.assert_allclose(np.std(left / unit, axis=0), np.std(left[:, 0] / unit[0]), rtol=0.1)
    assert np.mean(again.target**2) == pytest.approx(1.0)


def test_what_follows_from_others_is_no_target() -> None:
    observations = observed(derivative=False)
    rows = rows_of(observations, 0.1, [2])
    assert rows.told.tolist() == [True, True, False, True]
    assert not rows.target[:, 2].any()
    every = rows_of(observations, 0.1)
    kept = rows.target[:, rows.told] * rows.scale[rows.told]
    np.testing.assert_allclose(kept, (every.target * every.scale)[:, rows.told])
    assert np.mean(rows.target[:, rows.told] ** 2) == pytest.approx(1.0)
