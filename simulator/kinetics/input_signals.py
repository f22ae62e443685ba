"""Inputs: quantities that are given over time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator.kinetics import Floats
from simulator.law_mixture import Inputs


@dataclass(frozen=True)
class InputSignals:
    """The inputs of one trajectory: `centre * exp(swing * sin(2 pi time / period + phase))`.

    Attributes:
        period, phase: shape (U,).
    """

    centre: float
    swing: float
    period: Floats
    phase: Floats

    def __call__(self, time: Floats) -> Floats:
        """Return the inputs, shape (..., U), at times, shape (...)."""
        angle = 2 * np.pi * np.asarray(time)[..., None] / self.period + self.phase
        return np.asarray(self.centre * np.exp(self.swing * np.sin(angle)))


def draw_input_signals(spec: Inputs | None, centre: float, duration: float, rng: np.random.Generator) -> InputSignals:
    """Draw the inputs of a trajectory; without `spec` there are none."""
    count = spec.count if spec else 0
    return InputSignals(
        centre=centre,
        swing=spec.swing if spec else 0.0,
        period=duration * rng.uniform(0.5, 2.0, count),
        phase=rng.uniform(0.0, 2 * np.pi, count),
    )
