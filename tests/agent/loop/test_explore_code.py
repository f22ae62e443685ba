"""The loop changes code: real git, a scripted model on this machine; with the real network, moves are tried."""

from __future__ import annotations

from typing import Any

import pytest

from agent.analyzer.judging.confirmation import Look
from agent.executor.workspace import Workspace
from memory.ledger import Ledger
from memory.records import Experiment
from simulator.dataset import Dataset
from tests.agent.planner.model_server import Scene, answers, drops, fails, says, sends, serving, stalls
from tests.conftest import Command, lead, needs_sandbox

EXPLORE = ["explore", "pde_m1_tiny", "--campaign", "night", "--budget", "20m", "--workers", "2", "--fidelity", "probe"]
TRAIN, AT_END = "gnn/train.py", "    if None in models:\n"
ZEROS = "log_k=np.zeros("


def patch(hypothesis: str, search: str, replace: str, file: str = TRAIN) -> dict[str, Any]:
    return {"hypothesis": hypothesis, "edits": [{"file": file, "search": search, "replace": replace}]}


def tells(words: str) -> Scene:
    """Return a scene in which the model explains a block."""
    open_question = {"subject": "fields", "direction": "undecided", "statement": words}
    return answers(summary=words, findings=[open_question, {**open_question, "direction": "recovers more"}])


def read(workspace: Workspace) -> list[Experiment]:
    with Ledger(workspace.runs / "night" / "memory.db", readonly=True) as ledger:
        return ledger.experiments()


@pytest.mark.long
def test_faults_of_a_model_are_survived_said_and_cost_nothing_that_was_done(
    stoichloop: Command, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Garbage, errors, silence and a dropped connection come before the answers: configurations and a diagnosis."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    faster = {"hypothesis": "a faster rate finds them", "changes": {"lr_S": 0.01}}
    slower = {"hypothesis": "a slower rate does", "changes": {"lr_S": 0.001}}
    printing = patch("how far off?", AT_END, f"    print('off by 0.043')\n    raise SystemExit(5)\n{AT_END}")
    scenes = [
        says('{"hypothesis": "half an answer'),
        fails(429, Retry_After="1"),
        fails(500),
        says("It is a matter of taste."),
        stalls,
        drops,
        answers(**faster),
        answers(**{**printing, "kind": "diagnosis"}),
        answers(**slower),  # a comparison ends last, which is worth explaining
        tells("a faster rate is a start"),
    ]
    with serving(*scenes) as server:
        limits = ["--experiments", "3", "--patience", "2s"]
        stoichloop(*EXPLORE, "--planner", "llm", "--model", server.address, *limits)
    experiments = read(workspace)
    assert [(e.id, e.planner) for e in experiments[:2]] == [("e0001", "none"), ("e0002", "llm")]
    assert [(e.id, e.planner) for e in experiments[2:]] == [("e0003", "llm"), ("e0004", "llm")]
    diagnosis = experiments[2].verdict
    assert diagnosis is not None
    assert (diagnosis.verdict, [t.status for t in experiments[2].trials]) == ("diagnosed", ["diagnosed"])
    assert diagnosis.reason == "its output was read; it ended early: exit status 5: off by 0.043"
    asked = sorted(path.name for path in (workspace.runs / "night" / "calls").iterdir())
    assert len(asked) >= 5  # those that were answered, whatever that was worth; one for each lesson that was due
    with Ledger(workspace.runs / "night" / "memory.db", readonly=True) as ledger:
        assert {e.prompt for e in experiments[1:]} <= {call.prompt for call in ledger.calls()}
        assert [block.rung for block in ledger.blocks()] == ["baseline", "sweep", "code", "sweep"]
    trials = [trial.trial for e in experiments for trial in e.trials]
    assert len(trials) == len(set(trials))
    log = stoichloop("log", "night").stdout
    for words in ("malformed answer", "429", "500", "stalled: no answer in 2 s", "connection dropped", "answered"):
        assert words in log
    assert "answered, but not used: fields is 'recovers more', where the statistics say 'undecided'" in log
    memory = (workspace.runs / "night" / "memory.md").read_text()
    assert "in the model's words: a faster rate is a start" in memory


@pytest.mark.long
@pytest.mark.usefixtures("quick")
def test_a_key_that_is_no_good_ends_the_campaign_in_the_words_of_the_provider(
    stoichloop: Command, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is asked once; with `auto`, the other planners would go on."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serving(*[sends('{"error": {"message": "Incorrect API key provided"}}', 401)] * 9) as server:
        told = stoichloop(*EXPLORE, "--planner", "llm", "--model", server.address).stdout
        assert len(server.requests) == 1
    assert "the language model is asked no more: 401 Unauthorized: Incorrect API key provided; check the API" in told
    assert "nothing new to propose" not in told
    assert [e.id for e in read(workspace)] == ["e0001"]


@pytest.mark.usefixtures("quick")
def test_patches_are_refused_fail_and_are_repaired(
    stoichloop: Command, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The model gives no configuration, then a patch outside gnn/, one that crashes, and its repair."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    outside = answers(**patch("read the truth", "", "x = 1\n", file="agent/analyzer/shortcut.py"))
    crash = answers(**patch("other rates", ZEROS, ZEROS.replace("zeros", "zeroes")))
    repair = answers(**patch("other rates", ZEROS, ZEROS.replace("zeros", "ones")))
    told = tells("it was tried")
    with serving(*[says("no")] * 3, *[outside] * 3, told, crash, told, repair, told) as server:
        for _ in range(3):
            stoichloop(*EXPLORE, "--planner", "llm", "--model", server.address, "--experiments", "1")
        assert "is not under gnn/" in server.prompt(4)
        assert "has no attribute 'zeroes'" in server.prompt(-2)
    refused, crashed, repaired = read(workspace)[1:]
    assert [e.verdict.verdict for e in (refused, crashed) if e.verdict] == ["refused", "failed"]
    assert (repaired.repairs, repaired.parent) == ("e0003", "e0001")
    assert "np.ones(" in repaired.patch
    assert repaired.trials[0].status == "completed"
    assert not (workspace.root / "agent").exists()
    log = stoichloop("log", "night").stdout
    assert "agent/analyzer/shortcut.py is not under gnn/" in log
    assert "Reason: nothing new to propose on the sweep rung" in log
    assert "gnn/train.py +1 -1" in log


@pytest.mark.long
@needs_sandbox
def test_without_any_model_the_loop_tries_moves_and_lands_what_helps(
    workspace: Workspace, tiny: Dataset, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    few = Look(4, 8, 40.0, 0.0, 0.0, False)  # pairs, at a level that so few reach
    monkeypatch.setattr("agent.analyzer.judging.acceptance.LOOKS", (few,))
    lead(workspace, tiny, "moves", 2, without=("integer_columns", "free_laws"))  # whose trainings are long
    told = capsys.readouterr().out
    experiments = read(workspace)
    assert [e.role for e in experiments[1:]] == ["exploit", "explore"]
    assert experiments[2].move == "early_columns"  # exploration is bold
    assert "on the code rung" in told
    leader = experiments[2]
    assert leader.accepted
    assert leader.verdict is not None
    assert leader.verdict.p_value is not None
    said = workspace.repo.git.log("-1", "--format=%B", f"exp/night/{leader.id}")
    assert f"Verdict: accepted, {leader.verdict.reason}" in said
    assert "Move: early_columns" in said
    memory = (workspace.runs / "night" / "memory.md").read_text()
    assert f"early_columns recovers more: exact {leader.verdict.effect:+.4f}" in memory
