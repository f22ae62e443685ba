"""What one trial found, beside the truth where that is known."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from agent.analyzer.scoring.alignment import AlignedLaw, align
from agent.analyzer.scoring.decode import decode
from agent.analyzer.scoring.dynamics import EstimatedDynamics, rollouts
from agent.analyzer.scoring.estimate import Estimate, EstimateError, read_estimate
from agent.campaign.folder import CampaignFolder
from agent.executor.artifacts import ESTIMATE
from memory.leaderboard import typical_trial
from memory.records import Experiment, TrialResult
from simulator.dataset import Dataset, FrozenData
from simulator.kinetics import Floats
from simulator.network import Ints


@dataclass(frozen=True)
class Found:
    """An estimate that has passed the analyzer's door, and the data that it was learned from."""

    trial: TrialResult
    estimate: Estimate
    data: FrozenData

    @cached_property
    def dynamics(self) -> EstimatedDynamics:
        """dc/dt as the estimate has it."""
        return EstimatedDynamics(self.data.graph, self.estimate)

    @cached_property
    def decoded(self) -> Ints:
        """The nearest consistent integers, shape (E,)."""
        return decode(self.data.graph, self.estimate.sto_all, self.data.regime.constraints)

    @cached_property
    def rollouts(self) -> tuple[Floats, Floats]:
        """Held-out trajectories, and where the estimate goes from their first frames: both (T, F, N)."""
        return rollouts(self.dynamics, self.data)


@dataclass(frozen=True)
class Recovery(Found):
    """The same where the truth is known."""

    data: Dataset

    @cached_property
    def exact(self) -> NDArray[np.bool_]:
        """Which coefficients are right, shape (E,)."""
        return np.asarray(self.decoded == self.data.truth.sto_all)

    @cached_property
    def law(self) -> AlignedLaw:
        """Rate constants and both functions, on the scales of the truth."""
        return align(self.dynamics, self.data)


def found_by(campaign: CampaignFolder, experiment: Experiment, data: FrozenData) -> Found | None:
    """What the trial found whose score is nearest to the experiment's mean; None if no estimate is left of it."""
    trial = typical_trial(experiment, campaign.settings.fidelity)
    if trial is None:
        return None
    try:
        estimate = read_estimate(campaign.folder / trial.folder / ESTIMATE, data.graph)
    except EstimateError:
        return None
    return Recovery(trial, estimate, data) if isinstance(data, Dataset) else Found(trial, estimate, data)
