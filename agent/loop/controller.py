"""What the loop works with: one campaign's ledger, data, code states and slots, and the steps between them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

from agent.analyzer.judging.noise import Noise, measure_noise
from agent.analyzer.scoring.fingerprint import analyzer_fingerprint
from agent.base.untrusted import tail_of
from agent.campaign.budget import Budget, expected_s, usual_s
from agent.campaign.folder import CampaignFolder
from agent.campaign.registrar import Registrar, place_of
from agent.campaign.session import this_controller
from agent.executor.artifacts import read_curves
from agent.executor.code.code_state import CodeState
from agent.executor.code.worktree import Worktrees
from agent.executor.executor import Executor
from agent.executor.sandbox.limits import lack_of_room
from agent.executor.trial import Outcome, Trial, climb, steps_of
from agent.executor.workspace import Workspace
from agent.planner.contract import Rung, Situation
from agent.report.course import write_curve
from agent.report.page import Report
from agent.screen.live import LiveView
from agent.training.score_outcome import score_outcome
from memory.ledger import GPU_S, Ledger
from memory.records import Experiment, Objective, Role, RunningTrial, TrialResult
from memory.render import Log, working_memory, write_atomically
from simulator.dataset import FrozenData, check

_OUTPUT_BYTES = 16_384
_POLL_S = 0.1
# A trial may take this many times what trials of this campaign usually take, and at least the floor.
_LIMIT_FACTOR, _LIMIT_FLOOR_S, _FIRST_LIMIT_S = 8.0, 60.0, 3600.0


@dataclass
class Controller:
    """Lives as long as its controller leads the campaign."""

    workspace: Workspace
    campaign: CampaignFolder
    dataset: FrozenData
    ledger: Ledger
    budget: Budget
    view: LiveView
    create_executor: Callable[..., Executor]
    check: Callable[[], None]  # raises KeyboardInterrupt when the person has asked for that
    killed: set[str] = field(init=False, default_factory=set)  # trials that a signal ended once
    cramped: bool = field(init=False, default=False)  # whether trials wait for room on the disk
    worktrees: Worktrees = field(init=False)
    executor: Executor = field(init=False)
    registrar: Registrar = field(init=False)
    log: Log = field(init=False)
    report: Report = field(init=False)
    fidelities: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.log = Log(self.ledger)
        self.report = Report(self.workspace, self.campaign, self.dataset)
        self.fidelities = climb(self.campaign.settings.fidelity)
        self.worktrees = Worktrees(self.workspace.repo, self.campaign.folder / "worktrees", self.workspace.sandbox)
        self.registrar = Registrar(self.campaign, self.worktrees, self.ledger)
        self.executor = self.create_executor(
            worktrees=self.worktrees,
            observations_of=lambda _: self.dataset.observations_path,
            folder_of=self._next_folder,
            has_room=self._has_room,
            started=self._started,
            tick=self._tick,
            note=self._note,
        )

    def __enter__(self) -> Controller:
        """Take stock: tell the ledger who leads, and clear what a killed controller left behind."""
        self.worktrees.clear()
        self.ledger.add_session(this_controller())
        cut_off = [trial.trial for trial in self.ledger.running()]
        self.ledger.add_event(
            f"controller started; {self.containment}"
            + (f"; trials cut off before, to be run again where wanted: {', '.join(cut_off)}" if cut_off else "")
        )
        return self

    @property
    def objective(self) -> Objective:
        """The name of the score that the campaign optimises."""
        return self.campaign.settings.objective

    @property
    def containment(self) -> str:
        """Where code runs, in words."""
        bubblewrap = self.workspace.sandbox.bubblewrap
        if bubblewrap is not None:
            return f"code runs in the sandbox, {bubblewrap.name}"
        return self.uncontained or "code runs without a sandbox, as asked by --no-sandbox"

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        try:
            self.budget.remember()
            self.ledger.add_event(
                "controller stopped" + ("" if kind is None else f" by {kind.__name__}: {error}".rstrip(": "))
            )
            self.write_texts()
        finally:  # whatever the disk has no room for any more
            self.worktrees.clear()
        if kind is None:
            self.ledger.add_ending()

    # Experiments

    @property
    def uncontained(self) -> str | None:
        """Why no code of an experiment may run, None where it may."""
        fault = self.workspace.uncontained
        return None if fault is None else f"code experiments are refused, for there is no sandbox: {fault}"

    def situation(self, decided: str, roles: Sequence[tuple[Role, Experiment]]) -> Situation:
        """What the planner is told, before it proposes on a rung and after the block."""
        past = self.ledger.experiments()
        rung: Rung = "code" if decided == "code" else "sweep"
        return Situation(
            regime=self.campaign.settings.regime,
            objective=self.objective,
            rung=rung,
            roles=roles,
            past=past,
            findings=self.ledger.current_findings(),
            brief=self.campaign.brief(),
            memory=working_memory(self.ledger),
            state_of=self.state_of,
            curve_of=self._curve_of,
            output_of=self._output_of,
            objection=self.registrar.objections(past),
            calls=self.ledger.calls,
            record=self.ledger.add_call,
            check=self.check,
        )

    def state_of(self, experiment: Experiment) -> CodeState:
        """The code that an experiment's trials run."""
        return self.worktrees.at(place_of(experiment))

    def _curve_of(self, experiment: Experiment) -> list[float]:
        folders = [self.campaign.folder / trial.folder for trial in experiment.trials[:1]]
        return [point.loss_pred for folder in folders for point in read_curves(folder)]

    def _output_of(self, experiment: Experiment) -> str:
        """What the last trial printed, at the most its last `_OUTPUT_BYTES`; empty before there is one."""
        for trial in experiment.trials[-1:]:
            with suppress(OSError):
                return tail_of(self.campaign.folder / trial.folder / "stdout.txt", _OUTPUT_BYTES)
        return ""

    def noise(self, experiments: Sequence[Experiment]) -> dict[str, Noise]:
        """The noise at each fidelity that a candidate climbs, lowest first."""
        return {fidelity: measure_noise(experiments, fidelity) for fidelity in self.fidelities}

    def wait(self, seconds: float) -> None:
        """Pass time, as far as there is any left."""
        end = time.monotonic() + min(seconds, self.budget.left_s())
        while time.monotonic() < end:
            self._tick()
            time.sleep(_POLL_S)

    # Trials

    def has_budget(self) -> bool:
        """Whether another trial can still end in time and another experiment is granted."""
        return self.budget.left_s() > expected_s(self.ledger.experiments()) and self.budget.experiments_left() != 0

    def run(self, wanted: Sequence[tuple[str, int, str]]) -> bool:
        """Run trials of (experiment, seed, fidelity) and remember their scores; False if the budget ended first."""
        trials = [self._trial(*trial) for trial in wanted]
        past, done = self.ledger.experiments(), 0
        outcomes = self.executor.run(
            trials,
            expected_s=lambda trial: expected_s(past, trial.fidelity),
            limit_s=lambda trial: limit_s(past, trial.fidelity),
            left_s=self.budget.left_s,
        )
        with closing(outcomes):  # whatever goes wrong here, no trial goes on
            for outcome in outcomes:
                self._remember(outcome)
                done += 1
        return done == len(trials)

    def _trial(self, name: str, seed: int, fidelity: str) -> Trial:
        experiment = self.ledger.experiment(name)
        assert experiment is not None
        steps = steps_of(fidelity, self.dataset.regime.training.full_steps)
        return Trial(name, seed, fidelity, steps, place_of(experiment), experiment.configuration)

    def _remember(self, outcome: Outcome) -> None:
        # What is not its own doing is no result: data that went away, a full disk, or a killer like the kernel's
        # when memory runs out.
        check(self.dataset.regime, self.dataset.folder.parent)
        cramped = outcome.status != "completed" and not self._has_room()
        if cramped or (outcome.killed and outcome.trial.id not in self.killed):
            self.killed.add(outcome.trial.id)
            self.ledger.add_event(f"{outcome.trial.id} {outcome.reason}; it will be tried once more")
            return
        result = judge_outcome(outcome, self.dataset, self.campaign.folder)
        self.ledger.add_result(result)
        if any(slot is not None for slot in self.executor.slots):
            self.ledger.add_spend(GPU_S, result.seconds)
        self.budget.remember()
        self.ledger.keep_copy()
        told = (
            f"{self.objective} {result.score:.4f}"
            if result.score is not None
            else f"{result.status.replace('_', ' ')}: {result.reason}"
        )
        self.view.say(f"{result.trial} {told} ({result.seconds:.0f} s)", quiet=True)

    def _has_room(self) -> bool:
        """Whether the disk has room for another trial; who waits for it is told why, once."""
        lack = lack_of_room(self.campaign.folder, len(self.executor.slots))
        if lack and not self.cramped:
            self.view.say(f"trials wait: {lack}")
        self.cramped = lack is not None
        return not self.cramped

    def _next_folder(self, trial: Trial) -> Path:
        attempt = self.ledger.attempts(trial.id) + 1
        while (folder := self.campaign.trial_folder(trial.id, attempt)).exists():
            attempt += 1
        return folder

    def _started(self, trial: Trial, folder: Path, pid: int) -> None:
        place = str(folder.relative_to(self.campaign.folder))
        self.ledger.add_start(RunningTrial(trial.id, trial.experiment, trial.steps, place, pid, time.time()))

    def _note(self, sentence: str) -> None:
        self.ledger.add_event(sentence)
        self.view.say(sentence)

    def _tick(self) -> None:
        self.check()
        self.budget.heartbeat()
        self.view.tick()

    def write_texts(self) -> None:
        """Render `memory.md`, `log.md`, `curve.svg` and `report.html`."""
        folder, settings, experiments = self.campaign.folder, self.campaign.settings, self.ledger.experiments()
        write_atomically(folder / "memory.md", working_memory(self.ledger))
        write_atomically(folder / "log.md", self.log.text())
        write_curve(
            folder / "curve.svg", experiments, self.ledger.blocks(), settings.fidelity, objective=settings.objective
        )
        self._write_report()

    def _write_report(self) -> None:
        try:
            page = self.report.html(self.ledger)
        except Exception as error:  # what cannot be drawn of an estimate must not cost a night
            self._note(f"the report cannot be drawn: {type(error).__name__}: {error}")
        else:
            write_atomically(self.campaign.report_path, page)


def limit_s(past: Sequence[Experiment], fidelity: str) -> float:
    """When a trial is stopped, in seconds."""
    usual = usual_s(past, fidelity)
    return _FIRST_LIMIT_S if usual is None else max(_LIMIT_FLOOR_S, _LIMIT_FACTOR * usual)


def judge_outcome(outcome: Outcome, dataset: FrozenData, campaign: Path) -> TrialResult:
    """What came of a trial, for the ledger."""
    (status, reason, scores), trial = score_outcome(outcome, dataset), outcome.trial
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
        analyzer=analyzer_fingerprint(),
        dataset=dataset.manifest.fingerprint(),
        truth=dataset.manifest.truth,
    )
