"""The trials of a campaign in the slots of its executor: started, watched, scored and written into the ledger."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from agent.analyzer.scoring.fingerprint import analyzer_fingerprint
from agent.analyzer.scoring.score import Scores
from agent.campaign.budget import Budget
from agent.campaign.folder import CampaignFolder
from agent.campaign.registrar import commit_of
from agent.campaign.utilisation import (
    BUSY_S,
    CORES_BUSY_S,
    CORES_S,
    FULL_TRIALS,
    GPU_BUSY_S,
    GPU_WATCHED_S,
    Idle,
    idle_s,
)
from agent.executor.executor import Attempt, Executor
from agent.executor.gpu_load import GpuLoad
from agent.executor.trial import FIDELITIES, Job, Outcome, Trial, steps_of
from agent.loop.hosts import CampaignTimes, CampaignTrials
from agent.screen.live import LiveView
from agent.training.score_outcome import score_outcome
from memory.ledger import GPU_S, Ledger
from memory.records import ProposalKind, TrialKey, TrialResult, TrialStatus
from simulator.dataset import FrozenData


class RunningTrials:
    """Runs trials, and keeps account of the time of the slots."""

    def __init__(
        self,
        campaign: CampaignFolder,
        ledger: Ledger,
        budget: Budget,
        view: LiveView,
        host: CampaignTrials,
        executor: Executor[Trial],
    ) -> None:
        self._campaign, self._ledger, self._budget = campaign, ledger, budget
        self._full_steps = host.dataset.regime.training.full_steps
        self._view, self._host, self.executor = view, host, executor
        self._unready = set[int]()  # siblings without data
        self._killed = set[str]()  # trials that a foreign signal has ended once
        self._started = dict[str, float]()  # when, by trial
        self._seen = dict[int, Attempt]()  # what ran at the last look, by slot
        self._looked_at = self._sampled_at = time.monotonic()
        self._gpu_load = GpuLoad(executor.gpus_here)

    @property
    def running(self) -> frozenset[TrialKey]:
        """Return what runs."""
        return frozenset(map(_key, self.executor.trainings))

    @property
    def commits(self) -> set[str]:
        """Return the commits whose code runs."""
        return {trial.job.commit for trial in self.executor.trainings}

    def free_within(self, seconds: float) -> int:
        """Return how many slots are likely to fall free within a time."""
        times, now = CampaignTimes(self._ledger.experiments(), self._budget), time.monotonic()

        def left_s(trial: Trial) -> float:
            return self._started[trial.id] + times.expected_s(trial, self.executor.device) - now

        running = [batch for slot, (_, batch) in self.executor.running.items() if slot in self.executor.main_slots]
        return sum(max(map(left_s, batch)) < seconds for batch in running)

    def unready(self) -> frozenset[int]:
        """Return the siblings that have been wanted, and whose data are still being made."""
        siblings = self._host.siblings
        self._unready = {n for n in self._unready if not siblings.has(n) and n in siblings.numbers}
        return frozenset(self._unready)

    def start(self, wanted: Sequence[TrialKey]) -> None:
        """Start trials, as many as have data, find a slot and can end in time."""
        self._unready |= {key.sibling for key in wanted if not self._host.siblings.has(key.sibling)}
        times = CampaignTimes(self._ledger.experiments(), self._budget)
        started = self.executor.submit([self._trial(key) for key in wanted if key.sibling not in self._unready], times)
        self._started |= dict.fromkeys((trial.id for trial in started), time.monotonic())
        self._account("between")

    def poll(self, idle: Idle, first: Sequence[TrialKey] = ()) -> bool:
        """Keep the results of trials that have ended; return whether there are any. `idle` says why slots are free.

        Trials `first` start in their slots before they are scored.
        """
        before = self.running
        ended = self.executor.poll()
        self._account(idle)
        if ended and first:
            self.start(first)
        for trial, outcome in ended:
            self._remember(trial, outcome)
        return self.running != before

    def stop(self) -> None:
        """End all trials without a result."""
        self.executor.stop()
        self._gpu_load.close()

    def has_room(self) -> bool:
        """Return whether trials have stopped to wait for room on the disk."""
        self.executor.cramped = self.executor.cramped and not self._host.has_room()
        return not self.executor.cramped

    def _account(self, idle: Idle) -> None:
        """Count the time since the last look. A slot was busy if the same trials ran in it then and now."""
        now, running = time.monotonic(), {slot: attempt for slot, (attempt, _) in self.executor.running.items()}
        passed, main, beside = now - self._looked_at, self.executor.main_slots, self.executor.cores_beside
        busy = [slot for slot, attempt in self._seen.items() if running.get(slot) is attempt]
        seen, busy_main = (sum(slot in main for slot in slots) for slots in (self._seen, busy))
        self._budget.use(BUSY_S, passed * busy_main)
        self._budget.use(idle_s("between"), passed * (seen - busy_main))
        self._budget.use(idle_s(idle), passed * (len(main) - seen))
        if idle != "pause":
            self._budget.use(CORES_BUSY_S, passed * (len(busy) - busy_main))
            self._budget.use(CORES_S, passed * len(beside))
        self._seen, self._looked_at = running, now
        if (share := self._gpu_load.sampled()) is not None:
            passed, self._sampled_at = now - self._sampled_at, now
            if idle != "pause":
                self._budget.use(GPU_BUSY_S, share * passed)
                self._budget.use(GPU_WATCHED_S, passed)

    def _trial(self, key: TrialKey) -> Trial:
        experiment = self._ledger.experiment(key.experiment)
        assert experiment is not None
        steps = steps_of(key.fidelity, self._full_steps)
        job = Job(commit_of(experiment), experiment.configuration, key.seed, steps)
        return Trial(key.experiment, key.fidelity, job, key.sibling)

    def _remember(self, trial: Trial, outcome: Outcome) -> None:
        # No result where the trial is not to blame: data that went away, a full disk, or a killer like the kernel's
        # when memory runs out.
        dataset = self._host.siblings.checked(trial.sibling)
        cramped = outcome.status != "completed" and not self._host.has_room()
        if cramped or (outcome.killed and trial.id not in self._killed):
            self._killed.add(trial.id)
            self._ledger.add_event(f"{trial.id} {outcome.reason}; it will be tried once more")
            return
        experiment = self._ledger.experiment(trial.experiment)
        assert experiment is not None
        result = judge_outcome(trial, outcome, dataset, self._campaign.folder, experiment.kind)
        self._ledger.add_result(result)
        self._budget.use(FULL_TRIALS, FIDELITIES[trial.fidelity])
        if outcome.device == "gpu":
            self._budget.use(GPU_S, result.seconds)
        self._budget.remember()
        self._ledger.keep_copy()
        self._view.say(f"{result.trial} {self._line(result)} ({result.seconds:.0f} s)", quiet=True)

    def _line(self, result: TrialResult) -> str:
        """Return the outcome of a trial in words. A score on a sibling is left to `show` and the report."""
        if result.score is None:
            return f"{result.status.replace('_', ' ')}: {result.reason}"
        return "completed" if result.sibling else f"{self._campaign.settings.objective} {result.score:.4f}"


def _key(trial: Trial) -> TrialKey:
    return TrialKey(trial.experiment, trial.job.seed, trial.fidelity, trial.sibling)


def judge_outcome(
    trial: Trial, outcome: Outcome, dataset: FrozenData, campaign: Path, kind: ProposalKind = "candidate"
) -> TrialResult:
    """Return the result of a trial for the ledger. What a diagnosis hands in is not looked at."""
    status: TrialStatus = "diagnosed"
    reason, scores = outcome.reason, Scores()
    if kind == "candidate":
        status, reason, scores = score_outcome(outcome, dataset)
    return TrialResult(
        trial=trial.id,
        experiment=trial.experiment,
        seed=trial.job.seed,
        fidelity=trial.fidelity,
        status=status,
        reason=reason,
        scores=scores,
        seconds=outcome.seconds,
        folder=str(outcome.folder.relative_to(campaign)),
        finished_at=time.time(),
        analyzer=analyzer_fingerprint(),
        dataset=dataset.manifest.fingerprint(),
        truth=dataset.manifest.truth,
        sibling=trial.sibling,
        device=outcome.device,
    )
