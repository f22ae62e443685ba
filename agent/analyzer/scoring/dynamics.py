"""The dynamics of an estimate: its tables interpolated, its rates, its rollouts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from agent.analyzer.scoring.estimate import Estimate
from agent.analyzer.scoring.grid import Grid
from simulator.dataset import FrozenData
from simulator.kinetics import Floats
from simulator.network import Graph, Ints


@dataclass(frozen=True)
class EstimatedDynamics:
    """dc/dt of an estimate. Outside a table the value at its edge is used, so rates stay bounded."""

    graph: Graph
    estimate: Estimate

    def substrate_func(self, concentration: Floats, magnitude: Floats) -> Floats:
        """Bilinear interpolation on broadcastable arrays."""
        i, x = self._concentrations.locate(concentration)
        j, y = Grid(self.estimate.substrate_func_s).locate(magnitude)
        table = self.estimate.substrate_func
        low = table[i, j] * (1 - x) + table[i + 1, j] * x
        high = table[i, j + 1] * (1 - x) + table[i + 1, j + 1] * x
        return np.asarray(low * (1 - y) + high * y)

    def rate_func(self, drive: Floats) -> Floats:
        """Linear interpolation."""
        cell, place = self._drives.locate(drive)
        place *= self._rises.take(cell)
        place += self.estimate.rate_func.take(cell)
        return place

    @cached_property
    def substrates(self) -> NDArray[np.intp]:
        """Positions of the edges that send a message, by reaction: what is told to be a substrate, unless the estimate
        has it absent, and what is not told to be anything, if the estimate has it negative.
        """
        role, sto_all = self.graph.role, self.estimate.sto_all
        sending = np.flatnonzero(((role < 0) & (sto_all != 0)) | ((role == 0) & (sto_all < 0)))
        return sending[np.argsort(self.graph.rxn_all[sending], kind="stable")]

    @cached_property
    def _concentrations(self) -> Grid:
        return Grid(self.estimate.substrate_func_c)

    @cached_property
    def _drives(self) -> Grid:
        return Grid(self.estimate.rate_func_h)

    @cached_property
    def _rises(self) -> Floats:
        return np.diff(self.estimate.rate_func)

    @cached_property
    def _messages(self) -> tuple[Floats, Floats]:
        """The message of each substrate edge at the start of each cell of the table, and its rise, (C - 1) E_sub."""
        magnitude = np.abs(self.estimate.sto_all[self.substrates])
        messages = self.substrate_func(self.estimate.substrate_func_c[:, None], magnitude)
        return messages[:-1].ravel(), np.diff(messages, axis=0).ravel()

    @cached_property
    def _columns(self) -> Floats:
        """S with each column times its rate constant, transposed, shape (R, N)."""
        return np.asarray(self.graph.matrix(self.estimate.sto_all) * 10.0**self.estimate.log_k).T

    def drive(self, concentration: Floats) -> Floats:
        """h, shape (T, R), from concentrations of shape (T, N)."""
        drive = np.zeros((len(concentration), self.graph.n_reactions))
        edges = self.substrates
        if not len(edges):
            return drive
        cell, place = self._concentrations.locate(concentration)  # of each metabolite, not of each edge
        low, rise = self._messages
        metabolite, (reactions, first) = self.graph.met_all[edges], self._driven
        at = (cell * len(edges)).take(metabolite, axis=1) + np.arange(len(edges))
        messages = rise.take(at)
        messages *= place.take(metabolite, axis=1)
        messages += low.take(at)
        drive[:, reactions] = np.add.reduceat(messages, first, axis=1)
        return drive

    @cached_property
    def _driven(self) -> tuple[Ints, Ints]:
        """The reactions with a substrate, and the place of the first of each among the substrate edges."""
        reactions, first = np.unique(self.graph.rxn_all[self.substrates], return_index=True)
        return reactions, first

    def derivative(self, concentration: Floats) -> Floats:
        """dc/dt, shape (T, N)."""
        return np.asarray(softplus(self.rate_func(self.drive(concentration))) @ self._columns)

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


def softplus(values: Floats) -> Floats:
    """Return log(1 + exp(values)) without overflow; `np.logaddexp` takes longer."""
    return np.asarray(np.log1p(np.exp(-np.abs(values))) + np.maximum(values, 0.0))
