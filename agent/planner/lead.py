"""The lead of an experiment over its own parent, on the seeds that both were trained from."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import NamedTuple

from agent.analyzer.judging.noise import measure_noise
from memory.records import Experiment


class Lead(NamedTuple):
    """The mean difference in score over `seeds` equal seeds, and the same in units of the noise."""

    mean: float
    seeds: int
    sigmas: float


def lead_over(parent: Experiment, experiment: Experiment, past: Sequence[Experiment], fidelity: str) -> Lead | None:
    """Return the lead at one fidelity, None without an equal seed. A training that failed recovered nothing: 0."""
    theirs, ours = parent.scores(fidelity), experiment.scores(fidelity)
    seeds = sorted(theirs.keys() & experiment.tried(fidelity))
    if not seeds:
        return None
    mean = statistics.fmean(ours.get(seed, 0.0) - theirs[seed] for seed in seeds)
    sigma = noise_of(parent, past, fidelity)
    return Lead(mean, len(seeds), mean / sigma if sigma else float("inf") * mean if mean else 0.0)


def noise_of(parent: Experiment, past: Sequence[Experiment], fidelity: str) -> float:
    """Return the parent's noise; if it has one seed, that of the newest accepted experiment with more, else 0."""
    known = (measure_noise([e], fidelity) for e in (parent, *reversed(past)) if e.accepted)
    return next((noise.sigma for noise in known if noise.degrees), 0.0)


def lead_on_parent(experiment: Experiment, past: Sequence[Experiment], fidelity: str) -> Lead | None:
    """Return the lead of an experiment over its own parent, None for the baseline and without an equal seed."""
    parent = next((e for e in past if e.id == experiment.parent), None)
    return None if parent is None else lead_over(parent, experiment, past, fidelity)
