"""Readings of exact trajectories: what an observer with noise sees."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from simulator.integration import Trajectory
from simulator.kinetics import Floats
from simulator.regime import Observation


def read(
    trajectories: list[Trajectory],
    observation: Observation,
    dcdt_seed: np.random.SeedSequence,
    concentration_seed: np.random.SeedSequence,
) -> list[Trajectory]:
    """Add noise to exact trajectories, with one seed for dc/dt and another for concentrations."""
    dcdt_rng, concentration_rng = np.random.default_rng(dcdt_seed), np.random.default_rng(concentration_seed)
    dcdt_noise = observation.dcdt_noise * _root_mean_square([t.dcdt for t in trajectories])
    concentration_noise = observation.concentration_noise * _root_mean_square([t.concentration for t in trajectories])
    if observation.noise_on_reading:
        return [_scaled(t, observation.concentration_noise, concentration_rng) for t in trajectories]
    return [
        replace(
            t,
            dcdt=t.dcdt + dcdt_noise * dcdt_rng.standard_normal(t.dcdt.shape),
            concentration=_positive_reading(t.concentration, concentration_noise, concentration_rng),
        )
        for t in trajectories
    ]


def _scaled(trajectory: Trajectory, noise: float, rng: np.random.Generator) -> Trajectory:
    """Multiply each concentration by a factor whose logarithm has the standard deviation `noise`."""
    factors = np.exp(noise * rng.standard_normal(trajectory.concentration.shape))
    return replace(trajectory, concentration=trajectory.concentration * factors)


def _root_mean_square(parts: list[Floats]) -> Floats:
    """Return the root mean square of each metabolite over all frames, shape (N,)."""
    return np.asarray(np.sqrt(np.mean([np.mean(part**2, axis=0) for part in parts], axis=0)))


def _positive_reading(concentration: Floats, noise: Floats, rng: np.random.Generator) -> Floats:
    """Add Gaussian noise of standard deviation (N,) to concentrations (F, N); draw again where not positive."""
    reading = concentration + noise * rng.standard_normal(concentration.shape)
    while (again := reading <= 0).any():
        reading[again] = (concentration + noise * rng.standard_normal(concentration.shape))[again]
    return reading
