"""The dynamics of an estimate: its tables interpolated, its rates, its rollouts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from agent.analyzer.scoring.estimate import Estimate
from simulator.dataset import FrozenData
from simulator.kinetics import Floats
from simulator.kinetics.group_sums import membership
from simulator.network import Graph


@dataclass(frozen=True)
class EstimatedDynamics:
    """dc/dt of an estimate. Outside a table the value at its edge is used, so rates stay bounded."""

    graph: Graph
    estimate: Estimate

    def substrate_func(self, concentration: Floats, magnitude: Floats) -> Floats:
        """Bilinear interpolation on broadcastable arrays."""
        estimate = self.estimate
        i, x = _locate(estimate.substrate_func_c, concentration)
        j, y = _locate(estimate.substrate_func_s, magnitude)
        table = estimate.substrate_func
        low = table[i, j] * (1 - x) + table[i + 1, j] * x
        high = table[i, j + 1] * (1 - x) + table[i + 1, j + 1] * x
        return np.asarray(low * (1 - y) + high * y)

    def rate_func(self, drive: Floats) -> Floats:
        """Linear interpolation."""
        return np.asarray(np.interp(drive, self.estimate.rate_func_h, self.estimate.rate_func))

    @cached_property
    def substrates(self) -> NDArray[np.intp]:
        """Positions of the edges that send a message: what is told to be a substrate, unless the estimate has it
        absent, and what is not told to be anything, if the estimate has it negative.
        """
        role, sto_all = self.graph.role, self.estimate.sto_all
        return np.flatnonzero(((role < 0) & (sto_all != 0)) | ((role == 0) & (sto_all < 0)))

    @cached_property
    def _messages(self) -> Floats:
        """The message of each substrate edge at each concentration of the table, shape (C, E_sub)."""
        magnitude = np.abs(self.estimate.sto_all[self.substrates])
        return self.substrate_func(self.estimate.substrate_func_c[:, None], magnitude)

    @cached_property
    def _incidence(self) -> csr_array:
        return membership(self.graph.rxn_all[self.substrates], self.graph.n_reactions)

    @cached_property
    def _columns(self) -> Floats:
        """S with each column times its rate constant, transposed, shape (R, N)."""
        return np.asarray(self.graph.matrix(self.estimate.sto_all) * 10.0**self.estimate.log_k).T

    def drive(self, concentration: Floats) -> Floats:
        """h, shape (T, R), from concentrations of shape (T, N)."""
        cell, place = _locate(self.estimate.substrate_func_c, concentration)  # of each metabolite, not of each edge
        metabolite, edge = self.graph.met_all[self.substrates], np.arange(len(self.substrates))
        i, x = cell[:, metabolite], place[:, metabolite]
        messages = self._messages[i, edge] * (1 - x) + self._messages[i + 1, edge] * x
        return np.asarray(messages @ self._incidence)

    def derivative(self, concentration: Floats) -> Floats:
        """dc/dt, shape (T, N)."""
        return np.asarray(np.logaddexp(0.0, self.rate_func(self.drive(concentration))) @ self._columns)

    def rollout(self, start: Floats, time: Floats) -> Floats:
        """Integrate from start (T, N) along time (T, F) by the classical Runge-Kutta method, one step a frame.

        Returns concentrations (T, F, N). Rates change slowly against a frame, so one fourth-order step has an
        error below that of the tables.
        """
        states = [start]
        for step in np.diff(time, axis=1).T[..., None]:
            c = states[-1]
            k1 = self.derivative(c)
            k2 = self.derivative(c + step / 2 * k1)
            k3 = self.derivative(c + step / 2 * k2)
            k4 = self.derivative(c + step * k3)
            states.append(c + step / 6 * (k1 + 2 * k2 + 2 * k3 + k4))
        return np.stack(states, axis=1)


def rollouts(dynamics: EstimatedDynamics, dataset: FrozenData) -> tuple[Floats, Floats]:
    """The held-out trajectories, and where the estimate goes from their first frames: both (T, F, N)."""
    time = np.stack([trajectory.time for trajectory in dataset.heldout])
    true = np.stack([trajectory.concentration for trajectory in dataset.heldout])
    return true, dynamics.rollout(true[:, 0], time)


def _locate(grid: Floats, values: Floats) -> tuple[np.ndarray[tuple[int, ...], np.dtype[np.intp]], Floats]:
    """The cell of each value and its position in it, 0 to 1."""
    cell = np.clip(np.searchsorted(grid, values, side="right") - 1, 0, len(grid) - 2)
    return cell, np.clip((values - grid[cell]) / (grid[cell + 1] - grid[cell]), 0.0, 1.0)
