"""The course of a campaign as a figure, `curve.svg`: what each experiment scored, and what the incumbent did."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from memory.records import Block, Experiment, Objective
from memory.standing import standing

_COLOURS = {"accepted": "#1a7f37", "rejected": "#9a9a9a", "failed": "#c0392b", "refused": "#d68910", "open": "#2471a3"}
_RUNGS = {"baseline": "#ffffff", "sweep": "#eef3f8", "code": "#fdf1e3"}
_LABEL = 34  # characters


def draw_curve(
    path: Path, experiments: Sequence[Experiment], blocks: Sequence[Block], fidelity: str, *, objective: Objective
) -> None:
    """Write the figure whole; it is the same for the same ledger."""
    matplotlib.rcParams["svg.hashsalt"] = "stoichloop"
    figure = Figure(figsize=(9.0, 4.2), layout="constrained")
    axes = figure.add_subplot()
    _shade_rungs(axes, experiments, blocks)
    _mark_experiments(axes, experiments, fidelity)
    _follow_incumbents(axes, experiments, fidelity)
    trivial = [t.scores["baseline_exact"] for e in experiments for t in e.trials if "baseline_exact" in t.scores]
    if trivial:
        axes.axhline(trivial[0], color="#555555", linewidth=0.8, linestyle=":")
        axes.text(
            0.995,
            trivial[0],
            "1 everywhere, signs of the graph ",
            ha="right",
            va="bottom",
            fontsize=7,
            transform=axes.get_yaxis_transform(),
        )
    axes.set(xlabel="experiment", ylabel=objective, ylim=(0.0, 1.05), xlim=(0.5, max(len(experiments), 2) + 0.5))
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="lower right", fontsize=7, frameon=False)
    draft = path.with_name(f".{path.name}.partial")
    figure.savefig(draft, format="svg", metadata={"Date": None})
    draft.replace(path)


def _number(experiment: Experiment) -> int:
    return int(experiment.id.removeprefix("e"))


def _shade_rungs(axes: Axes, experiments: Sequence[Experiment], blocks: Sequence[Block]) -> None:
    """Each stay on a rung as a background, named where it begins."""
    rungs = {block.number: block.rung for block in blocks}
    for rung, stay in groupby(experiments, key=lambda e: rungs[e.block]):
        first, *rest = map(_number, stay)
        last = rest[-1] if rest else first
        axes.axvspan(first - 0.5, last + 0.5, color=_RUNGS.get(rung, "#ffffff"), linewidth=0)
        axes.text(first - 0.4, 1.04, rung, va="top", fontsize=7, color="#555555")


def _mark_experiments(axes: Axes, experiments: Sequence[Experiment], fidelity: str) -> None:
    """A dot for each experiment at the highest fidelity that it reached; hollow below the campaign's own."""
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
        colour = _COLOURS[name]
        for place, (full, places) in enumerate(kinds.items()):
            axes.plot(
                *zip(*places, strict=True),
                linestyle="none",
                marker="o",
                markersize=5,
                color=colour,
                fillstyle="full" if full else "none",
                label=name if place == 0 else None,
            )


def _follow_incumbents(axes: Axes, experiments: Sequence[Experiment], fidelity: str) -> None:
    """The mean of the incumbent as steps, with twice its standard error, labelled by what was changed."""
    accepted = sorted((e for e in experiments if e.accepted), key=lambda e: e.verdict.number if e.verdict else 0)
    lines = [line for e in accepted if (line := standing(e, fidelity)) is not None]
    ends = [*(_number(line.experiment) for line in lines[1:]), max(map(_number, experiments), default=1) + 0.5]
    for line, end in zip(lines, ends, strict=False):
        start, reach = _number(line.experiment), 2.0 * (line.error or 0.0)
        axes.fill_between(
            [start, end], line.score - reach, line.score + reach, color="#1a7f37", alpha=0.15, linewidth=0
        )
        axes.plot([start, end], [line.score, line.score], color="#1a7f37", linewidth=1.6)
        what = line.experiment.move or line.experiment.hypothesis
        short = what if len(what) <= _LABEL else what[: _LABEL - 1] + "…"
        if line.experiment.parent is not None:
            axes.annotate(
                f"{line.experiment.id} {short}",
                (start, line.score),
                xytext=(4, 5),
                textcoords="offset points",
                fontsize=7,
            )
