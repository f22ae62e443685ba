"""The controller of a campaign: it reads snapshots and performs steps."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from agent.analyzer.judging.findings import find
from agent.analyzer.judging.noise import noise_at
from agent.base.duration import format_duration
from agent.campaign.budget import Budget
from agent.campaign.call_files import CallFiles
from agent.campaign.folder import CampaignFolder
from agent.campaign.registrar import Registrar, commit_of, credited
from agent.campaign.session import this_controller
from agent.campaign.utilisation import Idle, read_utilisation
from agent.executor.code.worktree import Worktrees
from agent.executor.executor import ExecutorFactory
from agent.executor.trial import climb
from agent.executor.workspace import Workspace
from agent.loop.hosts import CampaignPlanning, CampaignTrials
from agent.loop.inquiry import AnswerTimes, Inquiry, R
from agent.loop.running_trials import RunningTrials
from agent.loop.snapshot import Snapshot
from agent.loop.texts import Texts
from agent.loop.user_channel import STUCK_AFTER, UserChannel
from agent.planner.contract import (
    ANSWERED,
    Explainer,
    Lesson,
    Planner,
    Rung,
    Situation,
    WaitingPlanner,
    why_given_up,
)
from agent.planner.ladder import as_proposed
from agent.planner.proposal import Proposal
from agent.screen.live import LiveView
from memory.ending import Ending, ending_of
from memory.formatting import counted, verdicts_text
from memory.intervention import Intervention
from memory.leaderboard import count_verdicts, incumbent, standing
from memory.ledger import Ledger
from memory.records import Block, Decision, Experiment, Role, TrialKey, Verdict
from simulator.dataset import FrozenData
from stoichloop.foreign_text import one_line

_POLL_S = 0.1
_LOOK_S = 5.0  # a wait is no longer: time that passes changes decisions too
_TEXTS_S, _TEXTS_SHARE = 10.0, 0.02  # between two renderings of the texts, and the share of time that they may take


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
        notify: str | None = None,
        track: Sequence[str] = (),
    ) -> None:
        self._workspace, self._campaign = workspace, campaign
        self._ledger, self._budget, self._view, self._planner = ledger, budget, view, planner
        self._host, self._until = CampaignTrials(campaign, ledger, budget, view, dataset, check), until
        sandbox = replace(workspace.sandbox, tick=self._host.tick)
        self._worktrees = Worktrees(
            workspace.repo, campaign.folder / "worktrees", sandbox, spaces=campaign.folder / "spaces"
        )
        self._registrar = Registrar(campaign, self._worktrees, ledger)
        executor = create_executor(worktrees=self._worktrees, host=self._host)
        self._host.slots = len(executor.main_slots)
        self._trials = RunningTrials(campaign, ledger, budget, view, self._host, executor)
        self._texts = Texts(workspace, campaign, dataset, ledger, self._host.note)
        self._texts_due, self._texts_at = False, 0.0  # whether they are old, and when they may be written again
        self._session = this_controller(command)
        self._user = UserChannel(campaign, ledger, self._host.note, notify, track)
        self.ending: Ending | None = None  # set by the loop when it has come to its end
        # The part of a snapshot that the ledger does not hold.
        self._waits_for_others = isinstance(planner, WaitingPlanner) and planner.waits
        self._inquiry: Inquiry[Any] | None = None
        self._then: Callable[[Any], None] = lambda _: None  # takes the answer
        self._answers = AnswerTimes() if self._waits_for_others else AnswerTimes(proposal_s=0.0)
        self._otherwise: Any = ()  # the answer where the planner could not be asked
        self._barren, self._fruitless = frozenset[str](), 0
        self._silence = ""  # why the newest request to a model failed
        self._waits, self._paused_until, self._given_up = 0, 0.0, ""
        self._calls_before = len(ledger.calls())  # by earlier sessions

    def __enter__(self) -> Controller:
        """Add a session to the ledger, and clear what a killed controller left behind."""
        self._worktrees.clear()
        self._ledger.add_session(self._session)
        cut_off = [trial.trial for trial in self._ledger.running()]
        self._ledger.add_event(
            f"controller started; {self.containment}"
            + (f"; interrupted trials, run again if still needed: {', '.join(cut_off)}" if cut_off else "")
        )
        return self

    def __exit__(self, _kind: type[BaseException] | None, error: BaseException | None, _trace: object) -> None:
        try:
            try:
                self._trials.stop()
            finally:
                self._drop_inquiry()
                self._host.siblings.stop()
            self._budget.remember()
            ending = self.ending if error is None else ending_of(error)
            assert ending is not None
            self._ledger.add_event(str(ending))
            self._ledger.add_ending(ending)
            self._texts.write()  # afterwards: they say how it ended
            self._user.close(ending)
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
        return None if fault is None else f"code experiments are refused, because there is no sandbox: {fault}"

    @property
    def _rungs(self) -> tuple[Rung, ...]:
        """Return what the planner may change here."""
        return tuple(rung for rung in self._planner.rungs if rung != "code" or self._uncontained is None)

    def snapshot(self) -> Snapshot:
        """Return the campaign as it is now. Siblings are frozen as long as code may be proposed."""
        self._user.take_up()
        if "code" in self._rungs:
            self._host.siblings.freeze()
        unready = self._trials.unready()  # before the numbers of all, which lose one that cannot be made
        experiments = self._ledger.experiments()
        leader, executor = incumbent(experiments), self._trials.executor
        measured = [e for e in experiments if e is leader or e.verdict is None]
        return Snapshot(
            objective=self._campaign.settings.objective,
            experiments=experiments,
            blocks=self._ledger.blocks(),
            fidelities=climb(self._campaign.settings.fidelity),
            rungs=self._rungs,
            uncontained=self._uncontained,
            slots=len(executor.main_slots),
            free=executor.free,
            soon=self._trials.free_within(self._answers.answer_s) if self._waits_for_others else 0,
            a_slot=executor.a_slot,
            device=executor.device,
            free_cores=executor.free_cores,
            alone={e.id for e in measured if executor.trains_alone(commit_of(e))},
            lines_of_code={e.id: self._worktrees.lines_of(commit_of(e)) for e in measured},
            grant=self._budget.grant,
            left_s=self._budget.left_s(),
            running=self._trials.running,
            cramped=executor.cramped,
            asking=self._inquiry is not None,
            explaining=self._inquiry.about if self._inquiry else None,
            explains=isinstance(self._planner, Explainer),
            proposal_s=self._answers.proposal_s,
            paused=time.monotonic() < self._paused_until,
            barren=self._barren,
            unanswered=bool(self._silence),
            fruitless=self._fruitless,
            waits=self._waits,
            given_up=self._given_up,
            siblings=self._host.siblings.numbers,
            unready=unready,
            until=self._until,
            steering=self._user.steering(experiments),
        )

    def land(self) -> None:
        """Give judged experiments their commits and branches, where a killed controller did not."""
        self._registrar.land()

    def start_trials(self, wanted: Sequence[TrialKey]) -> None:
        """Start trials, as many as find a slot."""
        self._trials.start(wanted)

    def wait(self, idle: Idle, first: Sequence[TrialKey]) -> None:
        """Let time pass until a trial has ended or an answer has come; see `Wait`."""
        why: Idle = "between"  # until now, something was done
        end = time.monotonic() + _LOOK_S
        if idle == "pause":  # whose time is not counted
            self._budget.remember()
            end = math.inf
        while not (self._trials.poll(why, first) or self._answered() or self._user.has_mail or time.monotonic() > end):
            if self._texts_due and time.monotonic() > self._texts_at:
                self._write_texts()
            cramped, why = self._trials.executor.cramped, idle
            self._user.tell_stuck("trials wait for room on the disk" if cramped else "")
            if self._inquiry is None:
                time.sleep(_POLL_S)
            else:
                self._inquiry.attend(_POLL_S)
            if idle == "pause" and not self._trials.running:
                self._budget.rest()
            self._host.tick()
            self._user.poll()
            if cramped and self._trials.has_room():
                return
        if idle == "pause":
            self._budget.remember()  # the clock goes on from here

    def pause(self, seconds: float) -> None:
        """Leave the planner alone for some seconds, while trials go on."""
        why = self._silence or "nothing new is proposed"
        self._view.say(f"{why}; the planner is asked again in {format_duration(seconds)}")
        self._paused_until = time.monotonic() + seconds
        self._barren, self._silence, self._waits = frozenset(), "", self._waits + 1
        if self._waits == STUCK_AFTER:
            self._user.tell_stuck(why)

    def try_idea(self, idea: Intervention, parent: Experiment) -> None:
        """Open a block with an idea of the user."""
        experiment = self._registrar.try_idea(idea, parent, self._ledger.experiments(), self._uncontained)
        decision = Decision("sweep", None, f"an idea of {idea.author}")
        self._ledger.open_block(as_proposed(decision, [experiment]), [experiment])
        refused = f"; {experiment.verdict.verdict}: {experiment.verdict.reason}" if experiment.verdict else ""
        self._view.say(f"{experiment.id} tries an idea of {idea.author}: {experiment.headline}{refused}")

    def open_block(self, decision: Decision, roles: Sequence[tuple[Role, Experiment]]) -> None:
        """Open a block with the baseline, or ask for proposals and open a block with them when they have come."""
        if decision.rung == "baseline":
            self._ledger.open_block(decision, [self._registrar.baseline()])
            return
        take = partial(self._take_proposals, decision, len(self._ledger.calls()))
        self._ask(self._planner.propose, self._situation(decision.rung, roles), take, list[Proposal]())

    def _take_proposals(self, decision: Decision, asked: int, proposals: list[Proposal]) -> None:
        """Open a block with proposals; remember the rung if there are none. `asked` calls had been made before."""
        self._say_given_up()
        experiments = self._registrar.identify(proposals, self._planner.name, self._ledger.experiments())
        if not experiments:
            self._barren |= {decision.rung}
            for newest in self._ledger.calls()[asked:][-1:]:
                if newest.outcome.startswith(ANSWERED):
                    self._fruitless += 1
                elif not why_given_up([newest]):
                    self._silence = f"no usable answer by {newest.model} ({newest.outcome})"
            return
        self._barren, self._silence, self._waits, self._fruitless = frozenset(), "", 0, 0
        self._view.say(f"on the {decision.rung} rung: {decision.reason}")
        self._ledger.open_block(as_proposed(decision, experiments), experiments)

    def _ask(
        self,
        ask: Callable[[Situation], R],
        situation: Situation,
        then: Callable[[R], None],
        otherwise: R,
        about: int | None = None,
    ) -> None:
        """Ask the planner, while trials run if it waits for others; `then` takes the answer.

        That is `otherwise` where this machine lets it not be asked, as without room for a file.
        """
        if not self._waits_for_others:
            then(ask(situation))
            return
        self._inquiry, self._then, self._otherwise = Inquiry(ask, situation, about), then, otherwise

    def _answered(self) -> bool:
        """Take the answer to the question that is out, if it has come."""
        inquiry = self._inquiry
        if inquiry is None or not inquiry.poll():
            return False
        self._inquiry = None
        try:
            answer = inquiry.answer()
        except OSError as error:
            words, answer = f"the planner could not be asked: {one_line(str(error))}", self._otherwise
            self._host.note(words)
            self._silence = words if inquiry.about is None else self._silence
        if inquiry.about is None:
            self._answers.add(inquiry.seconds, len(answer))
        self._then(answer)
        return True

    def _drop_inquiry(self) -> None:
        if self._inquiry is not None:
            self._inquiry.stop()
            self._inquiry = None

    def give_verdict(self, experiment: str, verdict: Verdict) -> None:
        """Write down a verdict and give the experiment its place in git."""
        judged = self._ledger.experiment(experiment)
        assert judged is not None
        verdict = replace(verdict, reason=credited(verdict.reason, judged))
        self._ledger.add_verdict(experiment, verdict)
        self._registrar.land()
        if not self._silence:
            self._barren = frozenset()  # a planner may have something new to say about it
        self._view.say(f"{experiment} {verdict.verdict}: {verdict.reason}")
        self._user.tell_verdict(judged, verdict)

    def close_block(self, block: Block, *, explain: bool) -> None:
        """Write down the summary of a block and the findings of all evidence so far, explained if that is asked."""
        if self._inquiry is not None and self._inquiry.about == block.number:
            self._drop_inquiry()
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
        lesson, take = Lesson(block.number, summary, findings), partial(self._take_lesson, block, summary)
        if explain and isinstance(self._planner, Explainer):
            telling = partial(_explained, self._planner, lesson)
            self._ask(telling, self._situation(block.rung, ()), take, lesson, block.number)
        else:
            take(lesson)

    def _take_lesson(self, block: Block, summary: str, lesson: Lesson) -> None:
        """Close a block with its lesson."""
        self._say_given_up()
        self._ledger.close_block(block.number, lesson.summary, lesson.findings)
        self._ledger.keep_copy()
        used = read_utilisation(self._ledger, self._session.started_at)
        self._view.say(f"block {block.number} ({block.rung}): {summary}{f'; slots {used}' if used else ''}")
        if self._inquiry is None:  # which may be reading code
            leader = incumbent(self._ledger.experiments())
            self._worktrees.keep_only(self._trials.commits | ({commit_of(leader)} if leader else set()))
        self._texts_due = True

    def _write_texts(self) -> None:
        began = time.monotonic()
        self._texts.write()
        now = time.monotonic()
        self._texts_due, self._texts_at = False, now + max(_TEXTS_S, (now - began) / _TEXTS_SHARE)

    def _say_given_up(self) -> None:
        """Say once why a model is asked no more."""
        words = why_given_up(self._ledger.calls()[self._calls_before :])
        if words != self._given_up:
            self._given_up = words
            self._host.note(words)
            self._user.tell_stuck(words)

    def _situation(self, rung: str, roles: Sequence[tuple[Role, Experiment]]) -> Situation:
        past = [e.as_told for e in self._ledger.experiments()]
        return Situation(
            regime=self._campaign.settings.regime,
            objective=self._campaign.settings.objective,
            rung="code" if rung == "code" else "sweep",  # a block may also be the baseline's
            roles=[(role, parent.as_told) for role, parent in roles],
            past=past,
            findings=self._ledger.current_findings(),
            brief=self._user.steering(past).brief + self._campaign.brief(),
            blocks=self._ledger.blocks(),
            host=CampaignPlanning(
                self._campaign,
                self._host.dataset,
                self._worktrees,
                self._registrar,
                past,
                self._host.check,
                self._host.slots,
            ),
            call_log=CallFiles(self._ledger, self._campaign.folder / "calls"),
            rungs=self._rungs,
        )


def _explained(planner: Explainer, lesson: Lesson, situation: Situation) -> Lesson:
    return planner.explain(situation, lesson)
