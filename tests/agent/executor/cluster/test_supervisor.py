"""The worker: refusals, and its choice of a GPU."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from agent.executor.cluster.line_reader import LineReader
from agent.executor.cluster.messages import Assignment, AssignmentResult, Examination, ExaminationRequest
from agent.executor.cluster.supervisor import WorkerError, examine, supervise
from agent.executor.sandbox.bubblewrap import Sandbox
from agent.executor.sandbox.probe import ProbeResult
from agent.executor.trial import Job
from agent.executor.workspace import Workspace
from stoichloop.errors import StoichloopError
from tests.conftest import HOLDING

NOTHING_HOLDS = ProbeResult(Sandbox(None), {}, "bwrap: no permissions")


@pytest.fixture
def assignment(tmp_path: Path) -> Assignment:
    """Return a trial of code that prints the GPU with which it was started."""
    (tmp_path / "gnn").mkdir()
    (tmp_path / "gnn" / "train.py").write_text("import os; print(os.environ['CUDA_VISIBLE_DEVICES'])")
    (tmp_path / "observations.npz").touch()
    return Assignment(
        members=((Job("c" * 40, {}, seed=0, steps=10), tmp_path / "out"),),
        limit_s=30.0,
        code=tmp_path,
        observations=tmp_path / "observations.npz",
        root=tmp_path,
        gpu=False,
        workers=2,
        contained=False,
        stop=tmp_path / "stop",
    )


def changed(assignment: Assignment, **changes: object) -> str:
    return assignment.model_copy(update=changes).model_dump_json()


def test_what_is_not_wanted_any_more_is_not_begun(assignment: Assignment) -> None:
    assignment.stop.touch()
    assert AssignmentResult.model_validate_json(supervise(changed(assignment))).outcomes == []
    assert not assignment.members[0][1].exists()


def test_a_worker_uses_its_own_of_the_gpus_that_the_scheduler_shows(
    assignment: Assignment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with pytest.raises(WorkerError, match="shows its workers no GPU"):
        supervise(changed(assignment, gpu=True))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,5")
    monkeypatch.setenv("PARSL_WORKER_RANK", "3")
    report = AssignmentResult.model_validate_json(supervise(changed(assignment, gpu=True)))
    assert [outcome.status for outcome in report.outcomes] == ["completed"]
    printed = assignment.members[0][1] / "stdout.txt"
    assert printed.read_text() == "5\n"
    assert report.handed_in[printed] == 2


def test_code_that_may_run_in_a_sandbox_only_does_not_run_where_none_holds(
    assignment: Assignment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.executor.cluster.supervisor.find_sandbox", lambda _: NOTHING_HOLDS)
    with pytest.raises(
        WorkerError, match=r"the sandbox does not work on .*, while it does elsewhere: bwrap: no permissions"
    ):
        supervise(changed(assignment, contained=True))
    assert not assignment.members[0][1].exists()


def test_a_campaign_is_as_contained_as_its_workers(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    question = ExaminationRequest(root=workspace.root, shared=workspace.root).model_dump_json()
    found = Examination.model_validate_json(examine(question))
    assert found.fault == ("" if HOLDING.holds else HOLDING.reason)
    monkeypatch.setattr("agent.executor.cluster.supervisor.find_sandbox", lambda _: NOTHING_HOLDS)
    found = Examination.model_validate_json(examine(question))
    assert found.fault == "bwrap: no permissions"
    there = replace(workspace, contained=True, fault=f"on {found.host}: {found.fault}")
    assert there.sandbox.bubblewrap is None
    with pytest.raises(StoichloopError, match=r"code would run without a sandbox: on .*: bwrap: no permissions"):
        there.refuse_uncontained("code")


def test_a_configuration_arrives_as_it_was_sent(assignment: Assignment) -> None:
    configuration = {"lr": 0.1 + 0.2, "least": 5e-324, "whole": 1.0, "steps": 3, "schedule": "cosine"}
    trial = replace(assignment.members[0][0], configuration=configuration)
    sent = changed(assignment, members=((trial, assignment.members[0][1]),))
    ((arrived, _),) = Assignment.model_validate_json(sent).members
    assert json.dumps(arrived.configuration) == json.dumps(configuration)


def test_a_line_is_whole_or_not_yet_there() -> None:
    reading, writing = os.pipe()
    lines = LineReader(reading)
    assert lines.read(0.0) == []
    os.write(writing, b"one\ntw")
    assert lines.read(1.0) == ["one"]
    os.write(writing, b"o\n")
    assert lines.read(1.0) == ["two"]
    os.close(writing)
    assert lines.read(1.0) is None
    os.close(reading)
