import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from agent.executor.process import TrialProcess
from agent.executor.sandbox.bubblewrap import Sandbox
from agent.executor.sandbox.environment import trial_environment
from agent.executor.sandbox.limits import Limits
from agent.executor.trial import Job, Outcome
from tests.conftest import HOLDING, ROOT, needs_sandbox

# A gnn.train that does what the word in its configuration says.
MISBEHAVIOUR = """
import json, os, signal, subprocess, sys, time
from pathlib import Path
arguments = dict(zip(sys.argv[1::2], sys.argv[2::2]))
out, word = Path(arguments["--out"]), json.loads(Path(arguments["--config"]).read_text())["word"]
def stay(apart):
    seconds = f"600.{time.time_ns()}"
    try:
        subprocess.Popen(["sleep", seconds], start_new_session=apart)
    except PermissionError:  # within the sandbox
        pass
    (out / "curves.jsonl").write_text(seconds)  # which a running trial shows
    print(seconds, flush=True)

if word == "sleep":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    stay(apart=False)
    time.sleep(600)
if word == "leave":
    stay(apart=True)
if word == "crash":
    print("first line")
    raise ValueError("the last line")
if word == "non-finite":
    print("the loss became nan", file=sys.stderr)
    sys.exit(3)
if word == "kill":
    os.kill(os.getpid(), signal.SIGKILL)
if word.startswith("do "):
    exec(word[3:])
if word == "environment":
    print(json.dumps(dict(os.environ)))
"""


LIMITS = Limits(memory=2**30)


@pytest.fixture
def code(tmp_path: Path) -> Path:
    package = tmp_path / "code" / "gnn"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "train.py").write_text(MISBEHAVIOUR)
    return package.parent


@pytest.fixture(
    scope="module", params=[pytest.param(True, marks=needs_sandbox), False], ids=["contained", "uncontained"]
)
def sandbox(request: pytest.FixtureRequest) -> Sandbox:
    return HOLDING.sandbox if request.param else Sandbox(None)


def start(code: Path, word: str, sandbox: Sandbox, limits: Limits = LIMITS) -> TrialProcess:
    job = Job("c" * 40, {"word": word}, seed=0, steps=10)
    return TrialProcess(
        [(job, code.parent / "out")], code, code / "observations.npz", None, sandbox, limits, limit_s=20.0
    )


def wait(process: TrialProcess) -> Outcome:
    while (outcomes := process.outcomes()) is None:
        time.sleep(0.02)
    (outcome,) = outcomes
    return outcome


def is_gone(pid: int) -> bool:
    """Return whether a process has ended, reaped or not."""
    for _ in range(100):
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.02)
    return False


def has_ended(seconds: str) -> bool:
    """Return whether no `sleep` of exactly so many seconds is left, whatever its process number."""
    for _ in range(100):
        if not any(process.info["cmdline"] == ["sleep", seconds] for process in psutil.process_iter(["cmdline"])):
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize(
    ("word", "status", "reason"),
    [
        ("nothing", "completed", ""),
        ("crash", "crashed", 'exit status 1: ValueError: the last line (File "'),
        ("non-finite", "non_finite", "the loss became nan"),
        ("kill", "crashed", "killed by signal SIGKILL: (it printed nothing)"),
    ],
)
def test_how_a_trial_ended_is_told_by_its_exit_status(
    code: Path, sandbox: Sandbox, word: str, status: str, reason: str
) -> None:
    outcome = wait(start(code, word, sandbox))
    assert outcome.status == status
    assert outcome.reason.startswith(reason)
    assert outcome.killed == (word == "kill")
    assert not (outcome.folder / "tmp").exists()


def test_what_a_trial_printed_is_kept(code: Path, sandbox: Sandbox) -> None:
    outcome = wait(start(code, "crash", sandbox))
    assert (outcome.folder / "stdout.txt").read_text().startswith("first line")


def test_the_time_limit_ends_the_whole_group_even_if_it_ignores_requests(code: Path, sandbox: Sandbox) -> None:
    process = start(code, "sleep", sandbox)
    child = code.parent / "out" / "curves.jsonl"
    while not (child.exists() and child.read_text()):
        assert process.outcomes() is None
        time.sleep(0.02)
    seconds = child.read_text()
    process.limit_s = process.seconds + 0.1
    outcome = wait(process)
    assert outcome.status == "timed_out"
    assert "time limit" in outcome.reason
    assert is_gone(process.pid)
    assert has_ended(seconds)


@needs_sandbox
def test_nothing_outlives_a_contained_trial(code: Path) -> None:
    """Not even what has left its process group."""
    outcome = wait(start(code, "leave", HOLDING.sandbox))
    assert outcome.status == "completed"
    assert has_ended((outcome.folder / "stdout.txt").read_text().strip())


def test_a_trial_dies_with_its_controller(code: Path, sandbox: Sandbox) -> None:
    script = f"""
import sys
from pathlib import Path
sys.path.insert(0, {str(ROOT)!r})
from agent.executor.sandbox.bubblewrap import Sandbox
from tests.agent.executor.test_process import start
place = {str(sandbox.bubblewrap or "")!r}
process = start(Path({str(code)!r}), "sleep", Sandbox(Path(place) if place else None))
print(process.pid, flush=True)
import time; time.sleep(600)
"""
    controller = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert controller.stdout is not None
    pid = int(controller.stdout.readline())
    assert not is_gone(pid)
    controller.kill()
    controller.communicate()
    assert is_gone(pid)


def test_keys_of_the_user_do_not_reach_a_trial(code: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "secret-key")
    monkeypatch.setenv("HOME", "/home/someone")
    seen = (wait(start(code, "environment", HOLDING.sandbox)).folder / "stdout.txt").read_text()
    assert "secret-key" not in seen
    assert "/home/someone" not in seen
    assert trial_environment()["PATH"] == os.environ["PATH"]
    assert trial_environment(gpu="1")["CUDA_VISIBLE_DEVICES"] == "1"


@pytest.mark.parametrize(
    "lock",
    [
        "os.chmod(out, 0)",
        "(out / 'estimate.npz').chmod(0)",
        "(out / 'a').mkdir(); (out / 'a' / 'b').touch(); (out / 'a').chmod(0)",
        "(out / 'tmp').chmod(0); os.chmod(out, 0o111)",
    ],
)
def test_what_a_trial_locks_is_collected_all_the_same(code: Path, sandbox: Sandbox, lock: str) -> None:
    leaves = "[(out / name).write_text('whole') for name in ('estimate.npz', 'curves.jsonl')];"
    outcome = wait(start(code, f"do {leaves} {lock}", sandbox))
    kept = {path.name for path in outcome.folder.iterdir()}
    assert kept == {"config.json", "stdout.txt", "curves.jsonl", "estimate.npz"}
    assert (outcome.folder / "estimate.npz").read_text() == "whole"


@needs_sandbox
@pytest.mark.parametrize(
    "rewrite",
    [
        "open('/proc/self/fd/1', 'w').write('forged')",
        "os.truncate('/proc/self/fd/1', 0)",
        "(out / 'stdout.txt').write_text('forged')",
    ],
)
def test_what_a_trial_printed_cannot_be_rewritten(code: Path, rewrite: str) -> None:
    outcome = wait(start(code, f"do print('first', flush=True); {rewrite}", HOLDING.sandbox))
    assert (outcome.folder / "stdout.txt").read_text().startswith("first")


@needs_sandbox
@pytest.mark.parametrize(
    "leave", ["os.mkfifo(out / 'estimate.npz')", "(out / 'estimate.npz').symlink_to('/etc/passwd')"]
)
def test_what_is_no_plain_file_is_left_behind(code: Path, leave: str) -> None:
    outcome = wait(start(code, f"do {leave}", HOLDING.sandbox))
    assert {path.name for path in outcome.folder.iterdir()} == {"config.json", "stdout.txt"}
