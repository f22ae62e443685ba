"""A campaign at one moment: all that the decision on the next step depends on."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from agent.analyzer.judging.ending_rule import reached
from agent.analyzer.judging.noise import Evidence
from agent.campaign.budget import expected_s, experiments_done
from agent.campaign.steering import UNSTEERED, Steering
from agent.planner.contract import Rung
from memory.leaderboard import incumbent
from memory.objective import Objective
from memory.records import Block, Device, Experiment, Grant, TrialKey


@dataclass(frozen=True)
class Snapshot:
    """A campaign at one moment.

    Attributes:
        experiments, blocks: the ledger's, oldest first.
        fidelities: those that a candidate climbs, lowest first.
        rungs: the rungs that the planner can propose on and that may run here.
        uncontained: why code may not run here, None where it may.
        slots: how many there are. free: how many nothing runs in. soon: how many more will be free within the usual
            time of an answer. a_slot: trials that a slot takes at once, at most. device: of these slots, None for any.
        free_cores: how many cores beside GPUs are free. alone: the experiments whose code such a core takes, since it
            trains one at a time.
        lines_of_code: of the incumbent and of each experiment without a verdict, by identity.
        grant: the budget in force. left_s: the wall-clock seconds left of it.
        running: the trials that run. cramped: others wait for room on the disk.
        asking: a question is out. explaining: the block that it asks to explain, None for one for proposals.
        explains: the planner can explain a block.
        proposal_s: usual seconds of an answer for each proposal, 0 for a planner that answers at once.
        paused: the planner is not asked for a while, since a model was asked in vain.
        barren: rungs on which the planner had nothing new since the last verdict.
        unanswered: while it looked there, the newest request to a model failed.
        fruitless: how many questions in a row a model has answered with nothing new.
        waits: how often it has been waited for an answer since the last one.
        given_up: why a model or program is asked no more, empty while it is.
        siblings: the numbers of the sibling networks to confirm on. unready: those of them that have no data yet.
        until: the score at which the user wants the campaign to end, None for no such end.
        steering: what the user's interventions ask for.
    """

    objective: Objective
    experiments: Sequence[Experiment]
    blocks: Sequence[Block]
    fidelities: tuple[str, ...]
    rungs: tuple[Rung, ...]
    uncontained: str | None
    slots: int
    free: int
    lines_of_code: Mapping[str, int]
    grant: Grant
    left_s: float
    soon: int = 0
    a_slot: int = 1
    device: Device | None = None
    free_cores: int = 0
    alone: Collection[str] = frozenset()
    running: Collection[TrialKey] = frozenset()
    cramped: bool = False
    asking: bool = False
    explaining: int | None = None
    explains: bool = False
    proposal_s: float = 0.0
    paused: bool = False
    barren: frozenset[str] = frozenset()
    unanswered: bool = False
    fruitless: int = 0
    waits: int = 0
    given_up: str = ""
    siblings: tuple[int, ...] = ()
    unready: Collection[int] = ()
    until: float | None = None
    steering: Steering = UNSTEERED

    @cached_property
    def evidence(self) -> Evidence:
        """Return the measurements as the judge uses them."""
        return Evidence(self.experiments, self.fidelities)

    @cached_property
    def leader(self) -> Experiment | None:
        """Return the incumbent, None before there is one."""
        return incumbent(self.experiments)

    @cached_property
    def open(self) -> list[Experiment]:
        """Return the experiments without a verdict."""
        return [e for e in self.experiments if e.verdict is None]

    @property
    def experiments_left(self) -> int | None:
        """Return how many experiments may still be proposed, None without such a limit."""
        granted = self.grant.experiments
        return None if granted is None else max(0, granted - experiments_done(self.experiments) - len(self.open))

    @cached_property
    def expected_s(self) -> dict[str, float]:
        """Return the time to reserve for a trial at each fidelity."""
        return {fidelity: expected_s(self.experiments, fidelity, self.device) for fidelity in self.fidelities}

    @property
    def trial_fits(self) -> bool:
        """Return whether a trial that is started now can end in time."""
        return self.left_s > self.expected_s[self.fidelities[0]]

    def in_time(self, trial: TrialKey) -> bool:
        """Return whether this trial, started now, can end in time."""
        return self.left_s > self.expected_s[trial.fidelity]

    def in_time_on_core(self, trial: TrialKey) -> bool:
        """Return the same for a core beside GPUs."""
        return self.left_s > expected_s(self.experiments, trial.fidelity, "cpu")

    @cached_property
    def solved(self) -> str:
        """Return why nothing is left to improve or the user's score is reached, empty while neither holds."""
        until = self.until if self.steering.until is None else self.steering.until
        return (reached(self.leader, self.fidelities[-1], until) or "") if self.leader else ""

    @property
    def wants_more(self) -> bool:
        """Return whether experiments are left to propose that could improve something."""
        return self.leader is not None and not self.solved and self.experiments_left != 0

    @property
    def may_ask(self) -> bool:
        """Return whether a planner may be asked for another experiment now."""
        return self.wants_more and self.trial_fits and not self.asking and not self.paused
