"""Terminal view of one experiment: scores, record, changed files or diff, and loss curves."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
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
from memory.formatting import ON_SIBLINGS, SHOWN_SCORES, counted, decimal
from memory.records import Experiment
from memory.render import changed_files, experiment_text

_BARS = "▁▂▃▄▅▆▇█"
_STAT = 100  # columns of the statistics of a diff
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


def diffstat(workspace: Workspace, experiment: Experiment) -> str:
    """Return the changed files of an experiment with their numbers of lines; empty for the baseline."""
    commit = experiment.landed or experiment.commit
    if commit is None or experiment.parent is None:
        return changed_files(experiment.patch) if experiment.patch else ""
    with reading(workspace.root) as git:
        return str(git.show("--format=", f"--stat={_STAT}", commit))


def experiment_view(
    workspace: Workspace,
    campaign: CampaignFolder,
    experiment: Experiment,
    parent: Experiment | None = None,
    *,
    whole_diff: bool = False,
) -> RenderableType:
    """Return the whole view, with the diff or its statistics. Some lines are long: print it with `crop=False`."""
    heading, *record = log_view(experiment_text(experiment, parent))
    parts: list[RenderableType] = [heading]
    if table := _scores(experiment):
        parts += [table, Text()]
    parts += record
    if whole_diff and (change := diff(workspace, experiment)):
        coloured = Syntax("", "diff", background_color="default").highlight(change)
        parts += [Text("\ndiff", style="bold"), _unbroken(coloured)]
    elif not whole_diff and (change := diffstat(workspace, experiment)):
        parts += [Text.assemble(("\nchanged files", "bold"), " (--diff shows the changes)"), _unbroken(Text(change))]
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


def _scores(experiment: Experiment) -> Table | None:
    """Return the mean of each score at each fidelity with its standard error, None without a completed trial."""
    completed = [trial for trial in experiment.trials if trial.scores]
    if not completed:
        return None
    fidelities = list(dict.fromkeys(trial.fidelity for trial in completed))
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("mean ± standard error")
    for fidelity in fidelities:
        seeds = sum(trial.fidelity == fidelity for trial in completed)
        table.add_column(f"{fidelity}, {counted(seeds, 'seed')}", justify="right")
    for name in SHOWN_SCORES if "exact" in completed[0].scores else completed[0].scores:
        scores = [(t.fidelity, t.scores[name]) for t in completed if name in t.scores]  # others are not in old ledgers
        table.add_row(name, *(_mean_text([score for of, score in scores if of == each]) for each in fidelities))
    return table


def _mean_text(values: Sequence[float]) -> str:
    if not values:
        return ""
    error = statistics.stdev(values) / math.sqrt(len(values)) if len(values) > 1 else None
    return decimal(statistics.fmean(values)) + ("" if error is None else f" ± {error:.4f}")


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
