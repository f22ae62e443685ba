"""Rates of a model whose laws are not the project's: their values along the trajectories."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.kinetics import Floats


@dataclass(frozen=True)
class RecordedRates:
    """The exact rates at the frames of the training trajectories, shape (T, F, R), for primitive columns."""

    recorded: Floats
