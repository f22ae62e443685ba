"""The question that asks a language model to explain a block's findings; the statistics must agree.

Words follow the statistical text and never take its place. They are used if their direction is that of the statistics
and if they hold no figure that neither those nor the experiments that they name have.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from agent.analyzer.judging.findings import NOISE
from agent.planner.contract import ANSWERED, Lesson, Situation
from agent.planner.questions.past import Past
from agent.planner.questions.prompts import render_prompt
from agent.planner.questions.reading import NOT_USED, figures_of
from memory.leaderboard import incumbent
from memory.records import IN_WORDS, Experiment, Finding
from stoichloop.foreign_text import one_line

Direction = Literal["recovers more", "recovers less", "undecided"]
_FIGURE = re.compile(r"(?<!\w)e?\d+(?:\.\d+)?(?:e[+-]?\d+)?", re.IGNORECASE)  # or the name of an experiment
_NAME = re.compile(r"\be\d{4,}\b")
_OUTCOME = 600


class Words(BaseModel):
    """A statement on one of the findings."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    subject: str = Field(max_length=200, description="of one of the findings, letter by letter")
    direction: Direction = Field(description="what the statement says of the score")
    statement: str = Field(min_length=1, max_length=300, description="what is known, and why it may be so")


class LessonAnswer(BaseModel):
    """The lesson of a block."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    summary: str = Field(min_length=1, max_length=400, description="what the block taught")
    findings: tuple[Words, ...] = Field(default=(), max_length=100)


@dataclass
class LessonText:
    """The question for words on `lesson`, which gains those that agree."""

    situation: Situation
    lesson: Lesson
    fidelity: str
    outcome: str = field(default=ANSWERED, init=False)

    @property
    def parent(self) -> Experiment:
        """Return the experiment whose code the model may read: the incumbent."""
        leader = incumbent(self.situation.past)
        assert leader is not None
        return leader

    @property
    def worth_asking(self) -> bool:
        """Return whether there is something to explain: an experiment of the block was compared with another."""
        return any(
            e.verdict is not None and e.verdict.verdict in ("accepted", "rejected") and e.verdict.rival is not None
            for e in self.situation.past
            if e.block == self.lesson.block
        )

    @property
    def answers(self) -> type[LessonAnswer]:
        """Return the form of an answer."""
        return LessonAnswer

    def rules(self) -> str:
        """Return the rules that precede every question for explanations."""
        return render_prompt("teller.md.j2", objective=self.situation.objective)

    def objection(self, answer: LessonAnswer) -> None:
        """Return None, always: a model that knew why its text was rejected could parrot the statistics."""
        findings = {finding.subject: finding for finding in self.lesson.findings}
        known = [self.lesson.summary, *map(figures_of, self.lesson.findings)]
        statements: dict[str, str] = {}
        wrong = self._invented(answer.summary, known)
        summary = "" if wrong else answer.summary
        unused = [f"the summary {wrong}"] if wrong else []
        for words in answer.findings:
            finding = findings.get(words.subject)
            if wrong := "is no finding" if finding is None else self._disagreement(words, finding):
                unused.append(f"{one_line(words.subject)} {wrong}")
            else:
                statements[words.subject] = words.statement
        if unused:
            self.outcome = f"{NOT_USED}{'; '.join(unused)}"[:_OUTCOME]
        self.lesson = replace(
            self.lesson,
            summary=_followed(self.lesson.summary, summary),
            findings=[
                replace(f, statement=_followed(f.statement, statements.get(f.subject, "")))
                for f in self.lesson.findings
            ],
        )

    def _disagreement(self, words: Words, finding: Finding) -> str:
        """Return why an explanation of a finding is not used, empty if it agrees with the finding."""
        direction = _direction(finding)
        if words.direction != direction:
            return f"is '{words.direction}', where the statistics say '{direction}'"
        return self._invented(words.statement, [figures_of(finding)])

    def _invented(self, text: str, known: Iterable[str]) -> str:
        """Return an objection to figures in a text that are not among the known, empty if there are none.

        The names of experiments of the campaign are known, and the figures of those that the text names.
        """
        past, named = Past(self.situation, self.fidelity), set(_NAME.findall(text))
        entries = [past.entry(e) for e in self.situation.past if e.id in named]
        figures = sorted(_figures(text) - _figures(" ".join([*known, *entries, *(e.id for e in self.situation.past)])))
        return f"has figures that the statistics do not: {', '.join(figures)}" if figures else ""


def _direction(finding: Finding) -> Direction:
    """Return the direction that the statistics give. A hypothesis that led and was refuted all the same is no gain."""
    effect = finding.effect or 0.0
    if finding.kind in ("open question", "not confirmed") or finding.subject == NOISE:
        return "undecided"
    if effect < 0.0:
        return "recovers less"
    return "recovers more" if effect > 0.0 and finding.kind == "established principle" else "undecided"


def _figures(text: str) -> set[str]:
    return {figure.casefold() for figure in _FIGURE.findall(text)}


def _followed(statistics: str, words: str) -> str:
    """Return a statistical text, followed by the model's words if there are any."""
    line = one_line(words)
    return f"{statistics}{IN_WORDS}{line}" if line else statistics
