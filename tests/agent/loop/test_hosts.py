"""The time limit of a trial, by what trials have taken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from agent.executor.trial import Job, Trial
from agent.loop.hosts import CampaignTimes

PROBE = Trial("e0009", "probe", Job("c", {}, 0, 1))


@dataclass
class Finished:
    """A trial that took so many seconds."""

    seconds: float
    fidelity: str = "probe"
    status: str = "completed"


@dataclass
class Tried:
    """An experiment with its trials."""

    trials: list[Finished]


@pytest.mark.parametrize(
    ("baseline", "later", "limit_s"),
    [
        ([], [], 3600.0),
        ([10.0], [], 80.0),
        ([1.0], [], 60.0),
        ([10.0], [70.0] * 9, 320.0),
        ([10.0], [300.0] * 99, 320.0),
        ([], [20.0], 160.0),
    ],
)
def test_slow_trials_raise_the_limit_only_so_far(baseline: list[float], later: list[float], limit_s: float) -> None:
    past: Any = [Tried([*map(Finished, baseline)]), Tried([*map(Finished, later)])]
    budget: Any = None
    assert CampaignTimes(past, budget).limit_s(PROBE) == limit_s
