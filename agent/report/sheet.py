"""Content of one experiment's page: diff, loss curves, output of a failure, cost."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from agent.base.untrusted import tail_of
from agent.campaign.folder import CampaignFolder
from agent.executor.artifacts import PRINTED, read_curves
from memory.records import Experiment, TrialResult

_POINTS = 120  # of a curve
_WIDTH, _HEIGHT = 600.0, 120.0
_DIFF_LINES = 3_000
_PRINTED_BYTES = 4_000


@dataclass(frozen=True)
class Curve:
    """The prediction loss of one trial as points of a polyline on a logarithmic scale."""

    trial: str
    points: str
    first: float
    last: float


@dataclass(frozen=True)
class Sheet:
    """The parts of an experiment's page that its record does not hold.

    `diff` holds pairs of a line's kind (`add`, `del`, `hunk`, `file` or empty) and its text; `left_out` counts the
    lines cut off. `printed` is the end of a failed trial's output.
    """

    experiment: Experiment
    diff: tuple[tuple[str, str], ...]
    left_out: int
    curves: tuple[Curve, ...]
    printed: str
    seconds: float


def sheet_of(campaign: CampaignFolder, experiment: Experiment) -> Sheet:
    """Read the files of an experiment's trials, which are untrusted."""
    lines = experiment.patch.splitlines()
    curves = [_curve(campaign, trial) for trial in experiment.trials]
    broken = next((trial for trial in experiment.trials if trial.status != "completed"), None)
    return Sheet(
        experiment,
        diff=tuple((_kind(line), line) for line in lines[:_DIFF_LINES]),
        left_out=max(0, len(lines) - _DIFF_LINES),
        curves=tuple(curve for curve in curves if curve is not None),
        printed=_printed(campaign, broken) if broken else "",
        seconds=sum(trial.seconds for trial in experiment.all_trials),
    )


def _kind(line: str) -> str:
    if line.startswith(("diff ", "--- ", "+++ ", "index ", "new file", "deleted file")):
        return "file"
    return {"+": "add", "-": "del", "@": "hunk"}.get(line[:1], "")


def _curve(campaign: CampaignFolder, trial: TrialResult) -> Curve | None:
    losses = [point.loss_pred for point in read_curves(campaign.folder / trial.folder)]
    if len(losses) < 2 or not all(map(math.isfinite, losses)):
        return None
    return Curve(trial.trial, _polyline(losses), losses[0], losses[-1])


def _polyline(losses: Sequence[float]) -> str:
    logs = [math.log(max(loss, 1e-12)) for loss in losses]
    low, high = min(logs), max(logs)
    stride = max(1, -(-len(logs) // _POINTS))
    places = sorted({*range(0, len(logs), stride), len(logs) - 1})
    return " ".join(
        f"{_WIDTH * place / (len(logs) - 1):.1f},{_HEIGHT * (high - logs[place]) / ((high - low) or 1.0):.1f}"
        for place in places
    )


def _printed(campaign: CampaignFolder, trial: TrialResult) -> str:
    try:
        return tail_of(campaign.folder / trial.folder / PRINTED, _PRINTED_BYTES).strip()
    except OSError:
        return ""
