"""Content of one experiment's page: diff, loss curves, output of a failure, cost."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass

from agent.base.untrusted import tail_of
from agent.campaign.folder import CampaignFolder
from agent.executor.artifacts import PRINTED, read_curves
from memory.records import Experiment, TrialResult

_POINTS, _CURVES = 32, 8  # points of a curve, curves of an experiment
_DIFF_LINES = 3_000
_PRINTED_BYTES = 4_000


@dataclass(frozen=True)
class Curve:
    """The prediction loss of one trial at some of its steps."""

    trial: str
    steps: tuple[int, ...]
    losses: tuple[float, ...]


@dataclass(frozen=True)
class ChangedFile:
    """The part of a patch that changes one file.

    `lines` holds pairs of a line's kind (`add`, `del`, `hunk`, `file` or empty) and its text; `left_out` counts the
    lines cut off.
    """

    name: str
    added: int
    removed: int
    lines: tuple[tuple[str, str], ...]
    left_out: int


@dataclass(frozen=True)
class Sheet:
    """The parts of an experiment's page that its record does not hold.

    `printed` is the end of a failed trial's output. `outputs` names the trials whose output is in a file.
    """

    experiment: Experiment
    files: tuple[ChangedFile, ...]
    curves: tuple[Curve, ...]
    printed: str
    outputs: frozenset[str]
    seconds: float

    @property
    def curves_json(self) -> str:
        """Return the curves as JSON, for the plot: trial, steps and losses of each."""
        return json.dumps([[c.trial, c.steps, c.losses] for c in self.curves], separators=(",", ":"))


def sheet_of(campaign: CampaignFolder, experiment: Experiment) -> Sheet:
    """Read the files of an experiment's trials, which are untrusted."""
    curves = [_curve(campaign, trial) for trial in experiment.trials[:_CURVES]]
    broken = next((trial for trial in experiment.trials if trial.status != "completed"), None)
    return Sheet(
        experiment,
        files=changed_files(experiment.patch),
        curves=tuple(curve for curve in curves if curve is not None),
        printed=_printed(campaign, broken) if broken else "",
        outputs=frozenset(t.trial for t in experiment.trials if (campaign.folder / t.folder / PRINTED).is_file()),
        seconds=sum(trial.seconds for trial in experiment.all_trials),
    )


def changed_files(patch: str) -> tuple[ChangedFile, ...]:
    """Split a patch into the parts of its files, those with additions first; at most `_DIFF_LINES` lines are kept."""
    parts: list[list[str]] = []
    for line in patch.splitlines():
        if line.startswith("diff ") or not parts:
            parts.append([])
        parts[-1].append(line)
    files, room = [], _DIFF_LINES
    for lines in sorted(parts, key=lambda part: _count(part, "+") == 0):
        files.append(
            ChangedFile(
                _name(lines),
                _count(lines, "+"),
                _count(lines, "-"),
                tuple((_kind(line), line) for line in lines[:room]),
                max(0, len(lines) - room),
            )
        )
        room = max(0, room - len(lines))
    return tuple(files)


def _count(lines: Sequence[str], sign: str) -> int:
    return sum(line.startswith(sign) and not line.startswith(3 * sign) for line in lines)


def _name(lines: Sequence[str]) -> str:
    """Return the path that a part of a patch changes, or `patch` where it names none."""
    named = [line[4:].removeprefix("a/").removeprefix("b/") for line in lines[:8] if line.startswith(("--- ", "+++ "))]
    return next((name for name in reversed(named) if name != "/dev/null"), "patch")


def _kind(line: str) -> str:
    if line.startswith(("diff ", "--- ", "+++ ", "index ", "new file", "deleted file")):
        return "file"
    return {"+": "add", "-": "del", "@": "hunk"}.get(line[:1], "")


def _curve(campaign: CampaignFolder, trial: TrialResult) -> Curve | None:
    points = read_curves(campaign.folder / trial.folder)
    if len(points) < 2 or not all(math.isfinite(point.loss_pred) for point in points):
        return None
    places = dict.fromkeys(round(place * (len(points) - 1) / (_POINTS - 1)) for place in range(_POINTS))
    kept = [points[place] for place in places]
    losses = tuple(float(f"{max(point.loss_pred, 1e-12):.3g}") for point in kept)
    return Curve(trial.trial, tuple(point.step for point in kept), losses)


def _printed(campaign: CampaignFolder, trial: TrialResult) -> str:
    try:
        return tail_of(campaign.folder / trial.folder / PRINTED, _PRINTED_BYTES).strip()
    except OSError:
        return ""
