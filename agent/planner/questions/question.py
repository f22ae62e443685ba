"""Questions for a language model or an agent program: for all wanted proposals; the first may be a repair."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Annotated, Any, Protocol, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from agent.executor.code.patch import apply_diff
from agent.executor.code.scratch import difference
from agent.executor.code.unified_diff import PatchRefusedError
from agent.planner.composition import compose
from agent.planner.contract import ANSWERED, Objection, PlannerHost, Situation
from agent.planner.proposal import Edit, Proposal
from agent.planner.questions.novelty import rejected_like
from agent.planner.questions.past import led
from agent.planner.questions.prompts import render_prompt
from agent.planner.questions.quotation import quote
from agent.planner.questions.reading import Reading
from memory.formatting import counted
from memory.leaderboard import incumbent, lineage
from memory.records import HYPOTHESIS_CHARACTERS, TITLE_CHARACTERS, Experiment, ProposalKind, Role
from stoichloop.foreign_text import one_line, shorten

AnswerT = TypeVar("AnswerT", bound=BaseModel)

CORRECTIONS = 2  # answers to one question after the first
_REPAIRS = 2  # of one patch, one after the other
_WORDS = 300
_FAULTS, _NAME = 8, 20  # told of one answer, and characters of a name in one
_DIAGNOSES, _OUTPUT = 3, 2000  # the newest whose output is shown, and characters of it
_TITLE: Any = Field(default="", max_length=200, description=f"the idea in at most {TITLE_CHARACTERS} characters")


def _finite(value: float | int | str) -> float | int | str:
    try:
        finite = isinstance(value, str) or math.isfinite(value)
    except OverflowError:
        finite = False
    if not finite:
        raise ValueError("a number must be finite")
    return value


_Changes = dict[str, Annotated[float | int | str, AfterValidator(_finite)]]


class ProposedExperiment(BaseModel):
    """One experiment: a hypothesis, and the change of an accepted experiment that tests it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str = _TITLE
    hypothesis: str = Field(
        min_length=1, max_length=HYPOTHESIS_CHARACTERS, description="what changes, and why it should help"
    )
    parent: str = Field(default="", max_length=20, description="accepted experiment to change; empty: the one shown")
    changes: _Changes = Field(default={}, description="fields of the configuration, new values")
    widen: dict[str, str] = Field(default={}, description="why a field gets a value outside its range, by field")
    edits: tuple[Edit, ...] = Field(default=(), description="texts to replace, each found exactly once in its file")
    diff: str = Field(default="", max_length=100_000, description="in place of edits: one unified diff")
    combines: tuple[str, ...] = Field(
        default=(), max_length=10, description="experiments to join under changes and edits"
    )
    kind: ProposalKind = Field(default="candidate", description="diagnosis: a patch that prints figures, never scored")

    @model_validator(mode="after")
    def _has_one_change(self) -> ProposedExperiment:
        if self.edits and self.diff:
            raise ValueError("give edits or a diff, one of the two")
        if not (self.changes or self.edits or self.diff or self.combines):
            raise ValueError("give changes, edits or a diff")
        if self.kind == "diagnosis" and not (self.edits or self.diff):
            raise ValueError("a diagnosis prints figures: give edits or a diff")
        return self


class ProposalsAnswer(BaseModel):
    """Experiments to run, the most promising first."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    proposals: tuple[ProposedExperiment, ...] = Field(min_length=1, max_length=100)


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
    """A question for proposals.

    Attributes:
        roles: one for each proposal that is wanted.
        parent: the experiment that is shown, and that proposals change unless they name another.
        repairs: the experiment whose patch it is to mend, None for new ideas.
        earlier: what has been proposed for the same block.
        proposals: the answers that may be returned.
    """

    situation: Situation
    roles: Sequence[Role]
    parent: Experiment
    repairs: Experiment | None
    earlier: Sequence[Proposal]
    outcome: str = field(default=ANSWERED, init=False)
    _passed: list[Proposal] = field(default_factory=list, init=False)
    _refused: list[Proposal] = field(default_factory=list, init=False)
    _failed: int = field(default=0, init=False)
    _answers: int = field(default=0, init=False)
    _warned: bool = field(default=False, init=False)  # of what is close to a rejected experiment

    @property
    def answers(self) -> type[ProposalsAnswer]:
        """Return the form of an answer."""
        return ProposalsAnswer

    @property
    def proposals(self) -> list[Proposal]:
        """Return what may be proposed: a patch that is refused may be when nothing better comes, as refusals teach."""
        found = [*self._passed, *self._refused][: len(self.roles)]
        return [p.model_copy(update={"role": role}) for p, role in zip(found, self.roles, strict=False)]

    def rules(self) -> str:
        """Return the rules that precede every question for proposals."""
        return f"{render_prompt('system.md.j2', objective=self.situation.objective)}\n{render_prompt('form.md.j2')}"

    def text(self, reading: Reading) -> str:
        """Return the text of the question."""
        wanted = self._wanted(reading)
        shorter = replace(reading, characters=max(0, reading.characters - len(wanted)))
        if self.repairs is not None:
            return shorter.repair(self.repairs, self.parent) + wanted
        return shorter.question(self.roles[0], self.parent, self.earlier) + wanted

    def objection(self, answer: ProposalsAnswer) -> str | None:
        """Return an objection to the answer, or None; keep what may be proposed of it.

        What has passed is kept, so that only the rest has to be answered again. What is known may not be proposed.
        A patch may take a minute to fail: of one answer, as many may as proposals are wanted.
        """
        self._refused, self._failed = [], 0
        self._answers += 1
        warned = self._warned or self._answers > CORRECTIONS  # to the last answer none can follow
        faults: list[str] = []
        for number, proposed in enumerate(answer.proposals, 1):
            if len(self._passed) == len(self.roles):
                self.outcome = f"{ANSWERED}, and {counted(len(answer.proposals) - number + 1, 'proposal')} too many"
                break
            if self._failed == len(self.roles):
                faults.append(f"proposal {number} and all after it were not looked at: give {self._failed} at most")
                break
            if words := self._fault(proposed, warned=warned):
                faults.append(words if len(answer.proposals) == 1 else f"proposal {number}: {words}")
        kept = "; the others are kept, so give only this again" if self._passed and faults else ""
        more = f"; and {counted(len(faults) - _FAULTS, 'fault')} more" if len(faults) > _FAULTS else ""
        return "; ".join(faults[:_FAULTS]) + more + kept if faults else None

    def _fault(self, proposed: ProposedExperiment, *, warned: bool) -> str | None:
        """Return what is wrong with a proposal, None if it has passed; `warned`: close to a rejected one it may be."""
        parents = {e.id: e for e in self.situation.past if e.accepted}
        parent = parents.get(proposed.parent or self.parent.id)
        if parent is None:
            return f"{one_line(proposed.parent)} is not an accepted experiment; parents are {', '.join(parents)}"
        try:
            proposal = self._combination(proposed, parent) if proposed.combines else self._proposal(proposed, parent)
        except ValidationError as error:
            return what_is_wrong(error)
        if isinstance(proposal, Objection):
            return proposal.words
        if any(_content(proposal) == _content(other) for other in self._passed):
            return None
        words = self._unfit(proposed, proposal, parent)
        if not words and not warned and not self.repairs and (words := self._known_as_rejected(proposal)):
            self._warned = True
        return words or self._objection_of_host(proposal)

    def _unfit(self, proposed: ProposedExperiment, proposal: Proposal, parent: Experiment) -> str | None:
        if any(_content(proposal) == _content(other) for other in self.earlier):
            return "it has been proposed for this block already"
        if self.repairs and not proposal.patches:
            return "a repair changes the code: give edits or a diff"
        if proposal.patches and "code" not in self.situation.rungs:
            return "code cannot run here, because there is no sandbox: give changes only"
        patch = proposed.diff + "".join(edit.replace for edit in proposed.edits)  # which may declare another range
        for name, declared in self.situation.host.state_of(parent).fields.items():
            value = proposed.changes.get(name)
            if value is not None and name not in patch and not proposed.widen.get(name) and not declared.spans(value):
                span = f"from {declared.low:g} to {declared.high:g}"
                return f"{name} {value} is outside its range, {span}; give the reason in widen, under {name}"
        return None

    def _known_as_rejected(self, proposal: Proposal) -> str | None:
        if proposal.kind == "diagnosis":  # of what was rejected, too
            return None
        like = rejected_like(proposal, self.situation.past)
        if like is None or like.verdict is None:
            return None
        reason = shorten(like.verdict.reason, _WORDS, " ...")
        return f"{like.id} tried this on {like.parent} and was rejected: {reason}; answer again if you mean it"

    def _objection_of_host(self, proposal: Proposal) -> str | None:
        objection = self.situation.host.objection(proposal)
        if objection is None:
            self._passed.append(proposal)
        elif proposal.patches:
            self._failed += 1
            self._refused += [] if objection.known else [proposal]
        return objection.words if objection else None

    def _combination(self, proposed: ProposedExperiment, parent: Experiment) -> Proposal | Objection:
        """Return the changes of the named experiments together, and those of the proposal on top."""
        candidates = (e for e in self.situation.past if e.kind == "candidate" and e.commit is not None)  # not refused
        known = {e.id: e for e in candidates if e.changes or e.patch}
        if unknown := [shorten(name, _NAME, "...") for name in proposed.combines if name not in known]:
            return Objection(f"{', '.join(unknown)} cannot be combined: no such candidate was run with a change")
        if proposed.diff:
            return Objection("the code that a diff would be of is not shown: give edits beside combines")
        made = compose([known[name] for name in proposed.combines], parent, self.situation.host)
        if isinstance(made, Objection):
            return made
        if proposed.changes or proposed.edits:  # more than its parts make, so it is no combination of theirs
            changes = made.changes | proposed.changes
            return self._proposal(proposed, parent).model_copy(update={"changes": changes, "diff": made.diff})
        title = shorten(proposed.title, TITLE_CHARACTERS, " ...") or made.title
        return made.model_copy(update={"title": title, "hypothesis": proposed.hypothesis})

    def _proposal(self, proposed: ProposedExperiment, parent: Experiment) -> Proposal:
        whys = "".join(f" {name} leaves its range: {why}" for name, why in proposed.widen.items())
        return Proposal(
            title=shorten(proposed.title, TITLE_CHARACTERS, " ..."),
            hypothesis=shorten(proposed.hypothesis + whys, HYPOTHESIS_CHARACTERS, " ...")
            if whys
            else proposed.hypothesis,
            parent=parent.id,
            changes=proposed.changes,
            edits=proposed.edits,
            diff=proposed.diff,
            repairs=self.repairs.id if self.repairs and not self._passed else None,
            kind=proposed.kind,
        )

    def _wanted(self, reading: Reading) -> str:
        """Return the end of the question: what diagnoses printed, and how many proposals are wanted of what kind."""
        s = self.situation
        diagnoses = [e for e in s.past if e.verdict is not None and e.verdict.verdict == "diagnosed"][-_DIAGNOSES:]
        most = min(_OUTPUT, reading.characters // 20)
        return render_prompt(
            "wanted.md.j2",
            diagnoses=[(e, quote(s.host.output_of(e)[-most:], most)) for e in diagnoses],
            roles=self.roles,
            parent=self.parent,
            parents=[e.id for e in s.past if e.accepted],
            rung=s.rung,
            code="code" in s.rungs,
            repairs=self.repairs,
        )


def next_question(situation: Situation, earlier: Sequence[Proposal], asked: int) -> Question:
    """Return the question for the roles from index `asked` on; the first may ask for one repair instead."""
    roles = [role for role, _ in situation.roles[asked:]]
    leader = incumbent(situation.past) or situation.roles[asked][1]
    broken = _to_repair(situation.past) if "code" in situation.rungs and asked == 0 else None
    if broken is None:
        return Question(situation, roles, leader, None, earlier)
    parent = lineage(situation.past, broken)[-2]
    if parent is not leader and _applies(broken, leader, situation.host):
        parent = leader
    return Question(situation, roles[:1], parent, broken, earlier)


def _applies(failed: Experiment, leader: Experiment, host: PlannerHost) -> bool:
    """Return whether a failed patch still applies to the code of the incumbent."""
    try:
        return bool(difference(host.state_of(leader).folder, partial(apply_diff, failed.patch)))
    except PatchRefusedError:
        return False


def what_is_wrong(error: ValidationError) -> str:
    """Return the first fault of an answer, in words."""
    fault = error.errors(include_url=False, include_context=False, include_input=False)[0]
    place = ".".join(str(part) for part in fault["loc"] if part not in ("float", "int", "str", "[key]"))  # not keys
    words = "the form has no such key" if fault["type"] == "extra_forbidden" else fault["msg"]
    words = words.removeprefix("Value error, ")
    return one_line(f"{place}: {words}" if place else words)[:_WORDS]


def _to_repair(past: Sequence[Experiment]) -> Experiment | None:
    """Return the newest patch that broke a training and has no repair, unless it is the last of a chain of repairs.

    A rejected one has to lead its parent on the seeds that it completed. A move of the catalogue is not repaired.
    """
    by_id = {e.id: e for e in past}
    mended = {e.repairs for e in past}

    def repairs_before(e: Experiment) -> int:
        return 0 if e.repairs is None else 1 + repairs_before(by_id[e.repairs])

    def broke(e: Experiment) -> bool:
        word = e.verdict.verdict if e.verdict else None
        return word == "failed" or (word == "rejected" and bool(e.incomplete) and led(e, by_id))

    for e in reversed(past):
        if broke(e) and e.patch and e.move is None and e.id not in mended and repairs_before(e) < _REPAIRS:
            return e
    return None


def _content(proposal: Proposal) -> tuple[object, ...]:
    return proposal.parent, proposal.changes, proposal.edits, proposal.diff, proposal.kind
