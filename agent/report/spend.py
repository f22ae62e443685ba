"""Cost of a campaign so far."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from memory.ledger import GPU_S, WALL_S, Ledger
from memory.records import Experiment


@dataclass(frozen=True)
class Spend:
    """Seconds of controllers, trials and GPUs; requests, tokens and dollars of language models."""

    wall_s: float
    trials_s: float
    gpu_s: float
    calls: int
    tokens: int
    dollars: float


def spend_of(ledger: Ledger, experiments: Sequence[Experiment]) -> Spend:
    """Return the totals from the ledger."""
    calls = ledger.calls()
    return Spend(
        wall_s=ledger.spent(WALL_S),
        trials_s=math.fsum(trial.seconds for e in experiments for trial in e.all_trials),
        gpu_s=ledger.spent(GPU_S),
        calls=len(calls),
        tokens=sum(call.tokens_in + call.tokens_out for call in calls),
        dollars=math.fsum(call.dollars for call in calls),
    )
