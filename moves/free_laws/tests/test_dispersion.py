import numpy as np
import pytest

from gnn.dispersion import dispersion
from gnn.observations import Floats

LENGTHS = (40,) * 50


def errors(correlation: float, rng: np.random.Generator, trajectories: int = 50, frames: int = 40) -> Floats:
    """Errors of two metabolites that follow each other along each trajectory."""
    steps = rng.normal(size=(trajectories, frames, 2))
    for frame in range(1, frames):
        steps[:, frame] = correlation * steps[:, frame - 1] + np.sqrt(1.0 - correlation**2) * steps[:, frame]
    return steps.reshape(-1, 2)


@pytest.mark.parametrize(("correlation", "rows"), [(0.0, 1.0), (0.5, 3.0), (0.8, 9.0)])
def test_rows_that_follow_each_other_count_as_fewer(correlation: float, rows: float) -> None:
    left = errors(correlation, np.random.default_rng(0))
    assert dispersion(left, LENGTHS) == pytest.approx(rows, rel=0.2)


def test_independent_errors_count_in_full_however_unequal() -> None:
    rng = np.random.default_rng(0)
    left = errors(0.0, rng) * np.exp(rng.normal(size=(2000, 1)))
    assert dispersion(left, LENGTHS) == pytest.approx(1.0, abs=0.5)


def test_errors_do_not_follow_each_other_from_one_trajectory_to_the_next() -> None:
    left = np.repeat(np.random.default_rng(0).normal(size=(1000, 1)), 2, axis=0)
    assert dispersion(left, (1,) * 2000) == 1.0


def test_what_is_explained_altogether_is_no_error() -> None:
    assert dispersion(np.zeros((20, 3)), (10, 10)) == 1.0


def test_short_trajectories_tell_the_same() -> None:
    left = errors(0.8, np.random.default_rng(0), trajectories=4000, frames=3)
    assert dispersion(left, (3,) * 4000) == pytest.approx(9.0, rel=0.2)


def test_metabolites_without_an_error_have_no_say() -> None:
    left = errors(0.8, np.random.default_rng(0))
    assert dispersion(np.concatenate([left, np.zeros((2000, 3))], axis=1), LENGTHS) == dispersion(left, LENGTHS)
