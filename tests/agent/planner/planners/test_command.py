import os
import shlex
import signal
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from agent.base.interruption import Interruption
from agent.executor.code.code_state import CodeState
from agent.planner.contract import Options, why_given_up
from agent.planner.planners.command import Command, create
from stoichloop.errors import StoichloopError
from tests.agent.experiments import FIDELITY
from tests.agent.planner.situations import EDIT, broken, situation

GOOD = '{"hypothesis": "a faster rate finds them", "changes": {"lr_S": 0.01}}'


def agent(tmp_path: Path, code: str, patience_s: float = 30.0) -> Command:
    """Return the planner that runs a Python program."""
    script = tmp_path / "agent.py"
    script.write_text(code)
    program = f"{sys.executable} {shlex.quote(str(script))}"
    return create(Options(0, FIDELITY, program=program, patience_s=patience_s))


def test_an_answer_among_chatter_becomes_a_proposal(state: CodeState, tmp_path: Path) -> None:
    told = situation(state)
    talk = f"Let me see {{ ... }}\n{{}}\n```json\n{GOOD}\n```\nThat is it."
    proposals = agent(tmp_path, f"print({talk!r})").propose(told.situation)
    assert [(p.parent, p.changes) for p in proposals] == [("e0001", {"lr_S": 0.01})]
    assert told.outcomes == ["answered"]
    assert told.calls[0].tokens_in == 0


def test_it_reads_the_question_beside_the_code(state: CodeState, tmp_path: Path) -> None:
    told = situation(state, brief="Think of the gauge.")
    seen = tmp_path / "seen"
    agent(
        tmp_path,
        "import os, sys\n"
        "text = sys.stdin.read() + repr(sorted(os.listdir('.'))) + str(os.path.isfile('gnn/model.py'))\n"
        f"open({str(seen)!r}, 'w').write(text)\n"
        f"print({GOOD!r})",
    ).propose(told.situation)
    text = seen.read_text()
    assert "Think of the gauge." in text
    assert '"hypothesis"' in text  # the form of an answer
    assert text.endswith("['gnn']True")


@pytest.mark.parametrize(
    ("code", "outcome", "runs"),
    [
        ("print('I would rather talk')", "malformed answer: there is no JSON object in it", 3),
        ("print('{\"hypothesis\": 1}')", "malformed answer: hypothesis: Input should be a valid string", 3),
        ("raise SystemExit(1)", "exit status 1", 1),
        ("import time; time.sleep(60)", "stalled: no answer in 0.5 s", 1),
    ],
)
def test_a_fault_is_survived_and_recorded(state: CodeState, tmp_path: Path, code: str, outcome: str, runs: int) -> None:
    told = situation(state)
    assert agent(tmp_path, code, patience_s=0.5).propose(told.situation) == []
    assert told.outcomes == [outcome] * runs


def test_an_objection_is_given_back_and_mended(state: CodeState, tmp_path: Path) -> None:
    told = situation(state, rung="code")
    proposals = agent(
        tmp_path,
        "import json, sys\n"
        f"edit = {EDIT.model_dump()!r}\n"
        "if 'stands 0 times' not in sys.stdin.read():\n"
        "    edit['search'] = 'this stands nowhere'\n"
        "print(json.dumps({'hypothesis': 'a blank line helps', 'edits': [edit]}))",
    ).propose(told.situation)
    assert [p.edits for p in proposals] == [(EDIT,)]
    assert told.outcomes[0].startswith("answered, but the text to replace stands 0 times")
    assert told.outcomes[1] == "answered"


def test_a_failed_patch_is_repaired(state: CodeState, tmp_path: Path) -> None:
    told = situation(state, rung="code", past=[broken()])
    answer = f"import json; print(json.dumps({{'hypothesis': 'mended', 'edits': [{EDIT.model_dump()!r}]}}))"
    (proposal,) = agent(tmp_path, answer).propose(told.situation)
    assert (proposal.parent, proposal.repairs) == ("e0001", "e0002")


def test_an_interruption_ends_the_program_with_all_it_started(state: CodeState, tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    code = (
        "import subprocess, time\n"
        f"open({str(pid)!r}, 'w').write(str(subprocess.Popen(['sleep', '60']).pid))\n"
        "time.sleep(60)"
    )
    with Interruption() as interruption:
        told = situation(state, check=interruption.check)
        timer = threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGINT))
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            agent(tmp_path, code).propose(told.situation)
        timer.join()
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and _runs(int(pid.read_text())):
        time.sleep(0.05)
    assert not _runs(int(pid.read_text()))


def test_the_ledger_does_not_keep_arguments(state: CodeState, tmp_path: Path) -> None:
    told = situation(state)
    (tmp_path / "agent.py").write_text(f"print({GOOD!r})")
    program = f"{sys.executable} {tmp_path}/agent.py --key sk-never-to-be-seen"
    assert create(Options(0, FIDELITY, program=program)).propose(told.situation)
    assert told.calls[0].model == Path(sys.executable).name


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("raise SystemExit(127)", "exit status 127: a program is not found"),
        ("raise SystemExit(126)", "exit status 126: a program cannot be run"),
        ('print(\'{"error": {"code": 401, "message": "bad key sk-123456789"}}\')', "401 Unauthorized: bad key (key)"),
        ('print(\'{"error": {"code": "insufficient_quota"}}\')', "it reports an error: insufficient_quota"),
    ],
)
def test_a_program_that_fails_for_ever_is_run_once(state: CodeState, tmp_path: Path, code: str, words: str) -> None:
    told = situation(state)
    made = agent(tmp_path, code)
    assert [made.propose(told.situation), made.propose(told.situation)] == [[], []]
    (call,) = told.calls
    assert words in call.outcome
    assert why_given_up(told.calls).startswith("the agent program is asked no more: ")


def test_a_program_that_went_away_is_not_looked_for_again(state: CodeState, tmp_path: Path) -> None:
    program = tmp_path / "agent"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    made = create(Options(0, FIDELITY, program=str(program)))
    program.unlink()
    told = situation(state)
    assert [made.propose(told.situation), made.propose(told.situation)] == [[], []]
    assert "it cannot be started: No such file or directory" in why_given_up(told.calls)
    assert len(told.calls) == 1


def test_an_error_that_may_pass_is_no_answer_and_no_end(state: CodeState, tmp_path: Path) -> None:
    told = situation(state)
    made = agent(tmp_path, 'print(\'{"error": {"code": 503, "message": "busy"}}\')')
    assert [made.propose(told.situation), made.propose(told.situation)] == [[], []]
    assert told.outcomes == ["it reports an error: 503 Service Unavailable: busy"] * 2


def test_the_draft_in_the_thought_is_not_run(state: CodeState, tmp_path: Path) -> None:
    told = situation(state)
    thought = f"<think>maybe {GOOD.replace('0.01', '0.05')} no, that diverged before. Better lower.</think>"
    proposals = agent(tmp_path, f"print({thought!r}); print({GOOD!r})").propose(told.situation)
    assert [p.changes for p in proposals] == [{"lr_S": 0.01}]


@pytest.mark.parametrize(
    ("program", "word"), [(None, "needs --program"), ("no-such-program", "no such program"), ("'", "command line")]
)
def test_a_program_that_cannot_run_is_refused_at_the_door(program: str | None, word: str) -> None:
    with pytest.raises(StoichloopError, match=word):
        create(Options(0, FIDELITY, program=program))


def _runs(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
