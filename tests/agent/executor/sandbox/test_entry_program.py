"""What root's trials may not read is told before they start."""

import os
import subprocess
from pathlib import Path

import pytest

from agent.executor.sandbox.bubblewrap import SandboxedCommand
from agent.executor.sandbox.limits import Limits
from tests.conftest import HOLDING, needs_sandbox

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="other users' trials run as themselves")


@needs_sandbox
@needs_root
@pytest.mark.parametrize(("file", "mode"), [("gnn/train.py", 0o600), ("gnn", 0o700), ("gnn/deep", 0o744)])
def test_files_of_a_private_clone_are_named_with_the_mend(tmp_path: Path, file: str, mode: int) -> None:
    (tmp_path / "gnn" / "deep").mkdir(parents=True)
    (tmp_path / "gnn" / "train.py").touch()
    job = SandboxedCommand(("/bin/true",), tmp_path, Limits(memory=2**30), reads=(tmp_path / "gnn",))
    assert HOLDING.sandbox.ask(job, 60.0).status == 0
    (tmp_path / file).chmod(mode)
    answer = HOLDING.sandbox.ask(job, 60.0)
    assert answer.status == 1
    assert f"{tmp_path / 'gnn'}: user 65534, as whom root's trials run, cannot read all of it" in answer.complaint
    mend = f"chmod -R go+rX {tmp_path / 'gnn'}"
    assert mend in answer.complaint
    subprocess.run(mend.split(), check=True)
    assert HOLDING.sandbox.ask(job, 60.0).status == 0
