"""Integration of a trajectory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from scipy.integrate import solve_ivp
from scipy.sparse import csr_array

from simulator.kinetics import Floats
from simulator.kinetics.input_signals import InputSignals
from simulator.network import Graph, Ints
from simulator.regime import Trajectories
from stoichloop.errors import RegimeError

_RTOL, _ATOL = 1e-9, 1e-11


class RateLaw(Protocol):
    """Kinetics of a network."""

    def rates(self, graph: Graph, sto_all: Ints, species: Floats, /) -> Floats:
        """Return v, shape (..., R), of the concentrations of metabolites and then inputs, shape (..., N + U)."""


@dataclass(frozen=True)
class Trajectory:
    """One trajectory: time (F,), concentration (F, N), its derivative dcdt (F, N), and inputs (F, U)."""

    time: Floats
    concentration: Floats
    dcdt: Floats
    inputs: Floats

    @property
    def species(self) -> Floats:
        """Concentrations and inputs, shape (F, N + U)."""
        return np.concatenate([self.concentration, self.inputs], axis=1)


@dataclass(frozen=True)
class Dynamics:
    """dc_i/dt = sum_j S_ij v_j / volume_i, with volume of shape (N,)."""

    law: RateLaw
    graph: Graph
    sto_all: Ints
    volume: Floats

    def integrate(self, start: Floats, spec: Trajectories, signals: InputSignals) -> Trajectory:
        """Integrate with DOP853 (Hairer, Norsett & Wanner 1993), frames equally spaced in time.

        The trajectory ends where the first metabolite reaches `floor`, so concentrations stay positive without
        clamping.
        """
        # Sparse, because the last bits of a dense product depend on the number of threads.
        stoichiometry = csr_array(self.graph.matrix(self.sto_all) / self.volume[:, None])

        def derivative(time: float, concentration: Floats) -> Floats:
            species = np.append(concentration, signals(np.array(time)))
            return np.asarray(stoichiometry @ self.law.rates(self.graph, self.sto_all, species))

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
        concentration, inputs = np.asarray(solution.sol(time).T), signals(time)
        rates = self.law.rates(self.graph, self.sto_all, np.concatenate([concentration, inputs], axis=1))
        return Trajectory(time, concentration, np.asarray(rates @ stoichiometry.T), inputs)
