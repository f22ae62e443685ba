"""The data of the interactive course: for each fidelity, the dots and the lines that they are compared with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from agent.analyzer.judging.noise import measure_noise
from agent.report.course import levels_of
from agent.report.experiment_row import ExperimentRow, reference
from memory.leaderboard import standing
from memory.objective import Objective, trivial_of
from memory.records import Experiment, experiment_number


def course_points(campaign: str, rows: Sequence[ExperimentRow], fidelity: str, objective: Objective) -> dict[str, Any]:
    """Return what `course.js` draws, as JSON values; the level of `fidelity` comes first.

    `experiments` has number, verdict and hours since the first proposal, at the second `began`. A level has `dots` of
    number, score, reference and standard error, and `lead`, the number and mean of each incumbent.
    """
    experiments = [row.experiment for row in rows]
    began = min((e.proposed_at for e in experiments), default=0.0)
    by_id = {e.id: e for e in experiments}
    levels = levels_of(experiments, fidelity)
    trivial = [score for e in experiments for t in e.trials if (score := trivial_of(t.scores)) is not None]
    return {
        "campaign": campaign,
        "began": round(began),
        "objective": objective,
        "experiments": [[row.number, row.verdict, round((row.ended - began) / 3600.0, 4)] for row in rows],
        "phases": _phases(rows),
        "trivial": trivial[0] if trivial else None,
        "levels": [_level(rows, by_id, name) for name in levels],
    }


def _phases(rows: Sequence[ExperimentRow]) -> list[list[str | int]]:
    """Return each stay on a rung, with the numbers of its first and last experiments."""
    stays = [(rung, [row.number for row in stay]) for rung, stay in groupby(rows, key=lambda row: row.rung)]
    return [[rung, numbers[0], numbers[-1]] for rung, numbers in stays]


def _level(rows: Sequence[ExperimentRow], by_id: Mapping[str, Experiment], fidelity: str) -> dict[str, Any]:
    dots = []
    for row in rows:
        if line := standing(row.experiment, fidelity):
            paired = reference(row.experiment, by_id, fidelity)
            dots.append([row.number, *map(_rounded, (line.score, paired, line.error))])
    accepted = sorted(
        (row for row in rows if row.experiment.verdict and row.experiment.accepted),
        key=lambda row: row.experiment.verdict.number if row.experiment.verdict else 0,
    )
    experiments = list(by_id.values())
    leading = [line for row in accepted if (line := standing(row.experiment, fidelity))]
    baseline = standing(experiments[0], fidelity) if experiments else None
    return {
        "name": fidelity,
        "baseline": baseline and _rounded(baseline.score),
        "sigma": round(measure_noise(experiments, fidelity).sigma, 4),
        "lead": [[experiment_number(line.experiment.id), round(line.score, 4)] for line in leading],
        "dots": dots,
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
