"""Slots that are kept busy: `python -m benchmarks slots`.

Simulates campaigns without processes: `next_step` decides, and the clock jumps from one event to the next. Trials and
answers take log-normal times, and scores are drawn. Prints one JSON document; progress goes to standard error.
"""

from __future__ import annotations

import math
import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Annotated

import typer
from pydantic import BaseModel, ConfigDict

from agent.base.console import Console
from agent.campaign.utilisation import WHY_IDLE
from agent.executor.trial import FIDELITIES, climb
from agent.loop.inquiry import AnswerTimes
from agent.loop.next_step import CloseBlock, GiveVerdict, OpenBlock, Pause, StartTrials, Stop, Wait, next_step
from agent.loop.snapshot import Snapshot
from benchmarks.machine import Machine, this_machine
from memory.records import (
    Block,
    Decision,
    Experiment,
    Grant,
    Role,
    TrialKey,
    TrialResult,
    experiment_name,
    experiment_number,
)

_HOUR_S = 3600.0
_SLOTS = {1: 1.0, 2: 1.0, 16: 1.0, 256: 0.25}  # and the share of the hours that is simulated
# Medians of log-normal times in seconds: of a full trial, of an answer, and of each proposal in it.
_FULL_TRIAL_S, _ANSWER_S, _PROPOSAL_S, _SPREAD = 480.0, 30.0, 3.0, 0.6
# One proposal in so many is a gain; scores scatter by the noise.
_GAINS, _GAIN, _LOSS, _NOISE, _BEST = 12, 0.03, 0.03, 0.01, 0.97


class SlotsRun(BaseModel):
    """One simulated campaign. Shares are of the time of all slots.

    `waits`: the planner answers after a while, as a language model does; else it answers at once.
    `ahead` is the share of further seeds of an incumbent, which run while nothing better is known.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    slots: int
    waits: bool
    hours: float
    busy: float
    idle: dict[str, float]
    ahead: float
    questions: int
    experiments: int
    accepted: int
    trials: int
    decision_ms: float


class SlotsReport(BaseModel):
    """The output of `python -m benchmarks slots`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    machine: Machine
    fidelity: str
    runs: tuple[SlotsRun, ...]


@dataclass
class SimulatedSlots:
    """A campaign whose planner answers after a while if it `waits`. `draw` decides on all times and scores."""

    slots: int
    waits: bool
    hours: float
    fidelity: str
    draw: random.Random
    now: float = 0.0
    experiments: dict[str, Experiment] = field(default_factory=dict)
    blocks: list[Block] = field(default_factory=list)
    running: dict[TrialKey, float] = field(default_factory=dict)  # the end of each trial
    question: tuple[float, Decision | Block, Sequence[tuple[Role, Experiment]]] | None = None
    quality: dict[str, float] = field(default_factory=dict)
    cost: dict[str, float] = field(default_factory=dict)  # times what a trial of the baseline takes
    spent: Counter[str] = field(default_factory=Counter)  # milliseconds of slots
    steps: int = 0
    questions: int = 0
    answers: AnswerTimes = field(default_factory=AnswerTimes)

    def __post_init__(self) -> None:
        if not self.waits:
            self.answers.proposal_s = 0.0

    def run(self) -> SlotsRun:
        """Lead the campaign to its end."""
        began = time.perf_counter()
        while not self._perform():
            self.steps += 1
        total = sum(self.spent[key] for key in ("busy", *WHY_IDLE))
        ended = [e.verdict.verdict for e in self.experiments.values() if e.verdict]
        return SlotsRun(
            slots=self.slots,
            waits=self.waits,
            hours=self.hours,
            busy=self.spent["busy"] / total,
            idle={words: self.spent[why] / total for why, words in WHY_IDLE.items() if self.spent[why]},
            ahead=self.spent["ahead"] / total,
            questions=self.questions,
            experiments=len(ended) - 1,
            accepted=ended.count("accepted") - 1,
            trials=sum(len(e.trials) for e in self.experiments.values()),
            decision_ms=1000.0 * (time.perf_counter() - began) / self.steps,
        )

    @property
    def left_s(self) -> float:
        """Return the seconds that are left of the budget."""
        return self.hours * _HOUR_S - self.now

    def snapshot(self) -> Snapshot:
        """Return the campaign as it is now."""
        about = self.question[1] if self.question else None
        soon = sum(end < self.now + self.answers.answer_s for end in self.running.values())
        return Snapshot(
            objective="exact",
            experiments=list(self.experiments.values()),
            blocks=self.blocks,
            fidelities=climb(self.fidelity),
            rungs=("sweep", "code"),
            uncontained=None,
            slots=self.slots,
            free=self.slots - len(self.running),
            soon=soon,
            lines_of_code=dict.fromkeys(self.experiments, 1000),
            grant=Grant(0.0, self.hours * _HOUR_S, None, self.hours * _HOUR_S, None),
            left_s=self.left_s,
            running=self.running.keys(),
            asking=about is not None,
            explaining=about.number if isinstance(about, Block) else None,
            explains=True,
            proposal_s=self.answers.proposal_s,
        )

    def _perform(self) -> bool:
        """Take one step; return whether it was the last one."""
        match next_step(self.snapshot()):
            case OpenBlock(decision, roles) if not roles:
                self._open(decision, [(None, 1.0)])
            case OpenBlock(decision, roles):
                self._ask(decision, roles)
            case StartTrials(trials):
                for trial in trials:
                    self._start(trial)
            case GiveVerdict(name, verdict):
                number = sum(e.verdict is not None for e in self.experiments.values()) + 1
                judged = replace(self.experiments[name], verdict=replace(verdict, number=number))
                self.experiments[name] = judged
            case CloseBlock(block, explain=True):
                self._ask(block, ())
            case CloseBlock(block):
                self.blocks[block.number] = replace(block, summary="closed")
            case Wait(idle):
                self._pass_time(idle)
            case Pause():
                raise AssertionError("this planner always answers")
            case Stop():
                self._pass_time("end", to_the_end=True)
                return True
        return False

    def _ask(self, about: Decision | Block, roles: Sequence[tuple[Role, Experiment]]) -> None:
        self.questions += 1
        if not self.waits:
            self._answer(about, roles)
            return
        takes = self._time(_ANSWER_S) + sum(self._time(_PROPOSAL_S) for _ in roles)
        if roles:
            self.answers.add(takes, len(roles))
        self.question = self.now + takes, about, roles

    def _answer(self, about: Decision | Block, roles: Sequence[tuple[Role, Experiment]]) -> None:
        if isinstance(about, Block):
            self.blocks[about.number] = replace(about, summary="explained")
        else:
            self._open(about, [(parent.id, self._time(1.0)) for _, parent in roles])

    def _open(self, decision: Decision, proposed: Sequence[tuple[str | None, float]]) -> None:
        number = len(self.blocks)
        self.blocks.append(Block(number, decision.rung, self.now, None))
        for parent, cost in proposed:
            name = experiment_name(len(self.experiments) + 1)
            gain = self.draw.random() < 1 / _GAINS
            change = self.draw.expovariate(1 / _GAIN) if gain else -self.draw.expovariate(1 / _LOSS)
            self.quality[name] = min(_BEST, self.quality[parent] + change) if parent else 0.3
            self.cost[name] = cost
            self.experiments[name] = Experiment(name, number, parent, "simulated", name, {}, {}, name, self.now)

    def _start(self, trial: TrialKey) -> None:
        assert len(self.running) < self.slots
        assert trial not in self.running
        takes = self._time(FIDELITIES[trial.fidelity] * _FULL_TRIAL_S * self.cost[trial.experiment])
        self.running[trial] = self.now + takes
        e = self.experiments[trial.experiment]
        if e.accepted and self.question and trial.seed // 1000 == experiment_number(e.id) - 1:
            self.spent["ahead"] += self._ms(min(takes, self.left_s))

    def _pass_time(self, idle: str, *, to_the_end: bool = False) -> None:
        """Go to the next event: the end of a trial, an answer, or the end of the budget."""
        ends = [*self.running.values(), *([self.question[0]] if self.question else [])]
        until = self.hours * _HOUR_S if to_the_end else min(*ends, self.hours * _HOUR_S, math.inf)
        self.spent["busy"] += self._ms((until - self.now) * len(self.running))
        self.spent[idle] += self._ms((until - self.now) * (self.slots - len(self.running)))
        self.now = until
        for trial in [trial for trial, end in self.running.items() if end <= until]:
            self._end(trial)
        if self.question and self.question[0] <= until:
            (_, about, roles), self.question = self.question, None
            self._answer(about, roles)

    def _end(self, trial: TrialKey) -> None:
        del self.running[trial]
        e = self.experiments[trial.experiment]
        score = self.quality[e.id] + self.draw.gauss(0.0, _NOISE)
        seconds = FIDELITIES[trial.fidelity] * _FULL_TRIAL_S * self.cost[e.id]
        name = f"{e.id}/s{trial.seed}/{trial.fidelity}"
        result = TrialResult(
            name, e.id, trial.seed, trial.fidelity, "completed", "", {"exact": score}, seconds, name, self.now
        )
        self.experiments[e.id] = replace(e, trials=(*e.trials, result))

    def _time(self, median: float) -> float:
        return median * self.draw.lognormvariate(0.0, _SPREAD)

    @staticmethod
    def _ms(seconds: float) -> int:
        return round(1000.0 * seconds)


def slots(
    hours: Annotated[
        float, typer.Option(min=0.1, help="Length of each simulated campaign; with 256 slots, a quarter.")
    ] = 2.0,
    fidelity: Annotated[str, typer.Option(help="Training length at which candidates are finally compared.")] = "probe",
    seed: Annotated[int, typer.Option(help="Random seed of times and scores.")] = 0,
) -> None:
    """Simulate campaigns with 1 to 256 slots and print the share of slot time in which a trial ran as JSON."""
    console, runs = Console(stderr=True), []
    for (count, share), waits in product(_SLOTS.items(), (False, True)):
        console.print(
            f"{count} slots, {'a planner that answers after a while' if waits else 'a planner that answers at once'}"
        )
        runs.append(SimulatedSlots(count, waits, share * hours, fidelity, random.Random(seed)).run())
    found = SlotsReport(machine=this_machine(), fidelity=fidelity, runs=tuple(runs))
    print(found.model_dump_json(indent=1))
