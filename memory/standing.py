"""Who leads, and by how much: read off the experiments, never stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from memory.records import Experiment, Finding


@dataclass(frozen=True)
class Standing:
    """One line of the leaderboard: mean and standard error of `exact` over `seeds` seeds at one fidelity."""

    experiment: Experiment
    exact: float
    error: float | None
    seeds: int


def incumbent(experiments: Sequence[Experiment]) -> Experiment | None:
    """The experiment that was accepted last: each acceptance has beaten the one before it."""
    accepted = [e for e in experiments if e.verdict is not None and e.verdict.verdict == "accepted"]
    return max(accepted, key=lambda e: e.verdict.number if e.verdict else 0, default=None)


def standing(experiment: Experiment, fidelity: str) -> Standing | None:
    """Where an experiment stands, or None before its first result."""
    scores = list(experiment.exact(fidelity).values())
    if not scores:
        return None
    error = float(np.std(scores, ddof=1) / np.sqrt(len(scores))) if len(scores) > 1 else None
    return Standing(experiment, float(np.mean(scores)), error, len(scores))


def current(findings: Sequence[Finding]) -> list[Finding]:
    """The findings of the newest block that has any: each block states what holds by then."""
    newest = max((finding.block for finding in findings), default=0)
    return [finding for finding in findings if finding.block == newest]


def leaderboard(experiments: Sequence[Experiment], fidelity: str) -> list[Standing]:
    """Accepted experiments first, newest first, since each has beaten its forerunner; then the others by mean.

    A mean over one seed is flattered by its luck; that is why it does not outrank an acceptance.
    """
    lines = [line for e in experiments if (line := standing(e, fidelity)) is not None]

    def rank(line: Standing) -> tuple[bool, float]:
        verdict = line.experiment.verdict
        accepted = verdict is not None and verdict.verdict == "accepted"
        return not accepted, -(verdict.number if verdict and accepted else line.exact)

    return sorted(lines, key=rank)
