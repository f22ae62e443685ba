"""Processes that begin with their libraries imported: most of a short command's or training's time is imports.

Each is a fork of one server, which has imported them, with the environment, folder, output and exit status of a process
of its own. What a test stops, kills or compares with other versions is started as users start it.
"""

from __future__ import annotations

import multiprocessing
import os
import runpy
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from multiprocessing.context import ForkServerContext
from pathlib import Path

# Never gnn: each training has its own.
_LIBRARIES = ["torch", "optuna.importance", "agent.cli.main", "agent.loop.explore", "tests.warm"]


def run_warm(
    module: str, arguments: Sequence[str | Path], cwd: Path, env: Mapping[str, str], timeout: float
) -> subprocess.CompletedProcess[str]:
    """Run `python -m MODULE ARGUMENTS` in a folder; raise `subprocess.TimeoutExpired` if it takes longer."""
    words = [str(argument) for argument in arguments]
    with tempfile.TemporaryDirectory() as place:
        printed = [Path(place) / "stdout", Path(place) / "stderr"]
        process = _server().Process(target=_become, args=(module, words, str(cwd), dict(env), printed))
        process.start()
        process.join(timeout)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired([module, *words], timeout)
        out, err = (path.read_text() if path.exists() else "" for path in printed)
        status = process.exitcode
        process.close()
    return subprocess.CompletedProcess([module, *words], status, out, err)


def _server() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_LIBRARIES)
    return context


def _become(module: str, arguments: list[str], cwd: str, env: dict[str, str], printed: list[Path]) -> None:
    """Be the process that was asked for."""
    for descriptor, path in enumerate(printed, 1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), descriptor)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    sys.path.insert(0, cwd)
    sys.argv[1:] = arguments
    runpy.run_module(module, run_name="__main__", alter_sys=True)
