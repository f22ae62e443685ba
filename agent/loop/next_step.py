"""The decision on the next step of a campaign: a pure function of a snapshot.

The baseline is measured, then experiments are proposed, run and judged until the budget is spent or nothing can be
improved any more. Nothing waits for a block: whenever a slot is free, the most useful trial that is known runs, and
when there is none, the planner is asked. The ladder decides whether configuration or code is to change. Nothing here
reads a file, a clock or git.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain

from agent.analyzer.judging.acceptance import Wanted, judge, judge_baseline
from agent.analyzer.judging.diagnosis import judge_diagnosis
from agent.analyzer.judging.noise import measure_noise
from agent.analyzer.judging.seeds import screen_seeds
from agent.base.duration import format_duration
from agent.campaign.budget import experiments_done
from agent.campaign.registrar import START_ANEW
from agent.campaign.utilisation import Idle
from agent.loop.snapshot import Snapshot
from agent.planner.ladder import decide, exhausted
from agent.planner.parents import assign_roles
from memory.ending import Ending
from memory.formatting import counted, veto_text
from memory.intervention import Intervention
from memory.leaderboard import left_out
from memory.records import Block, Decision, Experiment, Role, TrialKey, Verdict
from stoichloop.errors import StoichloopError

EXPERIMENTS_A_SLOT = 16  # are asked for where a slot trains several at once, on a few seeds each
LONGEST_ANSWER = 2  # trials
FEW_SLOTS = 4  # up to so many, a proposal that knows the newest result is worth more than a slot's time
LESSONS = 6, 2  # one for so many experiments at least, and for so many a slot
# Further seeds of the incumbent at each fidelity while nothing else can run: at least, a slot, and at most.
SEEDS_AHEAD = 32, 8, 100
PATIENCE_S, LONGEST_PATIENCE_S = 60.0, 1800.0
FRUITLESS = 6  # answers in a row with nothing new, after which a model is asked again only if a verdict has come


@dataclass(frozen=True)
class OpenBlock:
    """Open the block of the baseline, or have proposals made for these roles and open a block with them."""

    decision: Decision
    roles: Sequence[tuple[Role, Experiment]]


@dataclass(frozen=True)
class TryIdea:
    """Open a block with an idea of the user, on this parent."""

    idea: Intervention
    parent: Experiment


@dataclass(frozen=True)
class StartTrials:
    """Start trials, as many as find a slot."""

    trials: Sequence[TrialKey]


@dataclass(frozen=True)
class GiveVerdict:
    """Write down a verdict."""

    experiment: str
    verdict: Verdict


@dataclass(frozen=True)
class CloseBlock:
    """Write down the findings and the summary of a block whose experiments all have a verdict.

    With `explain`, a model is asked first to put them in words.
    """

    block: Block
    explain: bool = False


@dataclass(frozen=True)
class Pause:
    """Ask the planner again after some seconds: a server that is down at midnight may be up again at one.

    A model that repeats itself may have another idea, too.
    """

    seconds: float


@dataclass(frozen=True)
class Wait:
    """Let time pass until a trial has ended or an answer has come. `idle` says why slots are free, if any are.

    Trials `first` start in a slot that falls free, before what has ended there is scored.
    """

    idle: Idle
    first: Sequence[TrialKey] = ()


@dataclass(frozen=True)
class Stop:
    """End the session."""

    ending: Ending


Step = OpenBlock | TryIdea | StartTrials | GiveVerdict | CloseBlock | Pause | Wait | Stop


@dataclass
class _Needs:
    """The answers of the judge on all experiments without a verdict, in order of use."""

    baseline: list[Wanted] = field(default_factory=list)
    screen: list[Wanted] = field(default_factory=list)
    confirm: list[Wanted] = field(default_factory=list)  # the one that leads by most first

    @property
    def trials(self) -> list[TrialKey]:
        """Return all trials that a verdict needs."""
        leading = [wanted for wanted in self.confirm[:1] if not _is_tie(wanted)]
        ordered = chain(self.baseline, leading, self.screen, self.confirm[len(leading) :])
        return [trial for wanted in ordered for trial in wanted.trials]

    @property
    def ties(self) -> list[TrialKey]:
        """Return those that confirm simpler code that does not lead: they are worth less than a new proposal."""
        return [trial for wanted in self.confirm if _is_tie(wanted) for trial in wanted.trials]

    @property
    def ahead(self) -> Iterator[TrialKey]:
        """Yield the trials that a verdict may need later."""
        return (trial for wanted in chain(self.baseline, self.confirm, self.screen) for trial in wanted.ahead)


def _is_tie(confirmed: Wanted) -> bool:
    return confirmed.lead is not None and confirmed.lead < 0.0


def next_step(snapshot: Snapshot) -> Step:
    """Return the next step; raise `StoichloopError` if the baseline does not train."""
    needs, steering = _Needs(), snapshot.steering
    if steering.stop is not None:
        return Stop(Ending("interrupted", f"as {steering.stop.author} asked"))
    for experiment in sorted(snapshot.open, key=lambda e: e.idea is None):  # the user's ideas first
        answer = _answer(snapshot, experiment)
        if isinstance(answer, Verdict):
            # It may change the incumbent, the noise and the count of tests for all others: they are looked at anew.
            return GiveVerdict(experiment.id, answer)
        getattr(needs, answer.stage).append(answer)
    needs.confirm.sort(key=lambda wanted: -(wanted.lead or 0.0))
    if steering.pause is not None:
        return Wait("pause")
    return (
        _try_idea(snapshot)
        or _start(snapshot, _needed_now(snapshot, needs))
        or _close(snapshot)  # planners learn from the findings, so they come before the next question
        or _ask(snapshot, needs)
        or _start(snapshot, [*needs.trials, *_speculation(snapshot, needs)])
        or _explain(snapshot)
        or _wait_or_stop(snapshot, needs)
    )


def _answer(snapshot: Snapshot, candidate: Experiment) -> Wanted | Verdict:
    leader = snapshot.leader
    if (veto := snapshot.steering.veto_of(candidate.id)) is not None:
        return Verdict("rejected", veto_text(veto.author, veto.words))
    if leader is None:
        answer = judge_baseline(candidate, snapshot.fidelities)
        if isinstance(answer, Verdict) and answer.verdict == "failed":
            raise StoichloopError(
                f"the baseline does not train, so nothing can be compared with it: {answer.reason}; {START_ANEW}"
            )
        return answer
    if candidate.kind == "diagnosis":
        return judge_diagnosis(candidate, snapshot.fidelities[0])
    fewer_lines = snapshot.lines_of_code[candidate.id] < snapshot.lines_of_code[leader.id]
    fewer_changes = bool(left_out(snapshot.experiments, candidate.parent or "", candidate.combines, leader))
    simpler = fewer_lines or fewer_changes
    return judge(candidate, leader, snapshot.evidence, siblings=snapshot.siblings, simpler=simpler)


def _try_idea(snapshot: Snapshot) -> TryIdea | None:
    """Return the trial of the oldest idea of the user: no planner is asked, and nothing that waits comes before it."""
    steering, leader = snapshot.steering, snapshot.leader
    if not steering.ideas or leader is None or not (snapshot.wants_more and snapshot.trial_fits):
        return None
    pins = [e for e in snapshot.experiments if e.accepted and e.id in steering.pinned[-1:]]
    return TryIdea(steering.ideas[0], next(iter(pins), leader))


def _needed_now(snapshot: Snapshot, needs: _Needs) -> list[TrialKey]:
    """Return the trials that come before a new proposal. Ties leave half of the slots to others."""
    ties = needs.ties
    waiting = [trial for trial in ties if trial not in snapshot.running]
    room = max(1, snapshot.slots // 2) * snapshot.a_slot - (len(ties) - len(waiting))
    later = {*waiting[max(0, room) :]}
    return [trial for trial in needs.trials if trial not in later]


def _start(snapshot: Snapshot, trials: Sequence[TrialKey]) -> StartTrials | None:
    """Return the start of those of these trials that do not run yet, can end in time and find a slot."""
    fitting = _fitting(snapshot, trials)
    found = fitting[: snapshot.free * snapshot.a_slot]
    beside = [t for t in fitting[len(found) :] if t.experiment in snapshot.alone and snapshot.in_time_on_core(t)]
    found += beside[: snapshot.free_cores]
    return StartTrials(found) if found else None


def _fitting(snapshot: Snapshot, trials: Sequence[TrialKey]) -> list[TrialKey]:
    """Return those of these trials that do not run yet and can end in time."""
    if snapshot.cramped:
        return []
    new = [t for t in dict.fromkeys(trials) if t not in snapshot.running and t.sibling not in snapshot.unready]
    return list(filter(snapshot.in_time, new))


def _close(snapshot: Snapshot) -> CloseBlock | None:
    """Return the end of a block that needs no words."""
    done = (block for block in _done_blocks(snapshot) if not _lesson_due(snapshot, block))
    return next(map(CloseBlock, done), None)


def _explain(snapshot: Snapshot) -> CloseBlock | None:
    """Return the end of a block that a model is to explain, once no question is out."""
    if snapshot.asking:
        return None
    return next((CloseBlock(block, explain=True) for block in _done_blocks(snapshot)), None)


def _done_blocks(snapshot: Snapshot) -> list[Block]:
    """Return the open blocks whose experiments are all judged, but the one that is being explained in time."""
    unjudged = {e.block for e in snapshot.open}
    explained = snapshot.explaining if snapshot.trial_fits else None
    unclosed = (block for block in snapshot.blocks if block.summary is None)
    return [block for block in unclosed if block.number not in unjudged | {explained}]


def _lesson_due(snapshot: Snapshot, block: Block) -> bool:
    """Return whether a block should be explained: one that improved, the last, and one for every few experiments."""
    if not (snapshot.explains and snapshot.trial_fits and snapshot.left_s > 0 and block.number > 0):
        return False
    members = [e for e in snapshot.experiments if e.block == block.number]
    closed = {b.number for b in snapshot.blocks if b.summary is not None}
    told = sum(e.block in closed for e in snapshot.experiments)
    every = max(LESSONS[0], LESSONS[1] * snapshot.slots)
    last = snapshot.experiments_left == 0 and not snapshot.open
    return last or any(e.accepted for e in members) or (told + len(members)) // every > told // every


def _ask(snapshot: Snapshot, needs: _Needs) -> OpenBlock | Pause | None:
    """Return the question for new experiments, on the rung of the ladder on which the planner may have some."""
    past = snapshot.experiments
    if not snapshot.blocks and snapshot.trial_fits:
        return OpenBlock(Decision("baseline", None, "the noise comes before anything is compared"), ())
    count = _count(snapshot, needs)
    if count <= 0 or not snapshot.may_ask:
        return None
    decision: Decision | None = decide(snapshot.blocks, past, snapshot.rungs, snapshot.uncontained)
    if decision is not None and decision.rung in snapshot.barren:
        decision = exhausted(decision, snapshot.rungs)
    if decision is None or decision.rung in snapshot.barren:
        repeats = 0 < snapshot.fruitless < FRUITLESS and not snapshot.open  # else a verdict comes first
        again = snapshot.unanswered or repeats
        return Pause(min(PATIENCE_S * 2**snapshot.waits, LONGEST_PATIENCE_S)) if again else None
    top = snapshot.fidelities[-1]
    sigma = measure_noise(past, top).sigma
    return OpenBlock(decision, assign_roles(past, sigma, top, count, snapshot.steering.pinned))


def _count(snapshot: Snapshot, needs: _Needs) -> int:
    """Return how many proposals are wanted, none while trials wait for all slots that could take them.

    A planner that waits for others is asked for the slots that nothing needed runs in, and for those that will be free
    when the answer comes; where slots are many, it is asked before. Its answer should not take much longer than a
    trial: it could not know what has ended meanwhile.
    """
    needed = set(needs.trials) - set(needs.ties)
    waiting = len(needed.difference(snapshot.running))
    takers, soon, waits_for_others = snapshot.free, 0, snapshot.proposal_s > 0
    if waits_for_others:
        takers += sum(trial not in needed for trial in snapshot.running)
        soon = snapshot.soon
    if min(snapshot.slots, takers + (soon if snapshot.slots > FEW_SLOTS else 0)) <= waiting:
        return 0
    count = min(snapshot.slots, takers + soon) * min(snapshot.a_slot, EXPERIMENTS_A_SLOT) - waiting
    if waits_for_others:
        longest_s = LONGEST_ANSWER * snapshot.expected_s[snapshot.fidelities[0]]
        count = min(count, max(1, math.ceil(longest_s / snapshot.proposal_s)))
    return count if snapshot.experiments_left is None else min(count, snapshot.experiments_left)


def _speculation(snapshot: Snapshot, needs: _Needs) -> list[TrialKey]:
    """Return trials that are worth running where a slot would idle while others run or a question is out."""
    if not (snapshot.running or snapshot.asking or snapshot.paused):
        return []
    ahead = list(needs.ahead)
    if snapshot.wants_more and (snapshot.asking or snapshot.paused):
        ahead += _seeds_ahead(snapshot)
    return ahead


def _seeds_ahead(snapshot: Snapshot) -> list[TrialKey]:
    """Return further trials of the incumbent, the shortest first: they tell its score and its noise."""
    leader = snapshot.leader
    assert leader is not None
    least, a_slot, most = SEEDS_AHEAD
    own = screen_seeds(leader.id, min(most, max(least, a_slot * snapshot.slots)))
    return [
        TrialKey(leader.id, seed, fidelity)
        for fidelity in snapshot.fidelities
        for seed in own
        if seed not in leader.tried(fidelity)
    ]


def _wait_or_stop(snapshot: Snapshot, needs: _Needs) -> Wait | Stop:
    """Return the last step of a session if nothing runs that is worth waiting for."""
    judging, going_on = bool(needs.trials), snapshot.wants_more and snapshot.trial_fits
    reasons = (
        any(trial in snapshot.running for trial in needs.trials),
        any(snapshot.cramped or t.sibling in snapshot.unready for t in needs.trials if snapshot.in_time(t)),
        going_on and (snapshot.asking or snapshot.paused),
        (judging or going_on) and snapshot.running and not snapshot.free,  # a slot will be free
        snapshot.explaining is not None and snapshot.trial_fits,
    )
    if snapshot.left_s > 0 and any(reasons):
        first = _fitting(snapshot, _needed_now(snapshot, needs))[: snapshot.slots * snapshot.a_slot]
        return Wait(_why_idle(snapshot), tuple(first))
    if snapshot.solved and not judging:
        return Stop(Ending("finished", snapshot.solved))
    if judging or not going_on:
        return Stop(Ending("stopped", _spent(snapshot)))
    if snapshot.given_up:
        return Stop(Ending("stopped", snapshot.given_up))
    return Stop(Ending("finished", "the planner has nothing new to propose"))


def _why_idle(snapshot: Snapshot) -> Idle:
    """Return why a slot is free."""
    if snapshot.cramped:
        return "room"
    if snapshot.leader is None:
        return "baseline"
    if snapshot.solved or snapshot.experiments_left == 0 or not snapshot.trial_fits:
        return "end"
    return "answer" if snapshot.asking or snapshot.paused else "nothing"


def _spent(snapshot: Snapshot) -> str:
    """Return what is used up: experiments or time."""
    limit = snapshot.grant.experiments
    if limit is not None and snapshot.experiments_left == 0 and not snapshot.open:
        return f"{experiments_done(snapshot.experiments)} of {counted(limit, 'experiment')} used"
    granted = format_duration(snapshot.grant.wall_s)
    if snapshot.left_s < 1.0:
        return f"{granted} of {granted} used"
    return f"{format_duration(snapshot.left_s)} of {granted} left, too little for another trial"
