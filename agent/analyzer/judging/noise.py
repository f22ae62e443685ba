"""Seed-to-seed noise of scores, estimated from the accepted experiments."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from memory.records import Experiment


@dataclass(frozen=True)
class Noise:
    """Seed-to-seed standard deviation of the score and its degrees of freedom."""

    sigma: float
    degrees: int


def measure_noise(experiments: Sequence[Experiment], fidelity: str) -> Noise:
    """Pool the within-experiment variances of the accepted experiments."""
    squares, degrees = 0.0, 0
    for experiment in experiments:
        if not experiment.accepted:
            continue
        scores = list(experiment.scores(fidelity).values())
        if len(scores) > 1:
            mean = statistics.fmean(scores)
            squares += math.fsum((score - mean) ** 2 for score in scores)
            degrees += len(scores) - 1
    return Noise(math.sqrt(squares / degrees) if degrees else 0.0, degrees)


def noise_at(experiments: Sequence[Experiment], fidelities: Sequence[str]) -> dict[str, Noise]:
    """Return the noise at each of these fidelities, in their order."""
    return {fidelity: measure_noise(experiments, fidelity) for fidelity in fidelities}
