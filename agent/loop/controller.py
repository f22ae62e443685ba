"""The controller of a campaign: it reads snapshots and performs steps."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Protocol

from agent.analyzer.judging.findings import find
from agent.analyzer.judging.noise import noise_at
from agent.analyzer.scoring.fingerprint import analyzer_fingerprint
from agent.campaign.budget import Budget, expected_s
from agent.campaign.folder import CampaignFolder
from agent.campaign.registrar import Registrar, commit_of
from agent.campaign.session import this_controller
from agent.executor.code.worktree import Worktrees
from agent.executor.executor import Executor, TrialHost
from agent.executor.trial import Job, Outcome, Trial, climb, steps_of
from agent.executor.workspace import Workspace
from agent.loop.hosts import CampaignPlanning, CampaignTimes, CampaignTrials
from agent.loop.next_step import Snapshot, TrialKey
from agent.loop.texts import Texts
from agent.planner.contract import Explainer, Lesson, Planner, Rung, Situation
from agent.screen.live import LiveView
from agent.training.score_outcome import score_outcome
from memory.formatting import counted, verdicts_text
from memory.leaderboard import count_verdicts, incumbent, standing
from memory.ledger import GPU_S, Ledger
from memory.records import NOT_ASKED, Block, Call, Decision, Experiment, Role, TrialResult, Verdict
from simulator.dataset import FrozenData, check

_POLL_S = 0.1


class ExecutorFactory(Protocol):
    """A kind of executor with its slots."""

    def __call__(self, *, worktrees: Worktrees, host: TrialHost[Trial]) -> Executor[Trial]:
        """Return the executor of a campaign."""


class Controller:
    """Lives as long as its process leads the campaign."""

    def __init__(
        self,
        workspace: Workspace,
        campaign: CampaignFolder,
        dataset: FrozenData,
        ledger: Ledger,
        budget: Budget,
        view: LiveView,
        planner: Planner,
        create_executor: ExecutorFactory,
        check: Callable[[], None],
    ) -> None:
        self._workspace, self._campaign, self._dataset = workspace, campaign, dataset
        self._ledger, self._budget, self._view, self._planner = ledger, budget, view, planner
        self._host = CampaignTrials(campaign, ledger, budget, view, dataset.observations_path, check)
        self._worktrees = Worktrees(workspace.repo, campaign.folder / "worktrees", workspace.sandbox)
        self._registrar = Registrar(campaign, self._worktrees, ledger)
        self._executor = create_executor(worktrees=self._worktrees, host=self._host)
        self._host.slots = len(self._executor.slots)
        self._texts = Texts(workspace, campaign, dataset, ledger, self._host.note)
        self._killed = set[str]()  # trials that a foreign signal has ended once
        # The part of a snapshot that the ledger does not hold.
        self._cut_short, self._barren, self._unanswered = False, frozenset[str](), False

    def __enter__(self) -> Controller:
        """Add a session to the ledger, and clear what a killed controller left behind."""
        self._worktrees.clear()
        self._ledger.add_session(this_controller())
        cut_off = [trial.trial for trial in self._ledger.running()]
        self._ledger.add_event(
            f"controller started; {self.containment}"
            + (f"; trials cut off before, to be run again where wanted: {', '.join(cut_off)}" if cut_off else "")
        )
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        try:
            self._budget.remember()
            self._ledger.add_event(
                "controller stopped" + ("" if kind is None else f" by {kind.__name__}: {error}".rstrip(": "))
            )
            self._texts.write()
        finally:  # even when the disk has no room for any of that
            self._worktrees.clear()
        if kind is None:
            self._ledger.add_ending()

    @property
    def containment(self) -> str:
        """Return where code runs, in words."""
        bubblewrap = self._workspace.sandbox.bubblewrap
        if bubblewrap is not None:
            return f"code runs in the sandbox, {bubblewrap.name}"
        return self._uncontained or "code runs without a sandbox, as asked by --no-sandbox"

    @property
    def _uncontained(self) -> str | None:
        """Return why no code of an experiment may run, None where it may."""
        fault = self._workspace.uncontained
        return None if fault is None else f"code experiments are refused, for there is no sandbox: {fault}"

    def snapshot(self) -> Snapshot:
        """Return the campaign as it is now."""
        experiments, uncontained = self._ledger.experiments(), self._uncontained
        leader = incumbent(experiments)
        measured = [e for e in experiments if e is leader or e.verdict is None]
        rungs: tuple[Rung, ...] = tuple(r for r in self._planner.rungs if r != "code" or uncontained is None)
        return Snapshot(
            objective=self._campaign.settings.objective,
            experiments=experiments,
            blocks=self._ledger.blocks(),
            fidelities=climb(self._campaign.settings.fidelity),
            rungs=rungs,
            uncontained=uncontained,
            slots=len(self._executor.slots),
            lines_of_code={e.id: self._worktrees.lines_of(commit_of(e)) for e in measured},
            trial_fits=self._budget.left_s() > expected_s(experiments),
            experiments_left=self._budget.experiments_left(),
            cut_short=self._cut_short,
            barren=self._barren,
            unanswered=self._unanswered,
        )

    def land(self) -> None:
        """Give judged experiments their commits and branches, where a killed controller did not."""
        self._registrar.land()

    def wait(self, seconds: float) -> None:
        """Pass time, as far as there is any left, before the planner is asked again."""
        self._view.say(f"no model answered; it is asked again in {seconds:.0f} s")
        end = time.monotonic() + min(seconds, self._budget.left_s())
        while time.monotonic() < end:
            self._host.tick()
            time.sleep(_POLL_S)
        self._barren, self._unanswered = frozenset(), False

    def open_block(self, decision: Decision, roles: Sequence[tuple[Role, Experiment]]) -> None:
        """Open a block with the baseline, or with new proposals; remember the rung if there are none."""
        if decision.rung == "baseline":
            self._ledger.open_block(decision, [self._registrar.baseline()])
            return
        past, asked = self._ledger.experiments(), len(self._ledger.calls())
        proposals = self._planner.propose(self._situation(decision.rung, roles))
        experiments = self._registrar.identify(proposals, self._planner.name, past)
        if not experiments:
            self._barren |= {decision.rung}
            self._unanswered |= _is_silent(self._ledger.calls()[asked:])
            return
        self._barren, self._unanswered = frozenset(), False
        self._view.say(f"on the {decision.rung} rung: {decision.reason}")
        self._ledger.open_block(decision, experiments)

    def run_trials(self, wanted: Sequence[TrialKey]) -> None:
        """Run trials and remember their scores, as far as the budget reaches."""
        trials, done = [self._trial(*trial) for trial in wanted], 0
        outcomes = self._executor.run(trials, CampaignTimes(self._ledger.experiments(), self._budget))
        with closing(outcomes):  # whatever goes wrong here, no trial goes on
            for trial, outcome in outcomes:
                self._remember(trial, outcome)
                done += 1
        self._cut_short = done < len(trials)

    def give_verdict(self, experiment: str, verdict: Verdict) -> None:
        """Write down a verdict and give the experiment its place in git."""
        self._ledger.add_verdict(experiment, verdict)
        self._registrar.land()
        self._view.say(f"{experiment} {verdict.verdict}: {verdict.reason}")

    def close_block(self, block: Block) -> None:
        """Write down the summary of a block, the findings of all evidence so far, and the texts for the user."""
        settings, experiments = self._campaign.settings, self._ledger.experiments()
        leader = incumbent(experiments)
        line = standing(leader, settings.fidelity) if leader else None
        assert line is not None
        verdicts = [e.verdict.verdict if e.verdict else None for e in experiments if e.block == block.number]
        summary = (
            f"{verdicts_text(count_verdicts(verdicts))}; "
            f"incumbent {line.experiment.id} at {settings.objective} {line.score:.4f} "
            f"over {counted(line.seeds, 'seed')}"
        )
        noise = noise_at(experiments, climb(settings.fidelity))
        findings = find(experiments, self._ledger.current_findings(), noise, block.number, settings.objective)
        lesson = Lesson(block.number, summary, findings)
        if isinstance(self._planner, Explainer):
            lesson = self._planner.explain(self._situation(block.rung, ()), lesson)
        self._ledger.close_block(block.number, lesson.summary, lesson.findings)
        self._ledger.keep_copy()
        self._view.say(f"block {block.number} ({block.rung}): {summary}")
        self._worktrees.clear()
        self._texts.write()

    def _situation(self, rung: str, roles: Sequence[tuple[Role, Experiment]]) -> Situation:
        past = self._ledger.experiments()
        return Situation(
            regime=self._campaign.settings.regime,
            objective=self._campaign.settings.objective,
            rung="code" if rung == "code" else "sweep",  # a block may also be the baseline's
            roles=roles,
            past=past,
            findings=self._ledger.current_findings(),
            brief=self._campaign.brief(),
            memory=self._texts.memory(),
            host=CampaignPlanning(self._campaign, self._worktrees, self._registrar, past, self._host.check),
            call_log=self._ledger,
        )

    def _trial(self, name: str, seed: int, fidelity: str) -> Trial:
        experiment = self._ledger.experiment(name)
        assert experiment is not None
        steps = steps_of(fidelity, self._dataset.regime.training.full_steps)
        return Trial(name, fidelity, Job(commit_of(experiment), experiment.configuration, seed, steps))

    def _remember(self, trial: Trial, outcome: Outcome) -> None:
        # No result where the trial is not to blame: data that went away, a full disk, or a killer like the kernel's
        # when memory runs out.
        check(self._dataset.regime, self._dataset.folder.parent)
        cramped = outcome.status != "completed" and not self._host.has_room()
        if cramped or (outcome.killed and trial.id not in self._killed):
            self._killed.add(trial.id)
            self._ledger.add_event(f"{trial.id} {outcome.reason}; it will be tried once more")
            return
        result = judge_outcome(trial, outcome, self._dataset, self._campaign.folder)
        self._ledger.add_result(result)
        if any(slot is not None for slot in self._executor.slots):
            self._ledger.add_spend(GPU_S, result.seconds)
        self._budget.remember()
        self._ledger.keep_copy()
        line = (
            f"{self._campaign.settings.objective} {result.score:.4f}"
            if result.score is not None
            else f"{result.status.replace('_', ' ')}: {result.reason}"
        )
        self._view.say(f"{result.trial} {line} ({result.seconds:.0f} s)", quiet=True)


def judge_outcome(trial: Trial, outcome: Outcome, dataset: FrozenData, campaign: Path) -> TrialResult:
    """Return the result of a trial for the ledger."""
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
    )


def _is_silent(calls: Sequence[Call]) -> bool:
    """Return whether a model was asked in vain, and not because a limit forbade it."""
    return bool(calls) and not calls[-1].outcome.startswith(NOT_ASKED)
