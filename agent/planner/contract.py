"""The contract of a planner. A planner is a module of `agent.planner.planners` with a `create`; the file names it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from agent.analyzer.diagnostics.diagnose import Diagnostics
from agent.base.campaign_request import TOKENS_AN_HOUR, CampaignRequest
from agent.executor.artifacts import CurvePoint
from agent.executor.code.code_state import CodeState
from agent.planner.proposal import Proposal
from memory.objective import Objective
from memory.records import Block, Call, Experiment, Finding, Role

Rung = Literal["sweep", "code"]
ANSWERED = "answered"  # begins the outcome of a call whose answer could be read
GIVEN_UP = "given up: "  # begins the outcome of the call after which a planner asks its model or program no more


@dataclass(frozen=True)
class Options:
    """The part of a `CampaignRequest` that a planner needs.

    Attributes:
        seed: the campaign's random seed.
        fidelity: the fidelity of the scores that the planner learns from.
        models: the language models to ask: the first, then those that take its place.
        program: the agent program to ask.
        tokens, dollars: limits on all requests of the campaign together.
        context: the model's context window in tokens, input and output together.
        patience_s: the longest wait for one answer in seconds, None for the planner's own limit.
        without: names of moves that are not to be proposed.
    """

    seed: int
    fidelity: str
    models: tuple[str, ...] = ()
    program: str | None = None
    tokens: int = TOKENS_AN_HOUR
    dollars: float = CampaignRequest.dollars
    context: int = CampaignRequest.context
    patience_s: float | None = None
    without: tuple[str, ...] = ()


@dataclass(frozen=True)
class Objection:
    """The reason why a proposal cannot become an experiment, in words.

    It is `known` if it has been run already or stands in this block.
    """

    words: str
    known: bool = False


@dataclass(frozen=True)
class Terms:
    """The task of a campaign and the terms of its trials, as far as planners may know them.

    Attributes:
        statement: sentences on the network and the data that trials are given.
        steps: optimiser steps of a trial at each fidelity that a candidate climbs, lowest first.
        slots: trials at once.
        limit_s: seconds after which a trial at the last fidelity is ended.
        unused: files of the code that training on these data does not run.
    """

    statement: Sequence[str]
    steps: Mapping[str, int]
    slots: int
    limit_s: float
    unused: frozenset[str] = frozenset()


class PlannerHost(Protocol):
    """The campaign, as a planner may look at it."""

    def terms(self) -> Terms:
        """Return the task and the terms of trials."""

    def diagnostics_of(self, experiment: Experiment) -> Diagnostics | None:
        """Return figures on the estimate of an experiment's worst trial that need no truth; None where it has none."""

    def state_of(self, experiment: Experiment) -> CodeState:
        """Return the code of an experiment; its `folder` holds gnn/."""

    def curve_of(self, experiment: Experiment) -> list[CurvePoint]:
        """Return the losses over the training of an experiment's worst trial; of its first where none has a score."""

    def output_of(self, experiment: Experiment) -> str:
        """Return the end of the output of the last trial that did not complete, else of the last; it may be empty."""

    def objection(self, proposal: Proposal) -> Objection | None:
        """Return why a proposal cannot become an experiment: it is known, does not apply, or is refused by policy.

        None lets a proposal pass once; after that it is known.
        """

    def note(self, sentence: str) -> None:
        """Write a sentence into the campaign's log, once, however often it is given."""

    def check(self) -> None:
        """Raise `KeyboardInterrupt` if the user asked to stop; to be called while waiting."""


class CallLog(Protocol):
    """The record of requests to models."""

    def calls(self) -> Sequence[Call]:
        """Return every request of the campaign so far."""

    def add_call(self, call: Call, asked: str = "", answered: str = "") -> None:
        """Keep a request, as soon as it has ended, with the texts of question and answer where it was answered."""


@dataclass(frozen=True)
class Situation:
    """Everything a planner is given.

    Attributes:
        objective: the score that the campaign optimises.
        rung: `sweep` to change the configuration, or `code`.
        roles: one for each proposal that is wanted, with the experiment that it should change.
        rungs: those allowed here: no code where no sandbox works. To a model, `rung` is advice.
        past: every experiment so far, with trials and verdicts.
        brief: the user's text, read anew for each block.
        blocks: every block so far, with its summary.
    """

    regime: str
    objective: Objective
    rung: Rung
    roles: Sequence[tuple[Role, Experiment]]
    past: Sequence[Experiment]
    findings: Sequence[Finding]
    brief: str
    blocks: Sequence[Block]
    host: PlannerHost
    call_log: CallLog
    rungs: tuple[Rung, ...] = ("sweep", "code")


class Planner(Protocol):
    """Proposes changes; owns no loop, runs nothing."""

    @property
    def name(self) -> str:
        """Return the name that its experiments carry."""

    @property
    def rungs(self) -> tuple[Rung, ...]:
        """Return the rungs that it can propose on."""

    def propose(self, situation: Situation) -> list[Proposal]:
        """At most one proposal for each of the situation's roles; fewer where it has nothing new.

        What was run already must not be returned. A proposal that is refused may be: the refusal is then in the
        memory, with its explanation, and counts as an experiment.
        """


@runtime_checkable
class WaitingPlanner(Protocol):
    """A planner whose answers may come from elsewhere: it is asked in a thread of its own while trials run."""

    @property
    def waits(self) -> bool:
        """Return whether it waits for others before it answers."""


@runtime_checkable
class PayingPlanner(Protocol):
    """A planner whose requests may cost money."""

    @property
    def expense(self) -> str:
        """Return the most that its requests may use, for the user; empty if it makes none."""


@dataclass(frozen=True)
class Lesson:
    """The result of a block: its summary, and the findings of all evidence so far."""

    block: int
    summary: str
    findings: Sequence[Finding]


@runtime_checkable
class Explainer(Protocol):
    """A planner that can also explain the findings of a block."""

    def explain(self, situation: Situation, lesson: Lesson) -> Lesson:
        """Return the lesson with explanations added where they agree with the statistics.

        Figures, kinds and experiments stay as they are, and no finding comes or goes.
        """


def first_explained(planners: Sequence[Planner], situation: Situation, lesson: Lesson) -> Lesson:
    """Return a lesson as the first planner has explained it that can and does; unchanged if none does."""
    tellers = (planner for planner in planners if isinstance(planner, Explainer))
    return next((told for teller in tellers if (told := teller.explain(situation, lesson)) is not lesson), lesson)


def why_given_up(calls: Sequence[Call]) -> str:
    """Return a sentence on each model or program that these calls have ruled out, empty if there is none."""
    names = {"llm": "the language model", "command": "the agent program"}
    return "; ".join(
        f"{names.get(call.planner, call.planner)} is asked no more: {call.outcome.removeprefix(GIVEN_UP)}"
        for call in calls
        if call.outcome.startswith(GIVEN_UP)
    )
