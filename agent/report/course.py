"""The progress figure: score of every experiment and of the incumbent.

It is the campaign's `curve.svg` and the first figure of the report.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby, pairwise
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from agent.analyzer.judging.noise import measure_noise
from agent.planner.ladder import PLATEAU
from agent.report.theme import BAND, CODE_SHADE, GOOD, INK, MANY, MUTED, PAPER, SWEEP_SHADE, VERDICTS, draw
from memory.leaderboard import standing
from memory.records import Block, Experiment, Objective
from memory.render import write_atomically

_RUNGS = {"baseline": PAPER, "sweep": SWEEP_SHADE, "code": CODE_SHADE}
_LABEL = 34  # characters


def write_curve(
    path: Path, experiments: Sequence[Experiment], blocks: Sequence[Block], fidelity: str, *, objective: Objective
) -> None:
    """Write the figure atomically; equal ledgers give equal files."""
    write_atomically(path, draw_course(experiments, blocks, fidelity, objective=objective, width=9.0, height=4.2))


def draw_course(
    experiments: Sequence[Experiment],
    blocks: Sequence[Block],
    fidelity: str,
    *,
    objective: Objective,
    width: float,
    height: float,
) -> str:
    """Return the figure as an SVG document; sizes are in inches."""

    def paint(figure: Figure) -> None:
        axes = figure.add_subplot()
        _shade_rungs(axes, experiments, blocks)
        _follow_incumbents(axes, experiments, fidelity)
        _mark_experiments(axes, experiments, fidelity)
        _mark_escalations(axes, experiments, blocks)
        _mark_trivial(axes, experiments)
        axes.set(xlabel="experiment", ylabel=objective, ylim=(0.0, 1.05), xlim=(0.5, max(len(experiments), 2) + 0.5))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        if axes.get_legend_handles_labels()[0]:
            axes.legend(loc="lower right", fontsize=7)

    return draw(paint, width, height)


def _number(experiment: Experiment) -> int:
    return int(experiment.id.removeprefix("e"))


def _shade_rungs(axes: Axes, experiments: Sequence[Experiment], blocks: Sequence[Block]) -> None:
    """Shade the background by rung, with the rung's name where it begins."""
    rungs = {block.number: block.rung for block in blocks}
    for rung, stay in groupby(experiments, key=lambda e: rungs[e.block]):
        first, *rest = map(_number, stay)
        last = rest[-1] if rest else first
        axes.axvspan(first - 0.5, last + 0.5, color=_RUNGS.get(rung, PAPER), linewidth=0)
        axes.text(first - 0.4, 1.04, rung, va="top", fontsize=7, color=MUTED)


def _mark_experiments(axes: Axes, experiments: Sequence[Experiment], fidelity: str) -> None:
    """Plot each experiment at the highest fidelity it reached; hollow if that is below the campaign's fidelity."""
    dots: dict[str, dict[bool, list[tuple[int, float]]]] = {}
    for e in experiments:
        line = standing(e, fidelity)
        reached = [t.score for t in e.trials if t.score is not None]
        if line is None and not reached:
            continue
        score = line.score if line else reached[-1]
        verdict = e.verdict.verdict if e.verdict else "open"
        dots.setdefault(verdict, {}).setdefault(line is not None, []).append((_number(e), score))
    for name, kinds in dots.items():
        colour = VERDICTS[name]
        for place, (full, places) in enumerate(kinds.items()):
            axes.plot(
                *zip(*places, strict=True),
                linestyle="none",
                marker="o",
                markersize=5,
                color=colour,
                fillstyle="full" if full else "none",
                label=name if place == 0 else None,
                rasterized=len(places) > MANY,
            )


def _follow_incumbents(axes: Axes, experiments: Sequence[Experiment], fidelity: str) -> None:
    """Plot the incumbent's mean as a step line with a band of one seed deviation, labelled by its change."""
    accepted = sorted((e for e in experiments if e.accepted), key=lambda e: e.verdict.number if e.verdict else 0)
    lines = [line for e in accepted if (line := standing(e, fidelity)) is not None]
    ends = [*(_number(line.experiment) for line in lines[1:]), max(map(_number, experiments), default=1) + 0.5]
    sigma = measure_noise(experiments, fidelity).sigma
    for place, (line, end) in enumerate(zip(lines, ends, strict=False)):
        start = _number(line.experiment)
        low, high = max(0.0, line.score - sigma), min(1.0, line.score + sigma)
        noise, leader = ("noise between seeds", "incumbent") if place == 0 else (None, None)
        axes.fill_between([start, end], low, high, color=BAND, linewidth=0, label=noise)
        axes.plot([start, end], [line.score, line.score], color=GOOD, linewidth=1.8, label=leader)
        what = line.experiment.move or line.experiment.hypothesis
        short = what if len(what) <= _LABEL else what[: _LABEL - 1] + "…"
        if line.experiment.parent is not None:
            axes.annotate(
                f"{line.experiment.id} {short}",
                (start, line.score),
                xytext=(4, 5),
                textcoords="offset points",
                fontsize=8,
                color=INK,
            )


def _mark_escalations(axes: Axes, experiments: Sequence[Experiment], blocks: Sequence[Block]) -> None:
    """Mark where the loop left a rung because it had reached a plateau."""
    for before, block in pairwise(blocks):
        if block.rung == before.rung or block.chance is None or block.chance >= PLATEAU:
            continue
        first = min((_number(e) for e in experiments if e.block == block.number), default=None)
        if first is not None:
            axes.axvline(first - 0.5, color=MUTED, linewidth=0.9, linestyle="--")
            label = f"plateau: chance of\nanother gain\n{block.chance:.3f}"
            axes.text(first - 0.4, 0.02, label, va="bottom", fontsize=7, color=MUTED)


def _mark_trivial(axes: Axes, experiments: Sequence[Experiment]) -> None:
    """Draw the score of the trivial answer, magnitude 1 everywhere."""
    trivial = [t.scores["baseline_exact"] for e in experiments for t in e.trials if "baseline_exact" in t.scores]
    if not trivial:
        return
    axes.axhline(trivial[0], color=MUTED, linewidth=0.8, linestyle=":")
    axes.text(
        0.995,
        trivial[0],
        "trivial answer: 1 everywhere ",
        ha="right",
        va="bottom",
        fontsize=7,
        color=MUTED,
        transform=axes.get_yaxis_transform(),
    )
