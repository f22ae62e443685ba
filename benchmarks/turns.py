"""Today's training against that of an earlier commit, in turns: `python -m benchmarks turns REVISION`.

The speed of a machine changes from minute to minute, so both are timed in every round, in alternating order, as whole
processes side by side. The time of a step is the slope between a short and a longer training, so that starts do not
count. Prints one JSON document; progress goes to standard error.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from pydantic import BaseModel, ConfigDict
from rich.console import Console

from agent.executor.workspace import Workspace, find_workspace, head_commit
from benchmarks.machine import Machine, this_machine
from benchmarks.measure import dataset_of
from benchmarks.summary import Summary, summarise
from stoichloop.errors import StoichloopError

_FRAMES = 128
_STEPS = 40, 440


class TurnsReport(BaseModel):
    """The output of `python -m benchmarks turns`. Rates are frames a second, of all processes together."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    machine: Machine
    commit: str
    revision: str
    processes: int
    frames_a_second: dict[str, Summary]
    ratio: Summary  # today's over the revision's, of each round


def turns(
    revision: Annotated[str, typer.Argument(help="Commit to compare with.")],
    rounds: Annotated[int, typer.Option(min=1, help="Rounds of timing; medians are printed.")] = 5,
    processes: Annotated[int | None, typer.Option(min=1, help="Trainings at a time. [default: one per core]")] = None,
) -> None:
    """Time the training of pde_m1 by the code of HEAD and of an earlier commit, and print the ratio as JSON."""
    workspace, console, machine = find_workspace(Path.cwd()), Console(stderr=True), this_machine()
    observations, count = dataset_of(workspace, "pde_m1").observations_path, processes or machine.cores
    rates: dict[str, list[float]] = {"HEAD": [], revision: []}
    with _checkout(workspace, "HEAD") as today, _checkout(workspace, revision) as before:
        codes = {"HEAD": today, revision: before}
        for number in range(rounds):
            console.print(f"round {number + 1} of {rounds}", highlight=False)
            for name in sorted(codes, reverse=bool(number % 2)):
                short, long = (_seconds(name, codes[name], observations, steps, count) for steps in _STEPS)
                rates[name].append(_FRAMES * count * (_STEPS[1] - _STEPS[0]) / (long - short))
    report = TurnsReport(
        machine=machine,
        commit=head_commit(workspace),
        revision=revision,
        processes=count,
        frames_a_second={name: summarise(values) for name, values in rates.items()},
        ratio=summarise([one / other for one, other in zip(rates["HEAD"], rates[revision], strict=True)]),
    )
    print(report.model_dump_json(indent=1))


@contextmanager
def _checkout(workspace: Workspace, revision: str) -> Iterator[Path]:
    """Check a commit out into a temporary folder."""
    with tempfile.TemporaryDirectory() as folder:
        code = Path(folder) / "code"
        workspace.repo.git.worktree("add", "--detach", str(code), revision)
        try:
            yield code
        finally:
            workspace.repo.git.worktree("remove", "--force", str(code))


def _seconds(revision: str, code: Path, observations: Path, steps: int, count: int) -> float:
    """Return the seconds until that many trainings side by side have ended."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "config.json"
        config.write_text(json.dumps({"batch_frames": _FRAMES}), encoding="utf-8")
        began, running = time.perf_counter(), list[subprocess.Popen[bytes]]()
        for seed in range(count):
            (out := Path(folder) / str(seed)).mkdir()
            words = ["--observations", str(observations.absolute()), "--steps", str(steps), "--device", "cpu"]
            words += ["--config", str(config), "--seed", str(seed), "--out", str(out)]
            command = [sys.executable, "-m", "gnn.train", *words]
            running.append(subprocess.Popen(command, cwd=code, env=environment, stdout=subprocess.DEVNULL))
        failed = [process.returncode for process in running if process.wait()]
        if failed:
            raise StoichloopError(f"gnn.train of {revision} does not train on today's data: exit status {failed[0]}")
        return time.perf_counter() - began
