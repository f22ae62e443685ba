"""A published model in libRoadRunner: its trajectories from given starts at given times."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from simulator.integration import Trajectory
from simulator.kinetics import Floats
from simulator.model_symbols import TIME
from simulator.published.published_model import PublishedModel
from stoichloop.errors import RegimeError
from stoichloop.extras import how_to_install

_RTOL, _ATOL = 1e-10, 1e-14
_MOST_STEPS = 50_000


class FailedRunError(Exception):
    """The integrator gave up, or what it gave cannot be concentrations."""


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
        self._levels = [name if name in model.amounts else f"[{name}]" for name in self.metabolites]
        self._least = _ATOL * np.array(
            [self._runner[model.amounts[n]] if n in model.amounts else 1.0 for n in self.metabolites]
        )
        self._volumes = np.array([network.volumes[name] for name in self.metabolites])
        self._divisors = np.array([model.divisors[name] for name in self._reactions])
        integrator = self._runner.integrator
        integrator.relative_tolerance, integrator.absolute_tolerance = _RTOL, _ATOL
        integrator.maximum_num_steps = _MOST_STEPS

    def initial(self) -> Floats:
        """Return the concentrations with which the model starts, shape (N,); amounts where the volume changes."""
        self._runner.resetToOrigin()
        return np.array([self._runner[level] for level in self._levels])

    def run(self, start: Floats, times: Floats) -> tuple[Trajectory, Floats]:
        """Return the trajectory from `start`, shape (N,), at times, shape (F,), and its rates, shape (F, R).

        Raises `FailedRunError`.
        """
        self._runner.resetToOrigin()
        for level, value in zip(self._levels, start, strict=True):
            self._runner[level] = float(value)
        groups: Sequence[Sequence[str]] = (
            self._levels,
            [f"{name}'" for name in self.metabolites],
            self._inputs,
            self._reactions,
        )
        selections = [TIME, *(s for group in groups for s in group)]
        try:
            with _silent_integrator():
                found = self._runner.simulate(times=times.tolist(), selections=selections)
        except RuntimeError as error:
            raise FailedRunError(str(error)) from error
        ends = np.cumsum([1, *map(len, groups)])
        c, change, inputs, rates = (np.array(found)[:, a:b] for a, b in pairwise(ends))
        if not np.isfinite(np.array(found)).all():
            raise FailedRunError("concentrations or rates are not finite")
        peak = c.max(axis=0)
        if (negative := c < -np.maximum(1e-6 * peak, self._least)).any():
            first = int(negative.any(axis=1).argmax())
            name = self.metabolites[int(negative[first].argmax())]
            raise FailedRunError(f"{name} is negative after {times[first]:.3g} time units")
        # A species that has run out is zero to the tolerance of the integrator, on either side.
        c = np.maximum(c, np.where(peak > self._least, 1e-12 * peak, self._least))
        return Trajectory(times, c, change / self._volumes, inputs), rates * self._divisors


@contextmanager
def _silent_integrator() -> Iterator[None]:
    """Drop what the integrator writes about steps that failed; it knows neither `sys.stderr` nor a level of logs."""
    try:
        kept = os.dup(2)
    except OSError:  # it is closed
        yield
        return
    try:
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
