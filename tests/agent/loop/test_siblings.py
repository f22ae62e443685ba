"""Trials on sibling networks: trained and scored on their own data, and never told to a planner."""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import pytest

from agent.base.console import Console
from agent.campaign.budget import Budget, expected_s, grant
from agent.campaign.status import read_status
from agent.executor.code.code_state import CodeState
from agent.executor.local import LocalExecutor
from agent.executor.trial import Job, Outcome, Trial
from agent.executor.workspace import Workspace
from agent.loop.controller import Controller
from agent.loop.running_trials import judge_outcome
from agent.planner.contract import Lesson, Planner, Rung, Situation
from agent.planner.planners.moves import Moves
from agent.planner.planners.sweep import Sweep
from agent.planner.proposal import Proposal
from agent.planner.questions.question import next_question
from agent.planner.questions.reading import Reading
from agent.report.experiment_row import experiment_rows
from agent.report.sheet import sheet_of
from agent.report.spend import spend_of
from agent.report.template_environment import TEMPLATES
from agent.screen.experiment_view import experiment_view
from agent.screen.live import LiveView
from memory.formatting import ON_SIBLINGS
from memory.records import Decision, TrialKey, TrialResult, Verdict
from memory.render import Log, entries, search, working_memory
from simulator.dataset import Dataset
from simulator.freeze import REFUSED
from simulator.regime import Training
from tests.agent.analyzer.scoring.estimates import true_estimate, write_estimate
from tests.agent.experiments import scored, situation
from tests.agent.winners.nights import FIDELITY, Night
from tests.conftest import ROOT, UNCONTAINED

MARKER = 0.98765432  # a score on a sibling
TRACES = ("98765432", "0.9877", "0.988")


@dataclass
class Listener:
    """A planner that keeps what it is told and proposes nothing."""

    name: str = "listener"
    rungs: tuple[Rung, ...] = ("sweep", "code")
    told: list[Situation] = field(default_factory=list)

    def propose(self, situation: Situation) -> list[Proposal]:
        self.told.append(situation)
        return []


def on_sibling(experiment: str, number: int, score: float = MARKER, seconds: float = 7.0) -> TrialResult:
    """Return the result of a trial on a sibling."""
    trial = f"{experiment}/s0/{FIDELITY}/n{number}"
    scores = {"exact": score, "skill": score, "blind": score}
    folder = f"experiments/{experiment}/s0-{FIDELITY}-n{number}"
    return TrialResult(trial, experiment, 0, FIDELITY, "completed", "", scores, seconds, folder, 0.0, sibling=number)


@pytest.fixture
def night(workspace: Workspace, tiny: Dataset) -> Iterator[Night]:
    """Return a campaign whose baseline and one candidate have trials on siblings."""
    night = Night(workspace, tiny)
    night.reject("e0001", {0: 0.1}, changes={"lr_S": 0.02})
    for name in ("e0001", "e0002"):
        night.ledger.add_result(on_sibling(name, 2))
    yield night
    night.close()


def controller_of(night: Night, workspace: Workspace, dataset: Dataset, planner: Planner) -> Controller:
    view = LiveView(Console(quiet=True), night.campaign, night.ledger)
    budget = Budget(night.ledger, grant(night.ledger, 600.0, None))
    executor = partial(LocalExecutor, [None])
    return Controller(
        workspace, night.campaign, dataset, night.ledger, budget, view, planner, executor, lambda: None, ""
    )


def test_a_trial_on_a_sibling_is_trained_and_scored_on_its_data(
    workspace: Workspace, tiny: Dataset, sibling: Dataset
) -> None:
    short = tiny.regime.model_copy(update={"training": Training(full_steps=16)})
    own = replace(tiny, regime=short, folder=workspace.data / short.name)
    night = Night(workspace, own)
    controller = controller_of(night, workspace, own, Listener())
    assert controller.snapshot().siblings == (1, 2, 3, 4)
    controller.start_trials([TrialKey("e0001", 7, FIDELITY, 1)])
    while controller.snapshot().running:
        controller.wait("nothing", ())
    (baseline,) = night.ledger.experiments()
    (trial,) = baseline.sibling_trials
    night.close()
    assert (trial.trial, trial.sibling, trial.status, trial.reason) == ("e0001/s7/probe/n1", 1, "completed", "")
    assert (trial.dataset, trial.truth) == (sibling.manifest.fingerprint(), sibling.manifest.truth)
    assert trial.dataset != own.manifest.fingerprint()
    assert (night.campaign.folder / trial.folder).name == "s7-probe-n1"
    assert (night.campaign.folder / trial.folder / "estimate.npz").is_file()
    assert 7 not in baseline.scores(FIDELITY)


def test_siblings_are_made_ready_as_soon_as_code_may_be_proposed(workspace: Workspace, tiny: Dataset) -> None:
    own = replace(tiny, folder=workspace.data / tiny.regime.name)
    night = Night(workspace, own)
    kept = [night.campaign.folder / "data" / f"sibling{number}" for number in (1, 2, 3, 4)]
    controller_of(night, workspace, own, Listener(rungs=("sweep",))).snapshot()
    assert not any(folder.exists() for folder in kept)
    controller_of(night, workspace, own, Listener()).snapshot()
    assert all(folder.is_dir() for folder in kept)
    night.close()


def test_a_wanted_sibling_that_cannot_be_made_is_waited_for_no_longer(
    workspace: Workspace, tiny: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "agent.campaign.sibling_networks._COMMAND", (sys.executable, "-c", f"raise SystemExit({REFUSED})")
    )
    shutil.rmtree(workspace.data / tiny.regime.sibling(1003).name)
    own = replace(tiny, folder=workspace.data / tiny.regime.name)
    night = Night(workspace, own)
    controller = controller_of(night, workspace, own, Listener(rungs=("sweep",)))
    assert controller.snapshot().unready == frozenset()
    controller.start_trials([TrialKey("e0001", 7, FIDELITY, 3)])
    seen = [controller.snapshot()]
    while seen[-1].unready:
        time.sleep(0.02)
        seen.append(controller.snapshot())
    night.close()
    assert [(s.siblings, set(s.unready)) for s in (seen[0], seen[-1])] == [((1, 2, 3, 4), {3}), ((1, 2, 4), set())]


def test_the_truth_of_a_sibling_scores_its_trials(tiny: Dataset, sibling: Dataset, tmp_path: Path) -> None:
    write_estimate(true_estimate(sibling), tmp_path / "estimate.npz")
    trial = Trial("e0002", FIDELITY, Job("c" * 40, {}, 5, 2), sibling=1)
    outcome = Outcome("completed", "", tmp_path, 1.0)
    assert judge_outcome(trial, outcome, sibling, tmp_path.parent).score == 1.0
    assert judge_outcome(trial, outcome, tiny, tmp_path.parent).status == "invalid"  # it has other edges


@pytest.mark.parametrize("rung", ["sweep", "code"])
def test_no_score_on_a_sibling_reaches_a_planner(night: Night, workspace: Workspace, tiny: Dataset, rung: Rung) -> None:
    listener = Listener()
    controller = controller_of(night, workspace, replace(tiny, folder=workspace.data / tiny.regime.name), listener)
    past = night.ledger.experiments()
    assert [len(e.sibling_trials) for e in past] == [1, 1]
    controller.open_block(Decision(rung, None, "its turn"), [("exploit", past[0])])
    (told,) = listener.told
    reading, lesson = Reading(told, FIDELITY), Lesson(1, "a block", ())
    prompts = [next_question(told, [], 0).text(reading), reading.repair(told.past[1], told.past[0])]
    for text in [repr(told), *prompts, reading.lesson(lesson)]:
        assert "e000" in text
        assert not [trace for trace in TRACES if trace in text]


def test_of_a_score_on_a_sibling_only_show_and_the_report_tell(night: Night, workspace: Workspace) -> None:
    texts = [working_memory(night.ledger), Log(night.ledger).text(), json.dumps(entries(night.ledger))]
    texts += [*search(night.ledger, "e0002"), read_status(night.campaign, night.ledger).model_dump_json()]
    texts += [str(workspace.repo.git.log("--all", "--format=%B"))]
    assert not [trace for trace in TRACES for text in texts if trace in text]
    rejected = replace(night.ledger.experiments()[1], trials=())
    console = Console(width=120)
    with console.capture() as shown:
        console.print(experiment_view(workspace, night.campaign, rejected))
    before, _, after = shown.get().partition(ON_SIBLINGS)
    assert "0.9877" not in before
    assert "e0002/s0/probe/n2      0.9877" in after
    sheet = TEMPLATES.get_template("sheet.html.j2").render(
        sheet=sheet_of(night.campaign, rejected),
        row=experiment_rows([rejected], night.ledger.blocks())[0],
        parent=None,
        before=None,
        after=None,
        network=None,
        campaign="night",
        objective="exact",
    )
    assert sheet.index(ON_SIBLINGS.capitalize()) < sheet.index("0.9877")
    assert sheet.count("0.9877") == 1


def test_trials_on_siblings_count_in_time_and_number(night: Night) -> None:
    past = night.ledger.experiments()
    assert [line.trials for line in night.ledger.outlines(FIDELITY)] == [5, 2]
    assert read_status(night.campaign, night.ledger).trials == 7
    assert spend_of(night.ledger, past).trials_s == 5 * 1.0 + 2 * 7.0
    assert sheet_of(night.campaign, past[1]).seconds == 8.0
    slow = [replace(e, trials=()) for e in past]
    assert expected_s(slow, FIDELITY) == pytest.approx(1.2 * 7.0)


@pytest.mark.parametrize("planner", [Sweep(0, FIDELITY), Moves(FIDELITY)], ids=["sweep", "moves"])
def test_trials_on_siblings_change_no_proposal(planner: Sweep | Moves) -> None:
    state = CodeState(ROOT, UNCONTAINED)
    configuration = state.resolve({})
    baseline = scored("e0001", [0.3, 0.31], configuration=configuration, block=0, verdict=Verdict("accepted", ""))
    other = scored("e0002", [0.4], configuration={**configuration, "lr_S": 0.02}, verdict=Verdict("rejected", ""))
    plain = [baseline, replace(other, changes={"lr_S": 0.02})]
    with_siblings = [replace(e, sibling_trials=(on_sibling(e.id, 1), on_sibling(e.id, 2, 0.01))) for e in plain]
    proposed = [
        planner.propose(situation(state, past, [("exploit", past[0]), ("explore", past[0])], rung=planner.rungs[0]))
        for past in (plain, with_siblings)
    ]
    assert len(proposed[0]) == 2
    assert proposed[0] == proposed[1]
