"""Simulation of a regime: its network, its rate law and its trajectories."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.integrate import solve_ivp
from scipy.sparse import csr_array

from simulator.candidates import candidate_graph
from simulator.kinetics import Floats, RateLaw, draw_rate_law
from simulator.network import Graph, Ints, graph_of, stoichiometry_of
from simulator.regime import Observation, Regime, Trajectories
from stoichloop.errors import RegimeError

_MAX_FUNCTION_DRAWS = 200
_RTOL, _ATOL = 1e-9, 1e-11


@dataclass(frozen=True)
class Trajectory:
    """One integrated trajectory: time (F,), concentration (F, N) and its derivative dcdt (F, N)."""

    time: Floats
    concentration: Floats
    dcdt: Floats


@dataclass(frozen=True)
class System:
    """A simulated system: the shown graph, the truth on it (sto_all, law) and the trajectories.

    `exact` are the training trajectories without noise, `observed` the same trajectories as observed.
    """

    graph: Graph
    sto_all: Ints
    law: RateLaw
    exact: list[Trajectory]
    observed: list[Trajectory]
    heldout: list[Trajectory]


def simulate(regime: Regime) -> System:
    """Draw and integrate the system of a regime; a regime always gives the same system.

    Functions are drawn again until every rate has a coefficient of variation of at least
    `kinetics.min_rate_variation` over the data; raises `RegimeError` if no draw passes.
    """
    network_seed, start_seed, law_seed, dcdt_seed, decoy_seed, concentration_seed = np.random.SeedSequence(
        regime.seed
    ).spawn(6)
    stoichiometry = stoichiometry_of(regime.network, np.random.default_rng(network_seed))
    graph = graph_of(stoichiometry)
    sto_all = stoichiometry[graph.met_all, graph.rxn_all]
    shown = candidate_graph(stoichiometry, regime.observation, np.random.default_rng(decoy_seed))

    spec = regime.trajectories
    start = np.random.default_rng(start_seed).uniform(*spec.initial, (spec.count + spec.heldout, graph.n_metabolites))
    rng = np.random.default_rng(law_seed)
    for _ in range(_MAX_FUNCTION_DRAWS):
        law = draw_rate_law(regime.kinetics, graph, sto_all, start, rng)
        # Check the starting points first, which is cheap, and integrate only draws that can pass.
        if _variation(law, graph, sto_all, start).min() < regime.kinetics.min_rate_variation:
            continue
        trajectories = [_integrate(law, graph, sto_all, c0, spec) for c0 in start]
        exact, heldout = trajectories[: spec.count], trajectories[spec.count :]
        frames = np.concatenate([trajectory.concentration for trajectory in exact])
        if _variation(law, graph, sto_all, frames).min() >= regime.kinetics.min_rate_variation:
            observed = _read(exact, regime.observation, dcdt_seed, concentration_seed)
            return System(shown, stoichiometry[shown.met_all, shown.rxn_all], law, exact, observed, heldout)
    raise RegimeError(
        f"regime '{regime.name}': in {_MAX_FUNCTION_DRAWS} draws of the functions, some rate always varied less than "
        f"kinetics.min_rate_variation = {regime.kinetics.min_rate_variation}; lower it or raise kinetics.rate_spread"
    )


def _read(
    trajectories: list[Trajectory],
    observation: Observation,
    dcdt_seed: np.random.SeedSequence,
    concentration_seed: np.random.SeedSequence,
) -> list[Trajectory]:
    """Add noise to exact trajectories, with one seed for dc/dt and another for concentrations."""
    dcdt_rng, concentration_rng = np.random.default_rng(dcdt_seed), np.random.default_rng(concentration_seed)
    dcdt_noise = observation.dcdt_noise * _root_mean_square([t.dcdt for t in trajectories])
    concentration_noise = observation.concentration_noise * _root_mean_square([t.concentration for t in trajectories])
    return [
        replace(
            t,
            dcdt=t.dcdt + dcdt_noise * dcdt_rng.standard_normal(t.dcdt.shape),
            concentration=_positive_reading(t.concentration, concentration_noise, concentration_rng),
        )
        for t in trajectories
    ]


def _root_mean_square(parts: list[Floats]) -> Floats:
    """Return the root mean square of each metabolite over all frames, shape (N,)."""
    return np.asarray(np.sqrt(np.mean([np.mean(part**2, axis=0) for part in parts], axis=0)))


def _positive_reading(concentration: Floats, noise: Floats, rng: np.random.Generator) -> Floats:
    """Add Gaussian noise of standard deviation (N,) to concentrations (F, N); draw again where not positive."""
    reading = concentration + noise * rng.standard_normal(concentration.shape)
    while (again := reading <= 0).any():
        reading[again] = (concentration + noise * rng.standard_normal(concentration.shape))[again]
    return reading


def _variation(law: RateLaw, graph: Graph, sto_all: Ints, concentration: Floats) -> Floats:
    rates = law.rates(graph, sto_all, concentration)
    return np.asarray(rates.std(axis=0) / rates.mean(axis=0))


def _integrate(law: RateLaw, graph: Graph, sto_all: Ints, start: Floats, spec: Trajectories) -> Trajectory:
    """Integrate with DOP853 (Hairer, Norsett & Wanner 1993), frames equally spaced in time.

    The trajectory ends where the first metabolite reaches `floor`, so concentrations stay positive without clamping.
    """
    # Sparse, because the last bits of a dense product depend on the number of threads.
    stoichiometry = csr_array(graph.matrix(sto_all))

    def derivative(_time: float, concentration: Floats) -> Floats:
        return np.asarray(stoichiometry @ law.rates(graph, sto_all, concentration))

    reaches_floor: Any = lambda _time, concentration: concentration.min() - spec.floor  # noqa: E731
    reaches_floor.terminal = True  # SciPy's flag for an event that ends the integration
    solution: Any = solve_ivp(
        derivative,
        (0.0, spec.duration),
        start,
        method="DOP853",
        rtol=_RTOL,
        atol=_ATOL,
        dense_output=True,
        events=reaches_floor,
    )
    if not solution.success:
        raise RegimeError(f"the integrator failed: {solution.message}")
    time = np.linspace(0.0, solution.t[-1], spec.frames)
    concentration = np.asarray(solution.sol(time).T)
    dcdt = np.asarray(law.rates(graph, sto_all, concentration) @ stoichiometry.T)
    return Trajectory(time, concentration, dcdt)
