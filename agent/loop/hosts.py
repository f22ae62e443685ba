"""The campaign as its executor and its planner see it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from agent.analyzer.diagnostics.diagnose import Diagnostics, diagnose
from agent.base.untrusted import tail_of
from agent.campaign.budget import Budget, expected_s, usual_s
from agent.campaign.folder import CampaignFolder
from agent.campaign.registrar import Registrar, commit_of
from agent.campaign.sibling_networks import SiblingNetworks
from agent.executor.artifacts import ESTIMATE, PRINTED, CurvePoint, read_curves
from agent.executor.code.code_state import CodeState
from agent.executor.code.worktree import Worktrees
from agent.executor.sandbox.limits import lack_of_room
from agent.executor.trial import Trial, climb, steps_of
from agent.planner.contract import Objection, Terms
from agent.planner.proposal import Proposal
from agent.planner.questions.statement import statement_of, unused_files
from agent.screen.live import LiveView
from memory.ledger import Ledger
from memory.records import Device, Experiment, RunningTrial, TrialResult
from simulator.dataset import FrozenData

_OUTPUT_BYTES = 16_384
# A trial may take this many times what trials of this campaign usually take, and at least the floor.
_LIMIT_FACTOR, _LIMIT_FLOOR_S, _FIRST_LIMIT_S = 8.0, 60.0, 3600.0


@dataclass
class CampaignTrials:
    """The trials of a campaign; see `TrialHost`.

    Attributes:
        dataset: the data of the campaign's own network. siblings: those, and the data of its siblings.
        slots: how many trials run at once.
        check: raises `KeyboardInterrupt` if the user asked to stop.
    """

    campaign: CampaignFolder
    ledger: Ledger
    budget: Budget
    view: LiveView
    dataset: FrozenData
    check: Callable[[], None]
    slots: int = 1
    cramped: bool = field(init=False, default=False)  # trials wait for room on the disk
    siblings: SiblingNetworks = field(init=False)

    def __post_init__(self) -> None:
        """Raise `StoichloopError` if the data of a sibling are not those with which the campaign began."""
        self.siblings = SiblingNetworks(self.campaign, self.dataset, self.note)

    def observations_of(self, training: Trial) -> Path:
        """See `TrialHost`."""
        return self.siblings.observations(training.sibling)

    def folder_of(self, training: Trial) -> Path:
        """See `TrialHost`. Attempts after the first have a number."""
        attempt = self.ledger.attempts(training.id) + 1
        while (folder := self.campaign.trial_folder(training.id, attempt)).exists():
            attempt += 1
        return folder

    def has_room(self) -> bool:
        """See `TrialHost`. Prints once why trials wait."""
        lack = lack_of_room(self.campaign.folder, self.slots)
        if lack and not self.cramped:
            self.view.say(f"trials wait: {lack}")
        self.cramped = lack is not None
        return not self.cramped

    def started(self, training: Trial, folder: Path, pid: int) -> None:
        """See `TrialHost`."""
        path = str(folder.relative_to(self.campaign.folder))
        start = RunningTrial(training.id, training.experiment, training.job.steps, path, pid, time.time())
        self.ledger.add_start(start)

    def tick(self) -> None:
        """See `TrialHost`."""
        self.check()
        self.budget.heartbeat()
        self.view.tick()

    def note(self, sentence: str) -> None:
        """See `TrialHost`."""
        self.ledger.add_event(sentence)
        self.view.say(sentence)


@dataclass(frozen=True)
class CampaignTimes:
    """The time that trials may take, by what trials of the campaign have taken; see `TimeLimits`.

    A batch asks for it once for each trial and slot, and an answer looks at all trials of the past: each is kept.
    """

    past: Sequence[Experiment]
    budget: Budget
    _kept: dict[tuple[str, Device], tuple[float, float]] = field(default_factory=dict, init=False)

    def expected_s(self, training: Trial, device: Device) -> float:
        """See `TimeLimits`."""
        return self._times(training.fidelity, device)[0]

    def limit_s(self, training: Trial, device: Device) -> float:
        """See `TimeLimits`."""
        return self._times(training.fidelity, device)[1]

    def _times(self, fidelity: str, device: Device) -> tuple[float, float]:
        key = fidelity, device
        if key not in self._kept:
            self._kept[key] = expected_s(self.past, *key), _limit_s(self.past, *key)
        return self._kept[key]

    def left_s(self) -> float:
        """See `TimeLimits`."""
        return self.budget.left_s()


def _limit_s(past: Sequence[Experiment], fidelity: str, device: Device | None = None) -> float:
    """Return the longest time of a trial: by that of the slowest accepted code, so that no other code lengthens it."""
    accepted = [e for e in past if e.accepted]
    times = [usual_s([e], fidelity, device) for e in accepted] or [usual_s(past, fidelity, device)]
    usual = max((s for s in times if s is not None), default=None)
    return _FIRST_LIMIT_S if usual is None else max(_LIMIT_FLOOR_S, _LIMIT_FACTOR * usual)


def _worst(experiment: Experiment) -> TrialResult | None:
    """Return the trial with the lowest score at the fidelity of the newest one; a mean over seeds hides it."""
    completed = [trial for trial in experiment.trials if trial.score is not None]
    return min(
        (trial for trial in completed if trial.fidelity == completed[-1].fidelity),
        key=lambda trial: trial.score or 0.0,
        default=None,
    )


class CampaignPlanning:
    """The experiments of a campaign; see `PlannerHost`."""

    def __init__(
        self,
        campaign: CampaignFolder,
        dataset: FrozenData,
        worktrees: Worktrees,
        registrar: Registrar,
        past: Sequence[Experiment],
        check: Callable[[], None],
        slots: int = 1,
    ) -> None:
        self._campaign, self._dataset, self._worktrees, self._past = campaign, dataset, worktrees, past
        self._objection, self._ledger, self._check = registrar.objections(past), registrar.ledger, check
        self._slots = slots

    def terms(self) -> Terms:
        """See `PlannerHost`."""
        settings = self._campaign.settings
        steps = {fidelity: steps_of(fidelity, settings.full_steps) for fidelity in climb(settings.fidelity)}
        limit_s, data = _limit_s(self._past, settings.fidelity), self._dataset
        return Terms(statement_of(data), steps, self._slots, limit_s, unused_files(data))

    def diagnostics_of(self, experiment: Experiment) -> Diagnostics | None:
        """See `PlannerHost`."""
        worst = _worst(experiment)
        if worst is None:
            return None
        return diagnose(self._campaign.folder / worst.folder / ESTIMATE, self._dataset.observations_path)

    def state_of(self, experiment: Experiment) -> CodeState:
        """See `PlannerHost`."""
        return self._worktrees.at(commit_of(experiment))

    def curve_of(self, experiment: Experiment) -> list[CurvePoint]:
        """See `PlannerHost`."""
        trial = _worst(experiment) or next(iter(experiment.trials), None)
        return read_curves(self._campaign.folder / trial.folder) if trial else []

    def output_of(self, experiment: Experiment) -> str:
        """See `PlannerHost`. At most the last `_OUTPUT_BYTES` bytes are returned."""
        for trial in (experiment.incomplete or experiment.trials)[-1:]:
            with suppress(OSError):
                return tail_of(self._campaign.folder / trial.folder / PRINTED, _OUTPUT_BYTES)
        return ""

    def objection(self, proposal: Proposal) -> Objection | None:
        """See `PlannerHost`."""
        return self._objection(proposal)

    def note(self, sentence: str) -> None:
        """See `PlannerHost`."""
        if all(event.message != sentence for event in self._ledger.events()):
            self._ledger.add_event(sentence)

    def check(self) -> None:
        """See `PlannerHost`."""
        self._check()
