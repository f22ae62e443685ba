"""The progress figure: the score of each experiment, and of the incumbent, at each fidelity.

Scores at different fidelities are not comparable, so each fidelity has a panel of its own, with the baseline at that
fidelity. The figure is the campaign's `curve.svg` and the first one of the report.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from agent.analyzer.judging.noise import measure_noise
from agent.executor.trial import FIDELITIES
from agent.planner.ladder import PLATEAU
from agent.report.experiment_row import reference
from agent.report.theme import BAND, CODE_SHADE, GOOD, INK, MANY, MUTED, PAPER, SWEEP_SHADE, VERDICTS, draw, label
from memory.leaderboard import Standing, standing
from memory.objective import Objective, trivial_of
from memory.records import Block, Experiment, experiment_number

_RUNGS = {"baseline": PAPER, "sweep": SWEEP_SHADE, "code": CODE_SHADE}
_JOINED = 150  # experiments; the lines of more would hide the dots
_TALLEST = 3.0  # height of the first panel, in heights of another
# Where a name may stand beside the start of a line, in points, the best place first.
_BESIDE = [(side * 4, lift) for lift in (5, -12, 15, -22) for side in (1, -1)]


def draw_curve(
    experiments: Sequence[Experiment], blocks: Sequence[Block], fidelity: str, *, objective: Objective
) -> str:
    """Return `curve.svg`; it is the same for the same ledger."""
    return draw_course(experiments, blocks, fidelity, objective=objective, width=9.0, height=4.2)


def draw_course(
    experiments: Sequence[Experiment],
    blocks: Sequence[Block],
    fidelity: str,
    *,
    objective: Objective,
    width: float,
    height: float,
) -> str:
    """Return the figure as an SVG document. Sizes are in inches; `height` is that of a single panel."""

    def paint(figure: Figure) -> None:
        paint_course(figure, experiments, blocks, fidelity, objective=objective)

    return draw(paint, width, height * course_panels(experiments, fidelity))


def course_panels(experiments: Sequence[Experiment], fidelity: str) -> float:
    """Return the height of all panels, in heights of the largest."""
    return 1.0 + (len(levels_of(experiments, fidelity)) - 1) / _TALLEST


def paint_course(
    figure: Figure,
    experiments: Sequence[Experiment],
    blocks: Sequence[Block],
    fidelity: str,
    *,
    objective: Objective,
) -> None:
    """Draw a panel for each fidelity; that of `fidelity` is the largest, on top."""
    levels = levels_of(experiments, fidelity)
    ratios = [_TALLEST] + [1.0] * (len(levels) - 1)
    panels = figure.subplots(len(levels), sharex=True, squeeze=False, height_ratios=ratios)[:, 0]
    for axes, level in zip(panels, levels, strict=True):
        _shade_rungs(axes, experiments, blocks)
        _follow_incumbents(axes, experiments, level)
        _mark_baseline(axes, experiments, level)
        _mark_references(axes, experiments, level)
        _mark_experiments(axes, experiments, level)
        axes.set(ylabel=f"{objective} at {level}", ylim=(0.0, 1.05))
    first, last = panels[0], panels[-1]
    _name_rungs(first, experiments, blocks)
    _mark_escalations(first, experiments, blocks)
    _mark_trivial(first, experiments)
    last.set(xlabel="experiment", xlim=(0.5, max(len(experiments), 2) + 0.5))
    last.xaxis.set_major_locator(MaxNLocator(integer=True))
    labelled = {name: handle for axes in panels for handle, name in zip(*axes.get_legend_handles_labels(), strict=True)}
    if labelled:
        above = {"loc": "lower left", "bbox_to_anchor": (0.0, 1.0), "ncols": len(labelled)}
        first.legend(labelled.values(), labelled.keys(), fontsize=7, **above)
    _name_incumbents(figure, first, experiments, fidelity)


def levels_of(experiments: Sequence[Experiment], fidelity: str) -> list[str]:
    """Return the campaign's fidelity, then those below it at which anything was scored, the longest first."""
    names = list(FIDELITIES)
    below = names[: names.index(fidelity)]
    scored = {trial.fidelity for e in experiments for trial in e.trials if trial.score is not None}
    return [fidelity, *(name for name in reversed(below) if name in scored)]


def _number(experiment: Experiment) -> int:
    return experiment_number(experiment.id)


def _stays(experiments: Sequence[Experiment], blocks: Sequence[Block]) -> Iterator[tuple[str, float, float]]:
    """Yield each stay on a rung: its name, and where it begins and ends on the axis of experiments."""
    rungs = {block.number: block.rung for block in blocks}
    for rung, stay in groupby(experiments, key=lambda e: rungs[e.block]):
        numbers = [_number(e) for e in stay]
        yield rung, numbers[0] - 0.5, numbers[-1] + 0.5


def _shade_rungs(axes: Axes, experiments: Sequence[Experiment], blocks: Sequence[Block]) -> None:
    for rung, start, end in _stays(experiments, blocks):
        axes.axvspan(start, end, color=_RUNGS.get(rung, PAPER), linewidth=0)


def _name_rungs(axes: Axes, experiments: Sequence[Experiment], blocks: Sequence[Block]) -> None:
    for rung, start, _ in _stays(experiments, blocks):
        if rung == "baseline":  # one experiment wide, which is too narrow for a name
            continue
        axes.text(start + 0.1, 1.04, rung, va="top", fontsize=7, color=MUTED)


def _mark_baseline(axes: Axes, experiments: Sequence[Experiment], fidelity: str) -> None:
    """Draw the baseline's mean at this fidelity: the score that the dots of the same panel started from."""
    line = standing(experiments[0], fidelity) if experiments else None
    if line is not None:
        axes.axhline(line.score, color=INK, linewidth=0.8, linestyle="--", label="baseline")


def _mark_experiments(axes: Axes, experiments: Sequence[Experiment], fidelity: str) -> None:
    """Draw a dot for the mean score of each experiment that was scored at this fidelity."""
    dots: dict[str, list[tuple[int, float]]] = {}
    for e in experiments:
        if (line := standing(e, fidelity)) is not None:
            dots.setdefault(e.verdict.verdict if e.verdict else "open", []).append((_number(e), line.score))
    for name, places in dots.items():
        axes.plot(
            *zip(*places, strict=True),
            linestyle="none",
            marker="o",
            markersize=5,
            color=VERDICTS[name],
            label=name,
            rasterized=len(places) > MANY,
        )


def _mark_references(axes: Axes, experiments: Sequence[Experiment], fidelity: str) -> None:
    """Join each dot with the mean of the experiment that it was compared with, on the same seeds."""
    by_id = {e.id: e for e in experiments}
    for e in experiments if len(experiments) <= _JOINED else ():
        line, paired = standing(e, fidelity), reference(e, by_id, fidelity)
        if line is not None and paired is not None:
            axes.plot([_number(e)] * 2, [paired, line.score], color=MUTED, linewidth=0.7, zorder=1.5)
            axes.plot(_number(e), paired, marker="_", markersize=6, color=MUTED, zorder=1.5)


def _incumbents(experiments: Sequence[Experiment], fidelity: str) -> list[Standing]:
    """Return the standings of the accepted experiments, in the order in which they became the incumbent."""
    accepted = sorted((e for e in experiments if e.accepted), key=lambda e: e.verdict.number if e.verdict else 0)
    return [line for e in accepted if (line := standing(e, fidelity)) is not None]


def _follow_incumbents(axes: Axes, experiments: Sequence[Experiment], fidelity: str) -> None:
    """Draw the incumbent's mean as steps within one standard deviation of the seeds."""
    lines = _incumbents(experiments, fidelity)
    ends = [*(_number(line.experiment) for line in lines[1:]), max(map(_number, experiments), default=1) + 0.5]
    sigma = measure_noise(experiments, fidelity).sigma
    for place, (line, end) in enumerate(zip(lines, ends, strict=False)):
        start = _number(line.experiment)
        low, high = max(0.0, line.score - sigma), min(1.0, line.score + sigma)
        noise, leader = ("noise between seeds", "incumbent") if place == 0 else (None, None)
        axes.fill_between([start, end], low, high, color=BAND, linewidth=0, label=noise)
        axes.plot([start, end], [line.score, line.score], color=GOOD, linewidth=1.8, label=leader)


def _name_incumbents(figure: Figure, axes: Axes, experiments: Sequence[Experiment], fidelity: str) -> None:
    """Name the change of each incumbent, the newest first, where the name stays inside and covers no other text."""
    figure.draw_without_rendering()  # this lays out the axes
    taken = [text.get_window_extent() for text in axes.texts]
    for line in reversed(_incumbents(experiments, fidelity)):
        if line.experiment.parent is None:
            continue
        name = f"{line.experiment.id} {label(line.experiment.move or line.experiment.headline)}"
        for across, up in _BESIDE:
            text = axes.annotate(
                name,
                (_number(line.experiment), line.score),
                xytext=(across, up),
                textcoords="offset points",
                ha="left" if across > 0 else "right",
                fontsize=8,
                color=INK,
                in_layout=False,
            )
            box, room = text.get_window_extent(), axes.bbox
            inside = room.x0 <= box.x0 and box.x1 <= room.x1 and room.y0 <= box.y0 and box.y1 <= room.y1
            if inside and not any(map(box.overlaps, taken)):
                taken.append(box)
                break
            text.remove()


def _mark_escalations(axes: Axes, experiments: Sequence[Experiment], blocks: Sequence[Block]) -> None:
    """Draw where a rung was found to be a plateau, and left."""
    for before, block in pairwise(blocks):
        if block.rung == before.rung or block.chance is None or block.chance >= PLATEAU:
            continue
        first = min((_number(e) for e in experiments if e.block == block.number), default=None)
        if first is not None:
            axes.axvline(first - 0.5, color=MUTED, linewidth=0.9, linestyle="--")
            told = f"plateau: the next\nimproves with\nchance {block.chance:.3f}"
            axes.text(first - 0.4, 0.02, told, va="bottom", fontsize=7, color=MUTED)


def _mark_trivial(axes: Axes, experiments: Sequence[Experiment]) -> None:
    """Draw the score of answering 1 everywhere."""
    trivial = [score for e in experiments for t in e.trials if (score := trivial_of(t.scores)) is not None]
    if not trivial:
        return
    axes.axhline(trivial[0], color=MUTED, linewidth=0.8, linestyle=":")
    axes.text(
        0.995,
        trivial[0],
        "1 everywhere, signs of the graph ",
        ha="right",
        va="bottom",
        fontsize=7,
        color=MUTED,
        transform=axes.get_yaxis_transform(),
    )
