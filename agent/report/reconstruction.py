"""The network that one trial reconstructed, compared with the truth where that is known."""

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
from simulator.kinetics.shared_functions import SharedFunctions
from simulator.network import Ints


@dataclass(frozen=True)
class Reconstruction:
    """A validated estimate and the data that it was learned from. N metabolites, E edges."""

    trial: TrialResult
    estimate: Estimate
    data: FrozenData

    @cached_property
    def dynamics(self) -> EstimatedDynamics:
        """The estimated dc/dt."""
        return EstimatedDynamics(self.data.graph, self.estimate)

    @cached_property
    def decoded(self) -> Ints:
        """The decoded integer coefficients, shape (E,)."""
        data = self.data
        return decode(data.graph, self.estimate.sto_all, data.regime.constraints, data.stated_columns)

    @cached_property
    def rollouts(self) -> tuple[Floats, Floats]:
        """Held-out trajectories and the predictions from their first frames, both (trajectories, frames, N)."""
        return rollouts(self.dynamics, self.data)


@dataclass(frozen=True)
class ComparedReconstruction(Reconstruction):
    """A reconstruction of a network whose truth is known."""

    data: Dataset

    @cached_property
    def exact(self) -> NDArray[np.bool_]:
        """True for the edges whose coefficient is right, shape (E,)."""
        return np.asarray(self.decoded == self.data.truth.sto_all)

    @property
    def shares_functions(self) -> bool:
        """True if the true reactions share two functions, as those of the estimate do."""
        return isinstance(self.data.truth.law, SharedFunctions)

    @cached_property
    def law(self) -> AlignedLaw:
        """Rate constants and both functions, rescaled to the true units, of reactions that share functions."""
        return align(self.dynamics, self.data)


def reconstruction_of(campaign: CampaignFolder, experiment: Experiment, data: FrozenData) -> Reconstruction | None:
    """Return the reconstruction of the trial whose score is nearest to the mean; None if it has no estimate."""
    trial = typical_trial(experiment, campaign.settings.fidelity)
    if trial is None:
        return None
    try:
        estimate = read_estimate(campaign.folder / trial.folder / ESTIMATE, data.graph)
    except EstimateError:
        return None
    return (
        ComparedReconstruction(trial, estimate, data)
        if isinstance(data, Dataset)
        else Reconstruction(trial, estimate, data)
    )
