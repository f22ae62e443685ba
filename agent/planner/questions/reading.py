"""The text of questions: rendered from `prompts/`, bounded in length.

Of the scores only `exact` and `blind` are told: the others need the truth for more than counting what came back.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from agent.planner.contract import Lesson, Situation
from agent.planner.proposal import Proposal
from agent.planner.questions.prompts import render_prompt
from memory.formatting import counted, decimal, score_text
from memory.leaderboard import standing
from memory.records import Experiment, Finding, Role
from stoichloop.foreign_text import one_line, visible

# Shares of a question's characters that are for each of its parts at the most.
_BRIEF, _MEMORY, _FINDINGS, _SPACE, _OUTPUT, _REASON, _PATCH = 0.075, 0.15, 0.075, 0.1, 0.05, 0.0125, 0.15
_EXPERIMENTS, _CURVE_POINTS = 20, 16
_FENCE = 60  # what quoting adds to a text, at the most, where no run of backticks is long
_WORD = re.compile(r"[a-z_]{4,}")


@dataclass(frozen=True)
class Reading:
    """The texts for a situation, with scores at `fidelity`.

    `characters` bounds a question: where it would be longer, the oldest experiments are left out, then what does not
    fit of the code.
    """

    situation: Situation
    fidelity: str
    characters: int = 80_000

    def question(self, role: Role, parent: Experiment, earlier: Sequence[Proposal]) -> str:
        """Asks for a change of `parent`; `earlier` are the proposals that there are for the same block."""
        s = self.situation
        past = relevant(s.past, parent, s.brief, self.fidelity)

        def render(source: str) -> str:
            return render_prompt(
                "proposal.md.j2",
                brief=s.brief[: self._length(_BRIEF)],
                regime=s.regime,
                objective=s.objective,
                memory=self._quoted(s.memory, _MEMORY),
                findings=self._quoted("\n".join(f"{f.kind}: {f.statement}" for f in s.findings), _FINDINGS),
                experiments=quote(self._told(past), self.characters),
                parent=parent,
                scores=self._scores(parent),
                curve=_sketch(s.host.curve_of(parent)),
                space=self._space(parent),
                source=source,
                role=role,
                rung=s.rung,
                earlier=self._quoted("\n".join(p.hypothesis for p in earlier), _FINDINGS) if earlier else "",
            )

        source = self._source(parent, self.characters)
        while past and len(render(source)) > self.characters:
            past = past[1:]
        return render(self._source(parent, self.characters - len(render(""))))

    def repair(self, failed: Experiment, parent: Experiment) -> str:
        """Asks for what a failed patch of `parent` should have been."""

        def render(source: str) -> str:
            return render_prompt(
                "repair.md.j2",
                failed=failed,
                parent=parent,
                hypothesis=self._quoted(failed.hypothesis, _REASON),
                changes=self._quoted(json.dumps(failed.changes), _REASON),
                patch=self._quoted(failed.patch, _PATCH),
                reason=self._quoted(failed.verdict.reason if failed.verdict else "", _REASON),
                output=self._quoted(self.situation.host.output_of(failed)[-self._length(_OUTPUT) :], _OUTPUT),
                space=self._space(parent),
                source=source,
            )

        return render(self._source(parent, self.characters - len(render(""))))

    def lesson(self, lesson: Lesson) -> str:
        """Asks for words on what a block taught."""
        block = [e for e in self.situation.past if e.block == lesson.block]

        def render(experiments: str) -> str:
            return render_prompt(
                "lesson.md.j2",
                brief=self.situation.brief[: self._length(_BRIEF)],
                lesson=lesson,
                experiments=experiments,
                findings=self._quoted("\n".join(figures_of(f) for f in lesson.findings), _MEMORY),
            )

        return render(quote(self._told(block), max(0, self.characters - len(render("")) - _FENCE)))

    def _space(self, parent: Experiment) -> str:
        fields = self.situation.host.state_of(parent).fields
        return self._quoted(render_prompt("space.md.j2", fields=fields, configuration=parent.configuration), _SPACE)

    def _quoted(self, text: str, share: float) -> str:
        return quote(text, self._length(share))

    def _length(self, share: float) -> int:
        return int(self.characters * share)

    def _told(self, experiments: Sequence[Experiment]) -> str:
        return render_prompt("experiments.md.j2", experiments=experiments, scores=self._scores)

    def _scores(self, experiment: Experiment) -> str:
        line = standing(experiment, self.fidelity)
        if line is None:
            return "none"
        blind = [t.scores["blind"] for t in experiment.trials if t.fidelity == self.fidelity and "blind" in t.scores]
        known = self.situation.objective == "exact"
        return f"{self.situation.objective} {score_text(line.score, line.error)} over {counted(line.seeds, 'seed')}" + (
            f", blind {fmean(blind):.4f}" if known and blind else ""
        )

    def _source(self, parent: Experiment, room: int) -> str:
        """Return the files of the parent's code, each quoted under its path, within `room` characters."""
        folder = self.situation.host.state_of(parent).folder
        blocks: list[str] = []
        for path in sorted((folder / "gnn").rglob("*.py")):
            if path.is_symlink() or not path.is_file():
                continue
            block = _file(path, path.relative_to(folder).as_posix(), room)
            room -= len(block) + 2
            if room < 0:
                break
            blocks.append(block)
        return "\n\n".join(blocks)


def relevant(past: Sequence[Experiment], parent: Experiment, brief: str, fidelity: str) -> list[Experiment]:
    """Return the earlier experiments that matter most for a change of `parent`, oldest first.

    Three things count alike, each from 0 to 1: that its parent is the same or it is the parent's own, the share of its
    hypothesis' words that the parent's or the brief has too, and its score.
    """
    wanted = _words(f"{brief} {parent.hypothesis}")

    def rank(e: Experiment) -> float:
        words, line = _words(e.hypothesis), standing(e, fidelity)
        near = e.parent == parent.id or e.id == parent.parent
        return near + len(words & wanted) / max(1, len(words)) + (line.score if line else 0.0)

    others = [e for e in past if e.id != parent.id]
    chosen = {e.id for e in sorted(others, key=rank, reverse=True)[:_EXPERIMENTS]}
    return [e for e in others if e.id in chosen]


def quote(text: str, length: int, label: str = "") -> str:
    """Text that others wrote, in a fenced block that marks it as data and that nothing inside can close."""
    text = visible(text)
    if len(text) > length:
        text = f"{text[:length]}\n(cut here)"
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return f"{fence}quoted {label}".rstrip() + f"\n{text.strip(chr(10)) or '(nothing)'}\n{fence}"


def figures_of(finding: Finding) -> str:
    """Return the statistics of a finding as one line."""
    effect = "no effect" if finding.effect is None else f"effect {decimal(finding.effect, sign='+')}"
    p_value = "" if finding.p_value is None else f", p = {finding.p_value:.2g}"
    evidence = counted(len(finding.experiments), "experiment")
    return f"{finding.subject} ({finding.kind}; {effect}{p_value}; {evidence}): {finding.statistics}"


def _file(path: Path, name: str, room: int) -> str:
    """Return a file under its name, cut if there is no room for all of it."""
    label = one_line(name).replace("`", "'")
    text = path.read_text(encoding="utf-8", errors="replace")
    whole = quote(text, len(text), label)
    return whole if len(whole) <= room else quote(text, max(0, room - len(label) - _FENCE), label)


def _sketch(curve: Sequence[float]) -> str:
    """Return a few points of a curve, the first and the last among them."""
    if not curve:
        return "not known"
    last = len(curve) - 1
    points = sorted({round(i * last / (_CURVE_POINTS - 1)) for i in range(_CURVE_POINTS)})
    return ", ".join(f"{curve[i]:.3g}" for i in points)


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text.casefold()))
