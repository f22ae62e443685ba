"""Terminal view of one experiment: record, diff, scores and loss curves."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

from rich.console import Group, RenderableType
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from agent.campaign.folder import CampaignFolder
from agent.executor.artifacts import read_curves
from agent.executor.code.private_repository import reading
from agent.executor.workspace import Workspace
from agent.screen.log_view import log_view
from memory.formatting import ON_SIBLINGS, SHOWN_SCORES, decimal
from memory.records import Experiment
from memory.render import experiment_text

_BARS = "▁▂▃▄▅▆▇█"
_WIDTH = 48  # of a sparkline: with the trial's name and the last loss it fits 80 columns


def facts(workspace: Workspace, experiment: Experiment) -> dict[str, Any]:
    """Return an experiment's record and diff, for `--json`."""
    return {**asdict(experiment), "diff": diff(workspace, experiment)}


def diff(workspace: Workspace, experiment: Experiment) -> str:
    """Return the diff of an experiment's commit, or the refused patch; empty for the baseline."""
    commit = experiment.landed or experiment.commit
    if commit is None or experiment.parent is None:
        return experiment.patch
    with reading(workspace.root) as git:
        return str(git.show("--format=", commit))


def experiment_view(
    workspace: Workspace, campaign: CampaignFolder, experiment: Experiment, parent: Experiment | None = None
) -> RenderableType:
    """Return the whole view. Paths and the diff are longer than a line may be: print them with `crop=False`."""
    parts: list[RenderableType] = [*log_view(experiment_text(experiment, parent))]
    if change := diff(workspace, experiment):
        parts += [
            Text("\ndiff", style="bold"),
            _unbroken(Syntax("", "diff", background_color="default").highlight(change)),
        ]
    completed = [trial for trial in experiment.trials if trial.scores]
    if completed:
        table = Table(box=None, header_style="bold", pad_edge=False)
        table.add_column("score")
        for trial in completed:
            table.add_column(trial.trial.split("/", 1)[1], justify="right")
        for name in SHOWN_SCORES if "exact" in completed[0].scores else completed[0].scores:
            table.add_row(name, *(decimal(trial.scores[name]) for trial in completed))
        parts += [Text(), table]
    if experiment.trials:
        parts.append(Text("\nprediction loss during training (logarithmic scale)", style="bold"))
    for trial in experiment.trials:
        losses = [point.loss_pred for point in read_curves(campaign.folder / trial.folder)]
        last = f"{losses[-1]:.3g}" if losses else "no curve"
        parts.append(_unbroken(Text(f"{trial.trial:<22} {sparkline(losses)} {last}")))
        parts.append(_unbroken(Text(str(campaign.folder / trial.folder), style="dim")))
    if experiment.sibling_trials:
        parts.append(Text(f"\n{ON_SIBLINGS}", style="bold"))
    for trial in experiment.sibling_trials:
        score = f"{trial.status.replace('_', ' ')}: {trial.reason}" if trial.score is None else decimal(trial.score)
        parts.append(_unbroken(Text(f"{trial.trial:<22} {score}")))
    return Group(*parts)


def _unbroken(text: Text) -> Text:
    """Return text whose lines stay whole, to be copied."""
    text.no_wrap, text.overflow = True, "ignore"
    return text


def sparkline(values: list[float]) -> str:
    """Return positive values as bars on a logarithmic scale, thinned to the width of a line."""
    thinned = [
        math.log(max(value, 1e-12)) for value in values[:: max(1, -(-len(values) // _WIDTH))] if math.isfinite(value)
    ]
    if not thinned:
        return ""
    low, high = min(thinned), max(thinned)
    return "".join(_BARS[round((value - low) / ((high - low) or 1.0) * (len(_BARS) - 1))] for value in thinned)
