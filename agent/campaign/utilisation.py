"""Utilisation of the slots: the share of their time in which a trial ran, and why they were idle in the rest.

A pause stops the clock of the budget. The slots that are idle in it are not counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from memory.ledger import WALL_S, Ledger

Idle = Literal["between", "answer", "room", "nothing", "baseline", "end", "pause"]
WHY_IDLE: Mapping[Idle, str] = {
    "between": "between two trials",
    "answer": "waiting for an answer",
    "room": "no room on the disk",
    "nothing": "nothing new to propose",
    "baseline": "the baseline came first",
    "end": "the budget was ending",
}
# Kinds of spend, beside those of the ledger: seconds of slots, and trials as shares of a full one.
BUSY_S, FULL_TRIALS = "busy_s", "full_trials"
GPU_BUSY_S, GPU_WATCHED_S = "gpu_busy_s", "gpu_watched_s"  # a mean over all GPUs
CORES_BUSY_S, CORES_S = "cores_busy_s", "cores_s"  # of the cores beside GPUs
_SHOWN = 0.005  # of the time of all slots; a reason for less is not told


def idle_s(why: Idle) -> str:
    """Return the kind of spend for slots that are idle for this reason."""
    return f"idle_s: {why}"


@dataclass(frozen=True)
class Utilisation:
    """The use of the slots over a time.

    Attributes:
        busy: the share of slot time in which a trial ran. idle: the share for each reason, the largest first.
        full_trials_an_hour: trials that ended in an hour, each counted by its share of a full one.
        gpu: the share of the time in which the GPUs ran a kernel, None where that is not known.
        cores: the share of the time of cores beside GPUs in which a trial ran, None where there are none. They take
            code that trains one at a time, so they are not counted as idle.
    """

    busy: float
    idle: Mapping[str, float]
    full_trials_an_hour: float
    gpu: float | None = None
    cores: float | None = None

    def __str__(self) -> str:
        """Return 'busy 96 %; idle 3 % waiting for an answer; 12.5 full trials an hour; GPU busy 61 %'.

        Beside GPUs, '; cores beside it busy 8 %' follows.
        """
        idle = [f"{share:.0%} {why}" for why, share in self.idle.items() if share >= _SHOWN]
        why = f"; idle {', '.join(idle)}" if idle else ""
        gpu = "" if self.gpu is None else f"; GPU busy {self.gpu:.0%}"
        cores = "" if self.cores is None else f"; cores beside it busy {self.cores:.0%}"
        rate = f"{self.full_trials_an_hour:.1f} full trials an hour"
        return f"busy {self.busy:.0%}{why}; {rate}{gpu}{cores}".replace("%", " %")


def read_utilisation(ledger: Ledger, since: float = 0.0) -> Utilisation | None:
    """Return the use of a campaign's slots since a time; None before anything is known, as in old ledgers."""
    busy, wall_s = ledger.spent(BUSY_S, since), ledger.spent(WALL_S, since)
    idle = {words: ledger.spent(idle_s(why), since) for why, words in WHY_IDLE.items()}
    total = busy + sum(idle.values())
    if total <= 0 or wall_s <= 0:
        return None
    shares = {why: seconds / total for why, seconds in sorted(idle.items(), key=lambda each: -each[1]) if seconds}
    watched, beside = ledger.spent(GPU_WATCHED_S, since), ledger.spent(CORES_S, since)
    gpu = ledger.spent(GPU_BUSY_S, since) / watched if watched else None
    cores = ledger.spent(CORES_BUSY_S, since) / beside if beside else None
    return Utilisation(busy / total, shares, 3600.0 * ledger.spent(FULL_TRIALS, since) / wall_s, gpu, cores)
