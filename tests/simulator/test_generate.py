import os
import subprocess
import sys

import numpy as np
import pytest

from simulator.dataset import Dataset
from simulator.generate import simulate
from simulator.regime import Observation, Trajectories, find_regime
from tests.conftest import shared_functions


def test_the_same_regime_gives_the_same_system(tiny: Dataset) -> None:
    again = simulate(tiny.regime)
    np.testing.assert_array_equal(again.sto_all, tiny.truth.sto_all)
    np.testing.assert_array_equal(shared_functions(again).log_k, shared_functions(tiny).log_k)
    for a, b in zip(again.observed, tiny.observed, strict=True):
        np.testing.assert_array_equal(a.concentration, b.concentration)


def test_dcdt_does_not_depend_on_the_number_of_threads() -> None:
    """A dense product does, in its last bits, and with them the hash of the data."""
    code = """
from hashlib import sha256
from simulator.generate import simulate
from simulator.regime import find_regime

regime = find_regime("pde_m1")
few = regime.trajectories.model_copy(update={"count": 1, "heldout": 1, "duration": 0.1})
still = regime.kinetics.model_copy(update={"min_rate_variation": 1e-9})
system = simulate(regime.model_copy(update={"trajectories": few, "kinetics": still}))
print(sha256(system.exact[0].dcdt.tobytes()).hexdigest())
"""
    digests = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "OPENBLAS_NUM_THREADS": threads, "OMP_NUM_THREADS": threads},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for threads in ("1", "2")
    }
    assert len(digests) == 1


def test_another_seed_gives_another_system(tiny: Dataset) -> None:
    other = simulate(tiny.regime.model_copy(update={"seed": tiny.regime.seed + 1}))
    assert not np.array_equal(shared_functions(other).log_k, shared_functions(tiny).log_k)


def test_siblings_share_the_setting_and_nothing_else() -> None:
    regime = find_regime("pde_m1_tiny")
    first, second = simulate(regime.sibling(1)), simulate(regime.sibling(2))
    assert regime.sibling(1) == regime.sibling(1)
    assert regime.sibling(1).network == regime.network
    assert len({regime.seed, regime.sibling(1).seed, regime.sibling(2).seed}) == 3
    assert not np.array_equal(shared_functions(first).log_k, shared_functions(second).log_k)
    assert not np.array_equal(first.graph.matrix(first.sto_all), second.graph.matrix(second.sto_all))
    assert not np.array_equal(first.observed[0].concentration[0], second.observed[0].concentration[0])


def test_noise_is_on_the_observed_derivative_alone_and_as_large_as_the_regime_says(tiny: Dataset) -> None:
    observation = Observation(dcdt_noise=0.05, concentration_noise=0.0, dcdt_given=True, decoys=0.0, roles_told=True)
    noisy = simulate(tiny.regime.model_copy(update={"observation": observation}))
    for clean, blurred in zip(tiny.observed, noisy.observed, strict=True):
        np.testing.assert_array_equal(clean.concentration, blurred.concentration)
    for clean, blurred in zip(tiny.heldout, noisy.heldout, strict=True):
        np.testing.assert_array_equal(clean.dcdt, blurred.dcdt)
    clean_dcdt, dcdt = (np.concatenate([t.dcdt for t in group]) for group in (tiny.observed, noisy.observed))
    share = np.std(dcdt - clean_dcdt, axis=0) / np.sqrt(np.mean(clean_dcdt**2, axis=0))
    np.testing.assert_allclose(share, 0.05, rtol=0.15)


def test_readings_of_concentrations_are_as_noisy_as_the_regime_says_and_positive(tiny: Dataset) -> None:
    observation = Observation(dcdt_noise=0.0, concentration_noise=0.1, dcdt_given=False, decoys=0.0, roles_told=True)
    read = simulate(tiny.regime.model_copy(update={"observation": observation}))
    exact, reading = (np.concatenate([t.concentration for t in group]) for group in (read.exact, read.observed))
    np.testing.assert_array_equal(exact, np.concatenate([t.concentration for t in tiny.observed]))
    noise = 0.1 * np.sqrt(np.mean(exact**2, axis=0))
    far_from_zero = exact > 4 * noise
    assert np.std(((reading - exact) / noise)[far_from_zero]) == pytest.approx(1.0, rel=0.02)
    assert reading.min() > 0
    assert (exact < noise).any()  # where a reading could have been negative
    np.testing.assert_array_equal(read.heldout[0].concentration, tiny.heldout[0].concentration)


def test_dcdt_is_the_exact_derivative_of_the_trajectories(tiny: Dataset) -> None:
    truth = tiny.truth
    for trajectory in tiny.observed:
        rates = shared_functions(tiny).rates(truth.graph, truth.sto_all, trajectory.concentration)
        np.testing.assert_allclose(trajectory.dcdt, rates @ truth.graph.matrix(truth.sto_all).T, rtol=1e-12)
        # Simpson's rule over two frames, which knows nothing of the rate law, agrees with the change.
        width = trajectory.time[2] - trajectory.time[0]
        integral = width / 6 * (trajectory.dcdt[:-2:2] + 4 * trajectory.dcdt[1:-1:2] + trajectory.dcdt[2::2])
        change = trajectory.concentration[2::2] - trajectory.concentration[:-2:2]
        np.testing.assert_allclose(integral, change, atol=1e-5)


def test_concentrations_stay_above_the_floor_without_clamping(tiny: Dataset) -> None:
    spec = tiny.regime.trajectories
    assert isinstance(spec, Trajectories)
    floor = spec.floor
    for trajectory in [*tiny.observed, *tiny.heldout]:
        assert trajectory.concentration.min() >= floor * (1 - 1e-9)
        # A clamped trajectory would sit at the floor: here at most the very last frame touches it.
        assert trajectory.concentration[:-1].min() > floor


def test_every_rate_varies(tiny: Dataset) -> None:
    truth = tiny.truth
    frames = np.concatenate([trajectory.concentration for trajectory in tiny.observed])
    rates = shared_functions(tiny).rates(truth.graph, truth.sto_all, frames)
    assert (rates.std(axis=0) / rates.mean(axis=0)).min() >= 0.3
