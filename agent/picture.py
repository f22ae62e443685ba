"""A campaign's status as a picture in the terminal; the live view and `stoichloop status` show the same one."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from agent.budget import format_duration
from agent.status import Line, Status
from memory.records import Objective
from memory.words import UNCHECKED, score_text, verdicts_text

_COLOURS = {"accepted": "green", "rejected": "dim", "failed": "red", "refused": "yellow", "open": "cyan"}
_PLOT_ROWS, _PLOT_COLUMNS, _LEADERS = 8, 68, 8
_LEAST_PLOT_ROWS, _HEADLINE_ROWS = 4, 7
_LEAST_SPAN = 0.01  # of the score, on the axis


def picture(status: Status, height: int = 60) -> RenderableType:
    """The whole picture, leaving out leaders and plot rows where `height` lines are too few."""
    parts: list[RenderableType] = [_headline(status)]
    rest = height - _HEADLINE_ROWS
    if status.now:
        parts.append(_running(status))
        rest -= len(status.now) + 1
    if status.history:
        rows = max(_LEAST_PLOT_ROWS, min(_PLOT_ROWS, rest - 2 - 1 - min(len(status.leaderboard), _LEADERS)))
        title = f"{status.objective} of each experiment ·, and of the incumbent ━"
        parts.insert(1, Panel(_curve(status, rows), title=title, title_align="left"))
        rest -= rows + 2
    leaders = status.leaderboard[: max(0, min(_LEADERS, rest - 1))]
    if leaders:
        parts.append(leaderboard_table(leaders, status.objective))
    return Group(*parts)


def line_text(line: Line) -> str:
    """'0.2512 ± 0.0031 (4 seeds)'."""
    seeds = f"{line.seeds} seed{'s' if line.seeds != 1 else ''}"
    return f"{score_text(line.score, line.standard_error)} ({seeds})"


def leaderboard_table(lines: list[Line], objective: Objective) -> Table:
    """Accepted experiments first, then by mean."""
    table = Table(expand=True, box=None, header_style="bold", pad_edge=False)
    for name in ("experiment", objective, "verdict"):
        table.add_column(name, no_wrap=True)
    table.add_column("hypothesis", ratio=1, no_wrap=True, overflow="ellipsis")
    for line in lines:
        verdict = Text(line.verdict, style=_COLOURS.get(line.verdict, ""))
        table.add_row(line.experiment, line_text(line), verdict, Text(line.hypothesis))
    return table


def _headline(status: Status) -> RenderableType:
    text = Text(no_wrap=True, overflow="ellipsis")
    text.append(f"{status.campaign}", style="bold")
    text.append(f" on {status.regime} at {status.fidelity}: ")
    text.append("running" if status.running else "not running", style="green" if status.running else "yellow")
    if status.objective == "blind":
        text.append(f"\n{UNCHECKED}", style="yellow")
    if status.incumbent:
        text.append("\nincumbent ")
        text.append(f"{status.incumbent.experiment} {line_text(status.incumbent)}", style="bold green")
    if status.baseline:
        text.append(f"\nbaseline  {line_text(status.baseline)}, seed noise {status.noise:.4f}")
    if status.rung:
        text.append(f"\nrung      {status.rung}", style="bold")
        text.append(f": {status.why}" if status.why else "")
    text.append(f"\n{status.experiments} experiments ({verdicts_text(status.verdicts)}), {status.trials} trials")
    left = f"{format_duration(status.left_s)} left"
    if status.experiments_granted is not None:
        left += f", {status.experiments_judged} of {status.experiments_granted} experiments granted"
    text.append(f"\nspent {format_duration(status.spent_s)} of {format_duration(status.budget_s)}, {left}")
    return text


def _running(status: Status) -> Table:
    table = Table(expand=True, box=None, header_style="bold", pad_edge=False)
    for name in ("running trial", "step", "time", "loss"):
        table.add_column(name, no_wrap=True)
    table.add_column("", ratio=1)
    for trial in status.now:
        loss = "" if trial.loss is None else f"{trial.loss:.3g}"
        bar = ProgressBar(total=trial.steps, completed=trial.step)
        table.add_row(trial.trial, f"{trial.step}/{trial.steps}", format_duration(trial.seconds), loss, bar)
    return table


def _curve(status: Status, height: int) -> Text:
    """A scatter of scores against experiments, with the incumbent as a step line."""
    low, high = min(status.history), max(status.history)
    if high - low < _LEAST_SPAN:
        low, high = max(0.0, low - _LEAST_SPAN), min(1.0, high + _LEAST_SPAN)
    stride = max(1, -(-len(status.history) // _PLOT_COLUMNS))
    rows = [[" "] * -(-len(status.history) // stride) for _ in range(height)]
    for index, pair in enumerate(zip(status.best, status.history, strict=True)):
        for score, mark in zip(pair, "━·", strict=True):
            rows[round((height - 1) * (high - score) / (high - low))][index // stride] = mark
    labels = [f"{high - (high - low) * row / (height - 1):.3f} " for row in range(height)]
    return Text("\n".join(label + "".join(row) for label, row in zip(labels, rows, strict=True)), no_wrap=True)
