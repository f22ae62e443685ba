"""What the loop works with: one campaign's ledger, data, code states and slots, and the steps between them."""

from __future__ import annotations

import hashlib
import json
import os
import textwrap
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from agent.analyzer.estimate import EstimateError
from agent.analyzer.score import score_artifact
from agent.budget import Budget, expected_s, usual_s
from agent.campaign import Campaign
from agent.errors import StoichloopError
from agent.executor.code_state import CodeState
from agent.executor.local import LocalExecutor
from agent.executor.process import TrialProcess
from agent.executor.trial import Outcome, Trial, steps_of
from agent.executor.worktree import Worktrees, choose
from agent.planner.proposal import Proposal
from agent.view import View
from agent.workspace import Workspace
from memory.ledger import Ledger
from memory.records import Experiment, RunningTrial, Session, TrialResult
from memory.render import whole_log, working_memory, write_atomically
from simulator.dataset import Dataset

# A trial may take this many times what trials of this campaign usually take, and at least the floor.
_LIMIT_FACTOR, _LIMIT_FLOOR_S, _FIRST_LIMIT_S = 8.0, 60.0, 3600.0
START_ANEW = "mend gnn/, commit, and start another --campaign from there"
_SUBJECT = 66  # characters of a hypothesis in the first line of a commit message


@dataclass
class Bench:
    """Lives as long as its controller leads the campaign."""

    workspace: Workspace
    campaign: Campaign
    dataset: Dataset
    ledger: Ledger
    budget: Budget
    view: View
    slots: Sequence[str | None]
    check: Callable[[], None]  # raises KeyboardInterrupt when the person has asked for that
    killed: set[str] = field(init=False, default_factory=set)  # trials that a signal ended once
    worktrees: Worktrees = field(init=False)
    executor: LocalExecutor = field(init=False)

    def __post_init__(self) -> None:
        self.worktrees = Worktrees(self.workspace.repo, self.campaign.folder / "worktrees")
        self.executor = LocalExecutor(
            slots=self.slots,
            worktrees=self.worktrees,
            observations=self.dataset.observations_path,
            folder_of=self._next_folder,
            started=self._started,
            tick=self._tick,
        )

    def __enter__(self) -> Bench:
        """Take stock: tell the ledger who leads, and clear what a killed controller left behind."""
        self.worktrees.clear()
        self.ledger.add_session(Session(os.getpid(), psutil.Process().create_time(), time.time()))
        cut_off = [trial.trial for trial in self.ledger.running()]
        self.ledger.add_event(
            "controller started"
            + (f"; trials cut off before, to be run again where wanted: {', '.join(cut_off)}" if cut_off else "")
        )
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        self.budget.remember()
        self.ledger.add_event(
            "controller stopped" + ("" if kind is None else f" by {kind.__name__}: {error}".rstrip(": "))
        )
        try:
            self.write_texts()
        finally:
            self.worktrees.clear()

    # Experiments

    def baseline(self) -> Experiment:
        """The first experiment: the base commit, unchanged."""
        commit = self.campaign.settings.base_commit
        try:
            configuration = self.worktrees.at(commit).resolve({})
        except StoichloopError as error:
            raise StoichloopError(
                f"commit {commit[:12]}, which this campaign starts from: {error}; {START_ANEW}"
            ) from error
        return Experiment(
            id="e0001",
            block=0,
            parent=None,
            planner="none",
            hypothesis="the base commit as it is; its spread over seeds is the noise to beat",
            changes={},
            configuration=configuration,
            fingerprint=self._fingerprint(commit, configuration),
            proposed_at=time.time(),
        )

    def novelty(self, parent: Experiment, past: Sequence[Experiment]) -> Callable[[Proposal], bool]:
        """A test that says yes to each configuration once: never to one that has been run or proposed before."""
        state, commit = self.state_of(parent), self._commit_of(parent)
        seen = {e.fingerprint for e in past}

        def is_new(proposal: Proposal) -> bool:
            fingerprint = self._fingerprint(commit, state.resolve({**parent.configuration, **proposal.changes}))
            if fingerprint in seen:
                return False
            seen.add(fingerprint)
            return True

        return is_new

    def identify(
        self, proposals: Sequence[Proposal], parent: Experiment, planner: str, past: Sequence[Experiment]
    ) -> list[Experiment]:
        """Give proposals their identity: the next numbers, the whole configuration."""
        state, commit, block = self.state_of(parent), self._commit_of(parent), self.ledger.next_block()
        experiments = []
        for number, proposal in enumerate(proposals, start=len(past) + 1):
            configuration = state.resolve({**parent.configuration, **proposal.changes})
            experiments.append(
                Experiment(
                    id=f"e{number:04d}",
                    block=block,
                    parent=parent.id,
                    planner=planner,
                    hypothesis=proposal.hypothesis,
                    changes=proposal.changes,
                    configuration=configuration,
                    fingerprint=self._fingerprint(commit, configuration),
                    proposed_at=time.time(),
                )
            )
        return experiments

    def state_of(self, experiment: Experiment) -> CodeState:
        """The code that an experiment's trials run."""
        return self.worktrees.at(self._commit_of(experiment))

    def _commit_of(self, experiment: Experiment) -> str:
        """The experiment's commit, made on its own branch on first use, on top of its parent's."""
        if experiment.commit is not None:
            return experiment.commit
        if experiment.parent is None:
            commit = self.campaign.settings.base_commit
        else:
            parent = self.ledger.experiment(experiment.parent)
            assert parent is not None
            commit = self.worktrees.commit(
                self._commit_of(parent), choose(experiment.changes), self._branch(experiment), self._message(experiment)
            )
        self.ledger.add_commit(experiment.id, commit)
        return commit

    def _branch(self, experiment: Experiment) -> str:
        return f"exp/{self.campaign.settings.name}/{experiment.id}"

    def _message(self, experiment: Experiment) -> str:
        settings = self.campaign.settings
        return (
            f"{experiment.id}: {textwrap.shorten(experiment.hypothesis, _SUBJECT, placeholder=' ...')}\n\n"
            f"{textwrap.fill(experiment.hypothesis, _SUBJECT)}\n\n"
            f"Campaign: {settings.name}\nExperiment: {experiment.id}\n"
            f"Parent: {experiment.parent}\nRegime: {settings.regime}\nFingerprint: {experiment.fingerprint}\n"
        )

    def _fingerprint(self, commit: str, configuration: dict[str, object]) -> str:
        content = self.worktrees.source_hash(commit) + json.dumps(configuration, sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()

    # Trials

    def has_budget(self) -> bool:
        """Whether another trial can still end in time and another experiment is granted."""
        return self.budget.left_s() > expected_s(self.ledger.experiments()) and self.budget.experiments_left() != 0

    def run(self, wanted: Sequence[tuple[str, int]]) -> bool:
        """Run the trials of (experiment, seed) pairs and remember their scores; False if the budget ended first."""
        trials = [self._trial(name, seed) for name, seed in wanted]
        past, done = self.ledger.experiments(), 0
        for outcome in self.executor.run(
            trials, expected_s=expected_s(past), limit_s=limit_s(past), left_s=self.budget.left_s
        ):
            self._remember(outcome)
            done += 1
        return done == len(trials)

    def _trial(self, name: str, seed: int) -> Trial:
        experiment = self.ledger.experiment(name)
        assert experiment is not None
        fidelity = self.campaign.settings.fidelity
        steps = steps_of(fidelity, self.dataset.regime.training.full_steps)
        return Trial(name, seed, fidelity, steps, self._commit_of(experiment), experiment.configuration)

    def _remember(self, outcome: Outcome) -> None:
        if outcome.killed and outcome.trial.id not in self.killed:
            self.killed.add(outcome.trial.id)
            # Somebody else's doing, like the kernel's when memory runs out: it is no result yet.
            self.ledger.add_event(f"{outcome.trial.id} {outcome.reason}; it will be tried once more")
            return
        result = judge_outcome(outcome, self.dataset, self.campaign.folder)
        self.ledger.add_result(result)
        self.budget.remember()
        told = (
            f"exact {result.scores['exact']:.4f}"
            if result.scores
            else f"{result.status.replace('_', ' ')}: {result.reason}"
        )
        self.view.say(f"{result.trial} {told} ({result.seconds:.0f} s)", quiet=True)

    def _next_folder(self, trial: Trial) -> Path:
        attempt = self.ledger.attempts(trial.id) + 1
        while (folder := self.campaign.trial_folder(trial.id, attempt)).exists():
            attempt += 1
        return folder

    def _started(self, process: TrialProcess) -> None:
        trial = process.trial
        folder = str(process.folder.relative_to(self.campaign.folder))
        self.ledger.add_start(RunningTrial(trial.id, trial.experiment, trial.steps, folder, process.pid, time.time()))

    def _tick(self) -> None:
        self.check()
        self.budget.heartbeat()
        self.view.tick()

    def write_texts(self) -> None:
        """Render `memory.md` and `log.md`."""
        write_atomically(self.campaign.folder / "memory.md", working_memory(self.ledger))
        write_atomically(self.campaign.folder / "log.md", whole_log(self.ledger))


def limit_s(past: Sequence[Experiment]) -> float:
    """When a trial is stopped, in seconds."""
    usual = usual_s(past)
    return _FIRST_LIMIT_S if usual is None else max(_LIMIT_FLOOR_S, _LIMIT_FACTOR * usual)


def judge_outcome(outcome: Outcome, dataset: Dataset, campaign: Path) -> TrialResult:
    """Score what a trial left behind; an artifact that does not pass the door makes the trial invalid."""
    status, reason, scores = outcome.status, outcome.reason, {}
    if status == "completed":
        try:
            scores = score_artifact(outcome.folder / "estimate.npz", dataset)
        except EstimateError as error:
            status, reason = "invalid", str(error)
    trial = outcome.trial
    return TrialResult(
        trial=trial.id,
        experiment=trial.experiment,
        seed=trial.seed,
        fidelity=trial.fidelity,
        status=status,
        reason=reason,
        scores=scores,
        seconds=outcome.seconds,
        folder=str(outcome.folder.relative_to(campaign)),
        finished_at=time.time(),
    )
