"""The rule that a process starts no other, tried where it is imposed."""

import sys
from pathlib import Path

import pytest

from agent.executor.sandbox.bubblewrap import SandboxedCommand
from agent.executor.sandbox.limits import Limits
from agent.executor.sandbox.seccomp import rule
from tests.conftest import HOLDING, needs_sandbox


@needs_sandbox
@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import os; os.fork()", "PermissionError"),
        ("import subprocess; subprocess.run(['true'])", "PermissionError"),
        ("import os; os.posix_spawn('/bin/true', ['true'], {})", "PermissionError"),
        ("import ctypes; print(ctypes.CDLL(None).syscall(0x40000000 + 57))", "-1"),
        ("import threading; t = threading.Thread(target=print, args=('a thread',)); t.start(); t.join()", "a thread"),
        ("import torch; torch.set_num_threads(4); print(torch.ones(999, 999).matmul(torch.ones(999, 1))[0])", "999."),
    ],
)
def test_a_process_has_threads_and_starts_no_process(code: str, words: str, tmp_path: Path) -> None:
    job = SandboxedCommand(
        (sys.executable, "-c", code), tmp_path, Limits(memory=4 * 2**30), reads=(), writes=(tmp_path,)
    )
    (tmp_path / "tmp").mkdir()
    answer = HOLDING.sandbox.ask(job, 60.0)
    assert words in answer.printed + answer.complaint, answer


def test_of_a_machine_whose_calls_are_not_known_there_is_no_rule() -> None:
    assert rule(gpu=False, machine="riscv64") is None
    assert all(len(rule(gpu=False, machine=machine) or b"") % 8 == 0 for machine in ("x86_64", "aarch64"))
