"""The controller of a campaign: it reads snapshots and performs steps."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from textwrap import shorten
from typing import Protocol

from agent.analyzer.judging.findings import find
from agent.analyzer.judging.noise import noise_at
from agent.analyzer.scoring.fingerprint import analyzer_fingerprint
from agent.base.duration import format_duration
from agent.campaign.budget import Budget
from agent.campaign.folder import CampaignFolder
from agent.campaign.registrar import Registrar, commit_of
from agent.campaign.session import this_controller
from agent.executor.code.worktree import Worktrees
from agent.executor.executor import Executor, TrialHost
from agent.executor.trial import Job, Outcome, Trial, climb, steps_of
from agent.executor.workspace import Workspace
from agent.loop.hosts import CampaignPlanning, CampaignTimes, CampaignTrials
from agent.loop.next_step import Snapshot
from agent.loop.texts import Texts
from agent.planner.contract import Explainer, Lesson, Planner, Rung, Situation, why_given_up
from agent.screen.live import LiveView
from agent.training.score_outcome import score_outcome
from memory.ending import Ending
from memory.formatting import counted, verdicts_text
from memory.leaderboard import count_verdicts, incumbent, standing
from memory.ledger import GPU_S, Ledger
from memory.records import Block, Decision, Experiment, Role, TrialKey, TrialResult, Verdict
from simulator.dataset import FrozenData
from stoichloop.errors import StoichloopError
from stoichloop.foreign_text import visible

_POLL_S = 0.1
_ENDING = 400  # characters


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
        command: str,
        until: float | None = None,
    ) -> None:
        self._workspace, self._campaign, self._full_steps = workspace, campaign, dataset.regime.training.full_steps
        self._dataset = dataset
        self._ledger, self._budget, self._view, self._planner = ledger, budget, view, planner
        self._host, self._until = CampaignTrials(campaign, ledger, budget, view, dataset, check), until
        sandbox = replace(workspace.sandbox, tick=self._host.tick)
        self._worktrees = Worktrees(
            workspace.repo, campaign.folder / "worktrees", sandbox, spaces=campaign.folder / "spaces"
        )
        self._registrar = Registrar(campaign, self._worktrees, ledger)
        self._executor = create_executor(worktrees=self._worktrees, host=self._host)
        self._host.slots = len(self._executor.slots)
        self._texts = Texts(workspace, campaign, dataset, ledger, self._host.note)
        self._session = this_controller(command)
        self.ending: Ending | None = None  # set by the loop when it has come to its end
        self._killed = set[str]()  # trials that a foreign signal has ended once
        # The part of a snapshot that the ledger does not hold.
        self._cut_short, self._barren, self._unanswered = False, frozenset[str](), False
        self._waits, self._given_up = 0, ""
        self._calls_before = len(ledger.calls())  # by earlier sessions

    def __enter__(self) -> Controller:
        """Add a session to the ledger, and clear what a killed controller left behind."""
        self._worktrees.clear()
        self._ledger.add_session(self._session)
        cut_off = [trial.trial for trial in self._ledger.running()]
        self._ledger.add_event(
            f"controller started; {self.containment}"
            + (f"; trials cut off before, to be run again where wanted: {', '.join(cut_off)}" if cut_off else "")
        )
        return self

    def __exit__(self, _kind: type[BaseException] | None, error: BaseException | None, _trace: object) -> None:
        try:
            self._budget.remember()
            ending = self.ending if error is None else ending_of(error)
            assert ending is not None
            self._ledger.add_event(str(ending))
            self._ledger.add_ending(ending)
            self._texts.write()  # afterwards: they say how it ended
        finally:  # even when the disk has no room for any of that
            self._worktrees.clear()

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
            grant=self._budget.grant,
            left_s=self._budget.left_s(),
            cut_short=self._cut_short,
            barren=self._barren,
            unanswered=self._unanswered,
            waits=self._waits,
            given_up=self._given_up,
            siblings=self._host.siblings.count,
            until=self._until,
        )

    def land(self) -> None:
        """Give judged experiments their commits and branches, where a killed controller did not."""
        self._registrar.land()

    def wait(self, seconds: float) -> None:
        """Pass time, as far as there is any left, before the planner is asked again."""
        newest = self._ledger.calls()[-1]
        self._view.say(
            f"no usable answer ({newest.outcome}); {newest.model} is asked again in {format_duration(seconds)}"
        )
        self._pass(min(seconds, self._budget.left_s()))
        self._barren, self._unanswered, self._waits = frozenset(), False, self._waits + 1

    def _pass(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._host.tick()
            time.sleep(_POLL_S)

    def open_block(self, decision: Decision, roles: Sequence[tuple[Role, Experiment]]) -> None:
        """Open a block with the baseline, or with new proposals; remember the rung if there are none."""
        if decision.rung == "baseline":
            self._ledger.open_block(decision, [self._registrar.baseline()])
            return
        past, asked = self._ledger.experiments(), len(self._ledger.calls())
        proposals = self._planner.propose(self._situation(decision.rung, roles))
        self._say_given_up()
        experiments = self._registrar.identify(proposals, self._planner.name, past)
        if not experiments:
            self._barren |= {decision.rung}
            calls = self._ledger.calls()[asked:]
            self._unanswered |= bool(calls) and not why_given_up(calls[-1:])
            return
        self._barren, self._unanswered, self._waits = frozenset(), False, 0
        self._view.say(f"on the {decision.rung} rung: {decision.reason}")
        self._ledger.open_block(decision, experiments)

    def run_trials(self, wanted: Sequence[TrialKey]) -> None:
        """Run trials and remember their scores, as far as the budget reaches."""
        trials, done = [self._trial(key) for key in wanted if self._host.siblings.has(key.sibling)], 0
        if not trials:  # siblings are being frozen for them
            self._pass(_POLL_S)
            self._cut_short = self._budget.left_s() <= 0
            return
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

    def close_block(self, block: Block, *, explain: bool) -> None:
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
        if explain and isinstance(self._planner, Explainer):
            lesson = self._planner.explain(self._situation(block.rung, ()), lesson)
            self._say_given_up()
        self._ledger.close_block(block.number, lesson.summary, lesson.findings)
        self._ledger.keep_copy()
        self._view.say(f"block {block.number} ({block.rung}): {summary}")
        self._worktrees.clear()
        self._texts.write()

    def _say_given_up(self) -> None:
        """Say once why a model is asked no more."""
        words = why_given_up(self._ledger.calls()[self._calls_before :])
        if words != self._given_up:
            self._given_up = words
            self._view.say(words)

    def _situation(self, rung: str, roles: Sequence[tuple[Role, Experiment]]) -> Situation:
        past = [e.as_told for e in self._ledger.experiments()]
        return Situation(
            regime=self._campaign.settings.regime,
            objective=self._campaign.settings.objective,
            rung="code" if rung == "code" else "sweep",  # a block may also be the baseline's
            roles=[(role, parent.as_told) for role, parent in roles],
            past=past,
            findings=self._ledger.current_findings(),
            brief=self._campaign.brief(),
            blocks=self._ledger.blocks(),
            host=CampaignPlanning(
                self._campaign,
                self._dataset,
                self._worktrees,
                self._registrar,
                past,
                self._host.check,
                self._host.slots,
            ),
            call_log=self._ledger,
        )

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
        result = judge_outcome(trial, outcome, dataset, self._campaign.folder)
        self._ledger.add_result(result)
        if any(slot is not None for slot in self._executor.slots):
            self._ledger.add_spend(GPU_S, result.seconds)
        self._budget.remember()
        self._ledger.keep_copy()
        self._view.say(f"{result.trial} {self._line(result)} ({result.seconds:.0f} s)", quiet=True)

    def _line(self, result: TrialResult) -> str:
        """Return the outcome of a trial in words. A score on a sibling is left to `show` and the report."""
        if result.score is None:
            return f"{result.status.replace('_', ' ')}: {result.reason}"
        return "completed" if result.sibling else f"{self._campaign.settings.objective} {result.score:.4f}"


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
        sibling=trial.sibling,
    )


def ending_of(error: BaseException) -> Ending:
    """Return the ending of a controller that an error or a signal has ended."""
    words = " ".join(visible(str(error)).split())
    if isinstance(error, KeyboardInterrupt):
        return Ending("interrupted", f"interrupted by {'Ctrl-C' if words in ('', 'SIGINT') else words}")
    if not isinstance(error, StoichloopError):
        words = f"{type(error).__name__}: {words}".removesuffix(": ")
    return Ending("crashed", shorten(words, _ENDING, placeholder=" ..."))
