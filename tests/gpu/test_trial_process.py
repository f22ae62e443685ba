"""Processes of trials on a GPU: what they see of it, and how they end."""

import time
from pathlib import Path

import pytest
import torch

from agent.executor.process import TrialProcess
from agent.executor.sandbox.gpu import visible_gpus
from agent.executor.sandbox.limits import Limits
from agent.executor.trial import Job, Outcome
from tests.conftest import HOLDING, needs_sandbox
from tests.gpu.conftest import ON_A_GPU

pytestmark = [*ON_A_GPU, needs_sandbox]
LIMITS = Limits(memory=16 * 2**30)
SEES = """
import os, torch
from pathlib import Path
print(torch.cuda.device_count(), float(torch.ones(8, device="cuda").sum()))
print("files:", *sorted(path.name for path in Path("/dev").glob("nvidia[0-9]*")))
"""
HANGS = """
import torch
torch.cuda._sleep(2**62)
torch.cuda.synchronize()
"""


def ended(folder: Path, code: str, gpu: str, limit_s: float = 120.0) -> tuple[Outcome, str]:
    """Run code in place of `gnn.train` on a GPU, in the sandbox, and return its outcome and what it printed."""
    package = folder / "code" / "gnn"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "train.py").write_text(code)
    (folder / "observations.npz").touch()
    job = Job("c" * 40, {}, seed=0, steps=10)
    process = TrialProcess(
        [(job, folder / "out")],
        package.parent,
        folder / "observations.npz",
        gpu,
        HOLDING.sandbox,
        LIMITS,
        limit_s=limit_s,
    )
    while (outcomes := process.outcomes()) is None:
        time.sleep(0.1)
    return outcomes[0], (folder / "out" / "stdout.txt").read_text()


def test_a_contained_trial_computes_on_its_gpu_and_sees_no_other(tmp_path: Path) -> None:
    assert visible_gpus()
    for number, gpu in enumerate(visible_gpus()):
        outcome, printed = ended(tmp_path / str(number), SEES, gpu)
        assert outcome.status == "completed", printed
        assert printed.startswith("1 8.0\n")
        if gpu.startswith("GPU-"):  # else a scheduler hides the others
            assert printed.count("nvidia") == 1


def test_a_kernel_that_never_ends_is_ended_in_time_and_leaves_the_gpu_free(tmp_path: Path) -> None:
    began, gpu = time.monotonic(), visible_gpus()[0]
    outcome, _ = ended(tmp_path / "hung", HANGS, gpu, limit_s=30.0)
    assert outcome.status == "timed_out"
    assert time.monotonic() - began < 60.0
    assert ended(tmp_path / "next", SEES, gpu)[0].status == "completed"


def test_each_of_two_gpus_has_its_own_trials(tmp_path: Path) -> None:
    if torch.cuda.device_count() < 2:
        pytest.skip("there is one GPU")
    names = "import torch\nprint(torch.cuda.get_device_properties(0).uuid)"
    printed = [ended(tmp_path / gpu, names, gpu)[1] for gpu in visible_gpus()[:2]]
    assert printed[0] != printed[1]
