"""The next step of the loop: a pure function of one snapshot of the campaign.

First the baseline, at several seeds, to measure the noise; then blocks of experiments until the budget is spent or
nothing can be improved any more. The ladder decides whether configuration or code is to change; candidates climb the
fidelities side by side; the best of those at the top is confirmed first. Nothing here reads a file, a clock or git.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from agent.analyzer.judging.acceptance import Wanted, ceiling, confirmations, judge, judge_baseline
from agent.analyzer.judging.diagnosis import judge_diagnosis
from agent.analyzer.judging.noise import Noise, noise_at
from agent.base.duration import format_duration
from agent.campaign.budget import expected_s, experiments_done
from agent.campaign.registrar import START_ANEW
from agent.planner.contract import Rung
from agent.planner.ladder import decide, exhausted
from agent.planner.parents import assign_roles
from memory.ending import Ending
from memory.leaderboard import incumbent, standing
from memory.records import Block, Decision, Experiment, Grant, Objective, Role, TrialKey, Verdict
from stoichloop.errors import StoichloopError

EXPERIMENTS_A_SLOT = 3
PATIENCE_S, LONGEST_PATIENCE_S = 60.0, 1800.0


@dataclass(frozen=True)
class Snapshot:
    """A campaign at one moment.

    Attributes:
        experiments, blocks: the ledger's, oldest first.
        fidelities: those that a candidate climbs, lowest first.
        rungs: the rungs that the planner can propose on and that may run here.
        uncontained: why code may not run here, None where it may.
        slots: trainings at once.
        lines_of_code: of the incumbent and of each experiment without a verdict, by identity.
        grant: the budget in force. left_s: the wall-clock seconds left of it.
        cut_short: the budget ended before all trials of the last step had run.
        barren: rungs on which the planner had nothing new for the block that is to be opened.
        unanswered: while it looked there, a model was asked in vain.
        waits: how often it has been waited for an answer since the last one.
        given_up: why a model or program is asked no more, empty while it is.
        siblings: how many sibling networks there are to confirm on, from 1 on.
        until: the score at which the user wants the campaign to end, None for no such end.
    """

    objective: Objective
    experiments: Sequence[Experiment]
    blocks: Sequence[Block]
    fidelities: tuple[str, ...]
    rungs: tuple[Rung, ...]
    uncontained: str | None
    slots: int
    lines_of_code: Mapping[str, int]
    grant: Grant
    left_s: float
    cut_short: bool = False
    barren: frozenset[str] = frozenset()
    unanswered: bool = False
    waits: int = 0
    given_up: str = ""
    siblings: int = 0
    until: float | None = None

    @cached_property
    def noise(self) -> dict[str, Noise]:
        """Return the noise at each fidelity that a candidate climbs, lowest first."""
        return noise_at(self.experiments, self.fidelities)

    @property
    def experiments_left(self) -> int | None:
        """Return how many experiments may still be judged, None without such a limit."""
        granted = self.grant.experiments
        return None if granted is None else max(0, granted - experiments_done(self.experiments))

    @property
    def trial_fits(self) -> bool:
        """Return whether a trial that is started now can end in time."""
        return self.left_s > expected_s(self.experiments)

    @property
    def open_block(self) -> Block | None:
        """Return the block that is being worked on, None between blocks."""
        newest = self.blocks[-1] if self.blocks else None
        return newest if newest is not None and newest.summary is None else None


@dataclass(frozen=True)
class OpenBlock:
    """Open the block of the baseline, or have proposals made for these roles and open a block with them."""

    decision: Decision
    roles: Sequence[tuple[Role, Experiment]]


@dataclass(frozen=True)
class RunTrials:
    """Run trials and keep their scores."""

    trials: Sequence[TrialKey]


@dataclass(frozen=True)
class GiveVerdict:
    """Write down a verdict."""

    experiment: str
    verdict: Verdict


@dataclass(frozen=True)
class CloseBlock:
    """Write down the findings and the summary of a block whose experiments all have a verdict.

    A model is asked to explain them only while there is time for more.
    """

    block: Block
    explain: bool = True


@dataclass(frozen=True)
class Wait:
    """Ask the planner again after some seconds: a server that is down at midnight may be up again at one."""

    seconds: float


@dataclass(frozen=True)
class Stop:
    """End the session."""

    ending: Ending


Step = OpenBlock | RunTrials | GiveVerdict | CloseBlock | Wait | Stop


def next_step(snapshot: Snapshot) -> Step:
    """Return the next step; raise `StoichloopError` if the baseline does not train."""
    block = snapshot.open_block
    if block is not None:
        return _within(snapshot, block)
    if (solved := _solved(snapshot)) is not None:
        return Stop(Ending("finished", solved))
    if snapshot.cut_short or not snapshot.trial_fits or snapshot.experiments_left == 0:
        return Stop(Ending("stopped", _spent(snapshot)))
    return _between(snapshot)


def _within(snapshot: Snapshot, block: Block) -> Step:
    """Return the next step of a block that is open: a verdict that has been earned, else trials, else its end."""
    wanted: list[Wanted] = []
    noise = snapshot.noise
    for experiment in [e for e in snapshot.experiments if e.block == block.number and e.verdict is None]:
        answer = _answer(snapshot, noise, experiment)
        if isinstance(answer, Verdict):
            # It may change the incumbent, the noise and the count of tests for all others: they are looked at anew.
            return GiveVerdict(experiment.id, answer)
        wanted.append(answer)
    trials = _trials(wanted)
    if not trials:
        return CloseBlock(block, explain=snapshot.trial_fits and not snapshot.cut_short)
    return Stop(Ending("stopped", _spent(snapshot))) if snapshot.cut_short else RunTrials(trials)


def _spent(snapshot: Snapshot) -> str:
    """Return what is used up: experiments or time."""
    if snapshot.experiments_left == 0:
        return f"{experiments_done(snapshot.experiments)} of {snapshot.grant.experiments} experiments used"
    granted = format_duration(snapshot.grant.wall_s)
    if snapshot.left_s < 1.0:
        return f"{granted} of {granted} used"
    return f"{format_duration(snapshot.left_s)} of {granted} left, too little for another trial"


def _answer(snapshot: Snapshot, noise: Mapping[str, Noise], candidate: Experiment) -> Wanted | Verdict:
    leader = incumbent(snapshot.experiments)
    if leader is None:
        answer = judge_baseline(candidate, snapshot.fidelities)
        if isinstance(answer, Verdict) and answer.verdict == "failed":
            raise StoichloopError(
                f"the baseline does not train, so nothing can be compared with it: {answer.reason}; {START_ANEW}"
            )
        return answer
    if candidate.kind == "diagnosis":
        return judge_diagnosis(candidate, snapshot.fidelities[0])
    simpler = snapshot.lines_of_code[candidate.id] < snapshot.lines_of_code[leader.id]
    return judge(candidate, leader, noise, confirmations(snapshot.experiments, leader), simpler=simpler)


def _trials(wanted: Sequence[Wanted]) -> Sequence[TrialKey]:
    """Return the trials to run: all that climb side by side, else those of the candidate that led by most."""
    climbing = [trial for each in wanted if each.lead is None for trial in each.trials]
    if climbing or not wanted:
        return list(dict.fromkeys(climbing))
    return max(wanted, key=lambda each: each.lead or 0.0).trials


def _solved(snapshot: Snapshot) -> str | None:
    """Return why nothing is left to improve, None while an improvement can be measured."""
    leader = incumbent(snapshot.experiments)
    line = standing(leader, snapshot.fidelities[-1]) if leader else None
    if line is None or ceiling(line.experiment, snapshot.noise) is None:
        return None
    return (
        f"solved, nothing can lead {line.experiment.id} at {snapshot.objective} {line.score:.4f} by more than the noise"
    )


def _between(snapshot: Snapshot) -> Step:
    """Return the next block: the baseline, or the rung of the ladder on which the planner has something new."""
    past = snapshot.experiments
    if incumbent(past) is None:
        return OpenBlock(Decision("baseline", None, "the noise comes before anything is compared"), ())
    decision: Decision | None = decide(snapshot.blocks, past, snapshot.rungs, snapshot.uncontained)
    if decision is not None and decision.rung in snapshot.barren:
        decision = exhausted(decision, snapshot.rungs)
    if decision is None or decision.rung in snapshot.barren:
        if snapshot.unanswered:
            return Wait(min(PATIENCE_S * 2**snapshot.waits, LONGEST_PATIENCE_S))
        if snapshot.given_up:
            return Stop(Ending("stopped", snapshot.given_up))
        return Stop(Ending("finished", "the planner has nothing new to propose"))
    fidelity, count = snapshot.fidelities[-1], EXPERIMENTS_A_SLOT * snapshot.slots
    if snapshot.experiments_left is not None:
        count = min(count, snapshot.experiments_left)
    return OpenBlock(decision, assign_roles(past, snapshot.noise[fidelity].sigma, fidelity, count))
