"""Time limits of trials, from the times of earlier ones."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import pytest

from agent.campaign.budget import Budget
from agent.executor.trial import Job, Trial
from agent.loop.hosts import CampaignTimes
from memory.records import Experiment, Verdict
from tests.agent.experiments import FIDELITY, scored

TRIAL = Trial("e0009", FIDELITY, Job("c" * 40, {}, 0, 100))
BUDGET = cast("Budget", None)  # a limit does not depend on it


def timed(name: str, seconds: float, *, accepted: bool = True, trials: int = 4) -> Experiment:
    made = scored(name, [0.3] * trials, verdict=Verdict("accepted" if accepted else "rejected", ""))
    return replace(made, trials=tuple(replace(trial, seconds=seconds) for trial in made.trials))


@pytest.mark.parametrize(
    ("past", "limit"),
    [
        ([], 3600.0),
        ([timed("e0001", 1.0)], 60.0),
        ([timed("e0001", 10.0)], 80.0),
        ([timed("e0001", 10.0), timed("e0002", 79.0, accepted=False, trials=40)], 80.0),
        ([timed("e0001", 10.0), timed("e0002", 50.0, trials=1)], 400.0),
        ([timed("e0001", 10.0, accepted=False)], 80.0),
    ],
)
def test_only_accepted_code_lengthens_the_limit(past: list[Experiment], limit: float) -> None:
    assert CampaignTimes(past, BUDGET).limit_s(TRIAL, "cpu") == limit


def test_each_device_has_times_of_its_own() -> None:
    on_gpu, on_cores = (timed("e0001", seconds) for seconds in (10.0, 200.0))
    trials = [replace(t, device="gpu") for t in on_gpu.trials] + [replace(t, device="cpu") for t in on_cores.trials]
    times = CampaignTimes([replace(on_gpu, trials=tuple(trials[:5]))], BUDGET)
    assert (times.limit_s(TRIAL, "gpu"), times.limit_s(TRIAL, "cpu")) == (80.0, 1600.0)
    times = CampaignTimes([replace(on_gpu, trials=tuple(trials[:4]))], BUDGET)
    assert (times.limit_s(TRIAL, "gpu"), times.limit_s(TRIAL, "cpu")) == (80.0, 3600.0)  # none has ended there
    assert (times.expected_s(TRIAL, "gpu"), times.expected_s(TRIAL, "cpu")) == (12.0, 0.0)
