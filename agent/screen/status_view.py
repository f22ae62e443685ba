"""Terminal view of a campaign's status, shared by the live view and `stoichloop status`."""

from __future__ import annotations

from itertools import pairwise

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from agent.base.console import UNBOUNDED, FittedBar, FittedTable
from agent.base.duration import format_duration
from agent.campaign.status import Line, Running, Status
from agent.screen.log_view import COLOURS
from memory.formatting import UNCHECKED, counted, score_text
from memory.objective import Objective

_EVENTS = 3
_ERROR = " standard error"
_PLOT_ROWS, _LEAST_PLOT_ROWS, _FRAME_ROWS = 16, 4, 2
_HEADLINE_ROWS, _LEAST_RUNNING = 8, 2
_AXIS = 6  # columns of a label
_WIDEST = 4  # columns for one experiment
_LEAST_SPAN = 0.01  # of the score, on the axis
_PAPER = 100  # columns of the chart where lines have no end


def status_view(status: Status, height: int = 60) -> RenderableType:
    """Return the view in at most `height` lines; plot and lists shrink to fit."""
    rest = height - _HEADLINE_ROWS
    parts: list[RenderableType] = [_headline(status)]
    now = status.now[: max(_LEAST_RUNNING, rest // 3)]
    rest -= len(now) + 1 if now else 0
    if status.history:
        rows = max(_LEAST_PLOT_ROWS, min(_PLOT_ROWS, rest // 2 - _FRAME_ROWS))
        parts.append(_Chart(status, rows))
        rest -= rows + _FRAME_ROWS
    if now:
        parts.append(_running(now, len(status.now) - len(now)))
    leaders = status.leaderboard[: max(0, rest - 1)]
    if leaders:
        parts.append(leaderboard_table(leaders, status.objective))
        rest -= len(leaders) + 1
    if status.events and rest > _EVENTS:
        parts.append(_events(status.events[-_EVENTS:]))
    return Group(*parts)


def state_lines(status: Status) -> list[Text]:
    """Return the state of a campaign and the next commands, to be printed unbroken, so that they can be copied."""
    state = Text(status.state, style="bold green" if status.running else "bold")
    return [state, *(Text.assemble(("next: ", "dim"), command) for command in status.next_commands)]


def line_text(line: Line, error: str = "") -> str:
    """Return '0.2512 ± 0.0031 (4 seeds)'; `error` says behind the number what the ± is."""
    named = error if line.standard_error is not None else ""
    return f"{score_text(line.score, line.standard_error)}{named} ({counted(line.seeds, 'seed')})"


def leaderboard_table(lines: list[Line], objective: Objective) -> Table:
    """Return the leaderboard: accepted experiments first, then the others by mean score."""
    table = _table("experiment", f"{objective} ± standard error", "verdict")
    table.add_column("title; accepted, then by score", ratio=1, no_wrap=True, overflow="ellipsis")
    for line in lines:
        verdict = Text(line.verdict, style=COLOURS.get(line.verdict, ""))
        table.add_row(line.experiment, line_text(line), verdict, Text(line.title))
    return table


def _table(*columns: str) -> Table:
    table = FittedTable(expand=True, box=None, header_style="dim", pad_edge=False)
    for name in columns:
        table.add_column(name, no_wrap=True)
    return table


def _headline(status: Status) -> RenderableType:
    kind = status.state.partition(":")[0]
    state = Text(f"● {status.state}", style="green") if status.running else Text(f"○ {kind}", style="yellow")
    top = FittedTable.grid(padding=(0, 2), expand=True)
    top.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    top.add_column(justify="right", no_wrap=True)
    top.add_row(
        Text.assemble((status.campaign, "bold"), f" on {status.regime} at {status.fidelity}"),
        state,
    )
    lines = FittedTable.grid(padding=(0, 2), expand=True)
    lines.add_column(style="dim", no_wrap=True)
    lines.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    if status.incumbent:
        best = f"{status.incumbent.experiment} {line_text(status.incumbent, _ERROR)}"
        lines.add_row("incumbent", Text(best, style="bold green"))
    if status.baseline:
        noise = "not measured yet" if status.noise is None else f"{status.noise:.4f}"
        lines.add_row("baseline", f"{line_text(status.baseline, _ERROR)}, seed noise {noise}")
    if status.rung and status.running:
        why = f": {status.why}" if status.why else ""
        lines.add_row("rung", Text.assemble((status.rung, "bold"), why))
    lines.add_row("tried", _tried(status))
    lines.add_row("spent", _spent(status))
    if status.utilisation and status.utilisation_session:
        whole = f"; all sessions {100 * status.utilisation.busy:.0f} %"
        several = status.utilisation != status.utilisation_session  # sessions
        lines.add_row("slots", f"{status.utilisation_session}{whole if several else ''}")
    unchecked = [Text(UNCHECKED, style="yellow", no_wrap=True, overflow="ellipsis")]
    return Group(top, *(unchecked if status.objective != "exact" else []), lines)


def _tried(status: Status) -> Text:
    text = Text(f"experiments {status.experiments}, trials {status.trials}")
    for name, count in status.verdicts.items():
        text.append("  ")
        text.append(f"{count} {name}", style=COLOURS.get(name, ""))
    return text


def _spent(status: Status) -> RenderableType:
    words = f"{format_duration(status.spent_s)} of {format_duration(status.budget_s)}"
    left = f"{format_duration(status.left_s)} left"
    if status.experiments_granted is not None:
        words += f", {status.experiments_judged} of {counted(status.experiments_granted, 'experiment')} granted"
        if status.experiments_judged >= status.experiments_granted:
            left = "no experiments left"
    line = FittedTable.grid(padding=(0, 2), expand=True)
    line.add_column(no_wrap=True)
    line.add_column(ratio=1)
    line.add_column(no_wrap=True, justify="right")
    bar = FittedBar(total=max(status.budget_s, 1.0), completed=min(status.spent_s, status.budget_s))
    line.add_row(words, bar, left)
    return line


def _running(trials: list[Running], more: int) -> Table:
    table = _table("running trial")
    table.add_column("", ratio=1)
    for name in ("step", "time", "left", "loss"):
        table.add_column(name, no_wrap=True, justify="right")
    for place, trial in enumerate(trials, 1):
        name = trial.trial + (f" and {more} more" if more and place == len(trials) else "")
        left = format_duration(trial.seconds / trial.step * (trial.steps - trial.step)) if trial.step else ""
        loss = "" if trial.loss is None else f"{trial.loss:.3g}"
        bar = FittedBar(total=trial.steps, completed=trial.step)
        table.add_row(name, bar, f"{trial.step}/{trial.steps}", format_duration(trial.seconds), left, loss)
    return table


def _events(events: list[str]) -> Text:
    return Text("\n".join(["", *events]), style="dim", no_wrap=True, overflow="ellipsis")


class _Chart:
    """The curve in a frame."""

    def __init__(self, status: Status, height: int) -> None:
        self._curve, self._objective = _CoursePlot(status, height), status.objective

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        title = Text.assemble(
            *(f"{self._objective} of each experiment ", ("•", "bold"), ", accepted ", ("◆", "bold green")),
            *(", of the incumbent ", ("━", "green")),
        )
        width = _PAPER if console.width >= UNBOUNDED else None
        yield Panel(self._curve, title=title, title_align="left", border_style="dim", width=width)


class _CoursePlot:
    """Scatter of scores by experiment with the incumbent as a step line, as wide as the terminal allows."""

    def __init__(self, status: Status, height: int) -> None:
        self._history, self._best, self._height = status.history, status.best, height - 1

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        low, high = min(self._history), max(self._history)
        if high - low < _LEAST_SPAN:
            low, high = max(0.0, low - _LEAST_SPAN), min(1.0, high + _LEAST_SPAN)
        count, room, top = len(self._history), max(1, options.max_width - _AXIS), self._height - 1
        spread = min(_WIDEST, room / count)  # columns per experiment, below one when there are many
        columns = [min(room - 1, int(spread * index)) for index in range(count)]
        width = min(room, columns[-1] + max(1, int(spread)))
        cells: dict[tuple[int, int], tuple[str, str]] = {}
        ends = [*columns[1:], width]

        def row_of(score: float) -> int:
            return round(top * (high - score) / (high - low))

        # Thousands of experiments share a few columns: identical segments are drawn once.
        for start, end, best in dict.fromkeys(zip(columns, ends, self._best, strict=True)):
            row = row_of(best)
            cells |= {(row, column): ("━", "green") for column in range(start, max(end, start + 1))}
        dots = list(zip(map(row_of, self._history), columns, strict=True))
        cells |= dict.fromkeys(dots, ("•", "bold"))
        for dot, (before, now) in zip(dots, pairwise([None, *self._best]), strict=True):
            if now != before:
                cells[dot] = ("◆", "bold green")
        text = Text(no_wrap=True)
        for row in range(self._height):
            label = f"{high - (high - low) * row / top:.3f} "
            text.append(("\n" if row else "") + label, style="dim")
            for column in range(width):
                text.append(*cells.get((row, column), (" ", "")))
        text.append("\n" + _axis(count, columns[-1], room), style="dim")
        yield text


def _axis(count: int, last: int, room: int) -> str:
    """Return the horizontal axis: the first and the last experiment in their columns, and what is counted."""
    end = str(count) if count > 1 else ""
    line = " " * _AXIS + "1" + end.rjust(max(last, len(end) + 1))
    name = "  scored experiments, in their order"
    return line + name if len(line) + len(name) <= room + _AXIS else line
