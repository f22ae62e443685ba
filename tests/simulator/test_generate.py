import numpy as np

from simulator.dataset import Dataset
from simulator.generate import simulate
from simulator.regime import find_regime


def test_the_same_regime_gives_the_same_system() -> None:
    first, second = (simulate(find_regime("pde_m1_tiny")) for _ in range(2))
    np.testing.assert_array_equal(first.sto_all, second.sto_all)
    np.testing.assert_array_equal(first.law.log_k, second.law.log_k)
    for a, b in zip(first.observed, second.observed, strict=True):
        np.testing.assert_array_equal(a.concentration, b.concentration)


def test_another_seed_gives_another_system() -> None:
    regime = find_regime("pde_m1_tiny")
    other = simulate(regime.model_copy(update={"seed": regime.seed + 1}))
    assert not np.array_equal(other.law.log_k, simulate(regime).law.log_k)


def test_dcdt_is_the_exact_derivative_of_the_trajectories(tiny: Dataset) -> None:
    truth = tiny.truth
    for trajectory in tiny.observed:
        rates = truth.law.rates(truth.graph, truth.sto_all, trajectory.concentration)
        np.testing.assert_allclose(trajectory.dcdt, rates @ truth.graph.matrix(truth.sto_all).T, rtol=1e-12)
        # Simpson's rule over two frames, which knows nothing of the rate law, agrees with the change.
        width = trajectory.time[2] - trajectory.time[0]
        integral = width / 6 * (trajectory.dcdt[:-2:2] + 4 * trajectory.dcdt[1:-1:2] + trajectory.dcdt[2::2])
        change = trajectory.concentration[2::2] - trajectory.concentration[:-2:2]
        np.testing.assert_allclose(integral, change, atol=1e-5)


def test_concentrations_stay_above_the_floor_without_clamping(tiny: Dataset) -> None:
    floor = tiny.regime.trajectories.floor
    for trajectory in [*tiny.observed, *tiny.heldout]:
        assert trajectory.concentration.min() >= floor * (1 - 1e-9)
        # A clamped trajectory would sit at the floor: here at most the very last frame touches it.
        assert trajectory.concentration[:-1].min() > floor


def test_every_rate_varies(tiny: Dataset) -> None:
    truth = tiny.truth
    frames = np.concatenate([trajectory.concentration for trajectory in tiny.observed])
    rates = truth.law.rates(truth.graph, truth.sto_all, frames)
    assert (rates.std(axis=0) / rates.mean(axis=0)).min() >= 0.3
