"""Questions for a language model or an agent program: one proposal a role; the first may be a repair."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from agent.planner.contract import Situation
from agent.planner.proposal import Edit, Proposal
from agent.planner.questions.prompts import render_prompt
from agent.planner.questions.reading import Reading
from memory.leaderboard import lineage
from memory.records import TITLE_CHARACTERS, Experiment, Role
from stoichloop.foreign_text import shorten

AnswerT = TypeVar("AnswerT", bound=BaseModel)

CORRECTIONS = 2  # answers to one question after the first
_REPAIRS = 2  # of one patch, one after the other
_WORDS = 300
_TITLE: Any = Field(default="", max_length=200, description=f"the idea in at most {TITLE_CHARACTERS} characters")


class ConfigurationAnswer(BaseModel):
    """One experiment: a hypothesis, and the values of the configuration that test it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str = _TITLE
    hypothesis: str = Field(min_length=1, max_length=2000, description="what changes, and why it should help")
    changes: dict[str, float | int | str] = Field(min_length=1, description="fields of the configuration, new values")


class CodeAnswer(BaseModel):
    """One experiment: a hypothesis, and the patch of the code that tests it, as edits or as a unified diff."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str = _TITLE
    hypothesis: str = Field(min_length=1, max_length=2000, description="what changes, and why it should help")
    edits: tuple[Edit, ...] = Field(default=(), description="texts to replace, each found exactly once in its file")
    diff: str = Field(default="", max_length=100_000, description="in place of edits: one unified diff")
    changes: dict[str, float | int | str] = Field(default={}, description="fields of the configuration, new values")

    @model_validator(mode="after")
    def _patches(self) -> CodeAnswer:
        if bool(self.edits) == bool(self.diff):
            raise ValueError("give edits or a diff, one of the two")
        return self


class Asked(Protocol[AnswerT]):
    """A question for a language model or agent program. Collects the usable parts of its answers."""

    @property
    def situation(self) -> Situation:
        """Return the situation in which it is asked."""

    @property
    def parent(self) -> Experiment:
        """Return the experiment whose code may be read."""

    @property
    def answers(self) -> type[AnswerT]:
        """Return the form of an answer."""

    @property
    def outcome(self) -> str:
        """Return the outcome of the newest answer without an objection, in words."""

    def rules(self) -> str:
        """Return the rules that precede every question of this kind."""

    def objection(self, answer: AnswerT) -> str | None:
        """Return an objection to the answer, in words that ask for another, or None."""


@dataclass
class Question:
    """A question for one proposal.

    Attributes:
        repairs: the failed experiment whose patch it is to mend, None for a new idea.
        earlier: what has been proposed for the same block.
        proposal: the newest answer that may be returned, None as long as there is none.
    """

    situation: Situation
    role: Role
    parent: Experiment
    repairs: Experiment | None
    earlier: Sequence[Proposal]
    proposal: Proposal | None = field(default=None, init=False)
    outcome: str = field(default="answered", init=False)

    @property
    def answers(self) -> type[ConfigurationAnswer] | type[CodeAnswer]:
        """Return the form of an answer."""
        return ConfigurationAnswer if self.situation.rung == "sweep" else CodeAnswer

    def rules(self) -> str:
        """Return the rules that precede every question for a proposal."""
        return render_prompt("system.md.j2", objective=self.situation.objective)

    def text(self, reading: Reading) -> str:
        """Return the text of the question."""
        if self.repairs is not None:
            return reading.repair(self.repairs, self.parent)
        return reading.question(self.role, self.parent, self.earlier)

    def objection(self, answer: ConfigurationAnswer | CodeAnswer) -> str | None:
        """Return an objection to the answer, or None; keep the answer as `proposal` if it may be returned.

        A patch that is refused may be returned when nothing better comes: the refusal teaches. What is known may not.
        """
        content: dict[str, Any] = answer.model_dump()
        content["title"] = shorten(answer.title, TITLE_CHARACTERS, " ...")
        proposal = Proposal(
            **content, parent=self.parent.id, role=self.role, repairs=self.repairs.id if self.repairs else None
        )
        if any(_content(proposal) == _content(other) for other in self.earlier):
            return "it has been proposed for this block already"
        objection = self.situation.host.objection(proposal)
        if objection is None or (proposal.patches and not objection.known):
            self.proposal = proposal
        return objection.words if objection else None


def next_question(situation: Situation, earlier: Sequence[Proposal], asked: int) -> Question:
    """Return the question for the role at index `asked`; on the code rung the first one may be a repair."""
    role, parent = situation.roles[asked]
    broken = _to_repair(situation.past) if situation.rung == "code" and asked == 0 else None
    if broken is not None:
        parent = lineage(situation.past, broken)[-2]
    return Question(situation, role, parent, broken, earlier)


def what_is_wrong(error: ValidationError) -> str:
    """Return the first fault of an answer, in words."""
    fault = error.errors(include_url=False, include_context=False, include_input=False)[0]
    place = ".".join(str(part) for part in fault["loc"])
    return (f"{place}: {fault['msg']}" if place else fault["msg"])[:_WORDS]


def _to_repair(past: Sequence[Experiment]) -> Experiment | None:
    """Return the newest failed patch without a repair that is not the last of a chain of repairs.

    A move of the catalogue is not repaired.
    """
    by_id = {e.id: e for e in past}
    mended = {e.repairs for e in past}

    def repairs_before(e: Experiment) -> int:
        return 0 if e.repairs is None else 1 + repairs_before(by_id[e.repairs])

    for e in reversed(past):
        failed = e.verdict is not None and e.verdict.verdict == "failed"
        if failed and e.patch and e.move is None and e.id not in mended and repairs_before(e) < _REPAIRS:
            return e
    return None


def _content(proposal: Proposal) -> tuple[object, ...]:
    return proposal.parent, proposal.changes, proposal.edits, proposal.diff
