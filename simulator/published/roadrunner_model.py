"""A published model in libRoadRunner: its trajectories from given starts at given times."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from simulator.integration import Trajectory
from simulator.kinetics import Floats
from simulator.published.model_symbols import TIME
from simulator.published.published_model import PublishedModel
from stoichloop.errors import RegimeError
from stoichloop.extras import how_to_install

_RTOL, _ATOL = 1e-10, 1e-14
_MOST_STEPS = 50_000


class FailedRunError(Exception):
    """The integrator gave up, or concentrations were negative or not finite."""


class RoadRunnerModel:
    """A loaded model, whose metabolites, inputs and reactions are in the order of its network."""

    def __init__(self, path: Path, model: PublishedModel) -> None:
        """Load the model; raises `RegimeError` if libRoadRunner is missing or cannot load it."""
        try:
            import roadrunner
        except ImportError as error:
            raise RegimeError(
                f"--sbml {path}: libRoadRunner, which simulates SBML, is missing; {how_to_install('kinetics')}"
            ) from error
        roadrunner.Logger.setLevel(roadrunner.Logger.LOG_FATAL)
        try:
            self._runner: Any = roadrunner.RoadRunner(model.sbml)
        except RuntimeError as error:
            raise RegimeError(
                f"--sbml {path}: libRoadRunner cannot load the model ({' '.join(str(error).split())}); give another one"
            ) from error
        network = model.network
        self.metabolites, self._reactions = network.metabolite_names, network.reaction_names
        species = set(self._runner.model.getFloatingSpeciesIds()) | set(self._runner.model.getBoundarySpeciesIds())
        self._inputs = tuple(f"[{name}]" if name in species else name for name in network.inputs)
        self._volumes = np.array([network.volumes[name] for name in self.metabolites])
        self._divisors = np.array([model.divisors[name] for name in self._reactions])
        integrator = self._runner.integrator
        integrator.relative_tolerance, integrator.absolute_tolerance = _RTOL, _ATOL
        integrator.maximum_num_steps = _MOST_STEPS

    def initial(self) -> Floats:
        """Return the concentrations with which the model starts, shape (N,)."""
        self._runner.resetToOrigin()
        return np.array([self._runner[f"[{name}]"] for name in self.metabolites])

    def run(self, start: Floats, times: Floats) -> tuple[Trajectory, Floats]:
        """Return the trajectory from `start`, shape (N,), at times, shape (F,), and its rates, shape (F, R).

        Raises `FailedRunError`.
        """
        self._runner.resetToOrigin()
        for name, value in zip(self.metabolites, start, strict=True):
            self._runner[f"[{name}]"] = float(value)
        groups: Sequence[Sequence[str]] = (
            [f"[{name}]" for name in self.metabolites],
            [f"{name}'" for name in self.metabolites],
            self._inputs,
            self._reactions,
        )
        try:
            found = self._runner.simulate(
                times=times.tolist(), selections=[TIME, *(s for group in groups for s in group)]
            )
        except RuntimeError as error:
            raise FailedRunError(str(error)) from error
        ends = np.cumsum([1, *map(len, groups)])
        c, change, inputs, rates = (np.array(found)[:, a:b] for a, b in pairwise(ends))
        peak = c.max(axis=0)
        if not np.isfinite(np.array(found)).all() or (c < -1e-6 * peak).any():
            raise FailedRunError("concentrations are negative or not finite")
        # A species that has run out is zero to the tolerance of the integrator, on either side.
        c = np.maximum(c, np.where(peak > 0, 1e-12 * peak, _ATOL))
        return Trajectory(times, c, change / self._volumes, inputs), rates * self._divisors
