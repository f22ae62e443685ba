"""Budget of a campaign: wall-clock time and experiments that the user grants.

A grant is kept in the ledger as totals of the campaign. Repeating the command while some of it is left changes nothing:
after a crash, the campaign continues with the rest. Repeating it when the budget is used up grants the same amount
again. A different request replaces the last one, counted from the time of that one.
"""

from __future__ import annotations

import statistics
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from agent.executor.trial import FIDELITIES, LOWEST
from memory.ledger import WALL_S, Ledger
from memory.records import Device, Experiment, Grant

_RESERVE = 1.2


def experiments_done(experiments: Sequence[Experiment]) -> int:
    """Experiments with a verdict, the baseline not counted."""
    return sum(1 for e in experiments if e.block > 0 and e.verdict is not None)


def usual_s(experiments: Sequence[Experiment], fidelity: str, device: Device | None = None) -> float | None:
    """Return the median time of a completed trial at a fidelity in seconds, None before the first one.

    With `device`, that of a trial there. Without one at that fidelity, the times of others are scaled by their share of
    the training budget.
    """
    done = [t for e in experiments for t in e.all_trials if t.status == "completed"]
    if device is not None:  # trials of older versions do not say where they ran
        done = [t for t in done if t.device == device] or [t for t in done if t.device is None]
    own = [t.seconds for t in done if t.fidelity == fidelity]
    others = [t.seconds * FIDELITIES[fidelity] / FIDELITIES[t.fidelity] for t in done]
    return statistics.median(own or others) if done else None


def expected_s(experiments: Sequence[Experiment], fidelity: str = LOWEST, device: Device | None = None) -> float:
    """Return the time to reserve for a trial on a device, or on the slower one, in seconds; 0 before the first one."""
    devices: tuple[Device, ...] = ("cpu", "gpu") if device is None else (device,)
    return _RESERVE * max(usual_s(experiments, fidelity, each) or 0.0 for each in devices)


def grant(ledger: Ledger, wall_s: float, experiments: int | None) -> Grant:
    """Record the request of a user, unless it is already in force; return the grant in force."""
    judged = ledger.experiments()
    spent, done = ledger.spent(WALL_S), experiments_done(judged)
    current = ledger.grant()
    start_s, start_n = spent, done
    # What is too little for one more trial is as good as spent; but a controller that was killed, interrupted or has
    # crashed leaves work for the next one.
    ending = ledger.ending()
    done_with = ledger.session() is None if ending is None else ending.is_orderly
    over = done_with and current is not None and _exhausted(current, spent + expected_s(judged), done)
    if current is not None and not over:
        if (current.asked_wall_s, current.asked_experiments) == (wall_s, experiments):
            return current
        start_s = current.wall_s - current.asked_wall_s
        start_n = done if current.experiments is None else current.experiments - (current.asked_experiments or 0)
    # A wish that is spent already, counted from back then, is counted from now.
    wall_total = start_s + wall_s if start_s + wall_s > spent else spent + wall_s
    total = None if experiments is None else (start_n if start_n + experiments > done else done) + experiments
    granted = Grant(time.time(), wall_total, total, wall_s, experiments)
    ledger.add_grant(granted)
    return granted


def _exhausted(current: Grant, spent: float, done: int) -> bool:
    return spent >= current.wall_s or (current.experiments is not None and done >= current.experiments)


@dataclass
class Budget:
    """The grant in force, the clock of this controller and what else it has spent, which reach the ledger at times."""

    ledger: Ledger
    grant: Grant
    _uses: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float), init=False)

    def __post_init__(self) -> None:
        self._spent = self.ledger.spent(WALL_S)
        self._mark = time.monotonic()

    def remember(self) -> None:
        """Append the time since the last call to the ledger."""
        now = time.monotonic()
        self.ledger.add_spend(WALL_S, now - self._mark)
        self._spent += now - self._mark
        self._mark = now
        for kind, amount in self._uses.items():
            self.ledger.add_spend(kind, amount)
        self._uses.clear()

    def rest(self) -> None:
        """Leave the time since the last call to this or to `remember` uncounted: the user has paused the campaign."""
        self._mark = time.monotonic()

    def use(self, kind: str, amount: float) -> None:
        """Count spend of another kind; it reaches the ledger with the time."""
        if amount > 0:
            self._uses[kind] += amount

    def heartbeat(self, every_s: float = 30.0) -> None:
        """Remember if that is due, so that a killed controller loses little of its account."""
        if time.monotonic() - self._mark > every_s:
            self.remember()

    def spent_s(self) -> float:
        """Wall-clock seconds that controllers have spent on this campaign."""
        return self._spent + time.monotonic() - self._mark

    def left_s(self) -> float:
        """Wall-clock seconds left, not below zero."""
        return max(0.0, self.grant.wall_s - self.spent_s())
