"""What this machine can do."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pydantic import BaseModel

from agent.executor.code.code_state import CodeState
from agent.executor.local import slots
from agent.executor.sandbox.gpu import visible_gpus
from agent.executor.sandbox.probe import ProbeResult, find_sandbox
from agent.executor.workspace import Workspace, find_workspace, head_commit
from agent.planner.registry import planner_names
from stoichloop.errors import StoichloopError
from stoichloop.extras import how_to_install


class Check(BaseModel):
    """One thing that was looked at. The loop cannot run without what is `required`."""

    name: str
    ok: bool
    required: bool
    finding: str


def examine(start: Path) -> list[Check]:
    """All checks, in the order in which a person would want them."""
    found = _find(start)
    holding = found.holding if isinstance(found, Workspace) else find_sandbox(start)
    return [
        _python(),
        *_packages(),
        _git(),
        _workspace(found),
        _gpu(),
        _slots(),
        _sandbox(holding),
        _parsl(),
        _planners(),
    ]


def _python() -> Check:
    return Check(
        name="python",
        ok=sys.version_info >= (3, 11),
        required=True,
        finding=f"{platform.python_version()} at {sys.executable}",
    )


def _packages() -> list[Check]:
    checks = []
    for name in ("torch", "torch-geometric", "optuna"):
        try:
            checks.append(Check(name=name, ok=True, required=True, finding=version(name)))
        except PackageNotFoundError:
            checks.append(
                Check(
                    name=name,
                    ok=False,
                    required=True,
                    finding="not installed; run 'make demo' in the clone",
                )
            )
    return checks


def _git() -> Check:
    found = shutil.which("git")
    answer = (
        subprocess.run(["git", "--version"], capture_output=True, text=True, check=False).stdout.strip()
        if found
        else "not installed"
    )
    return Check(name="git", ok=found is not None, required=True, finding=answer)


def _find(start: Path) -> Workspace | StoichloopError:
    try:
        return find_workspace(start)
    except StoichloopError as error:
        return error


def _workspace(workspace: Workspace | StoichloopError) -> Check:
    try:
        if isinstance(workspace, StoichloopError):
            raise workspace
        commit = head_commit(workspace)
        fields = len(CodeState(workspace.root, workspace.sandbox).fields)
        for path in sorted((workspace.root / "gnn").glob("*.py")):
            compile(path.read_bytes(), str(path), "exec")
    except (StoichloopError, SyntaxError) as error:
        return Check(name="workspace", ok=False, required=True, finding=str(error))
    return Check(
        name="workspace",
        ok=True,
        required=True,
        finding=f"{workspace.root} at {commit[:12]}; gnn/ declares {fields} fields",
    )


def _gpu() -> Check:
    gpus = len(visible_gpus())
    return Check(
        name="gpu",
        ok=gpus > 0,
        required=False,
        finding=f"{gpus} NVIDIA devices" if gpus else "none; trials run on the CPU",
    )


def _slots() -> Check:
    kind = "GPU" if visible_gpus() else "core"
    return Check(
        name="slots", ok=True, required=False, finding=f"{len(slots(None))}, one a {kind}, of {os.cpu_count()} cores"
    )


def _sandbox(holding: ProbeResult) -> Check:
    if holding.holds:
        finding = f"{holding.sandbox.bubblewrap}; tried from the inside: {', '.join(holding.promises)}"
    else:
        finding = f"none: {holding.reason}; no code of an experiment runs unless --no-sandbox is given"
    return Check(name="sandbox", ok=holding.holds, required=False, finding=finding)


def _parsl() -> Check:
    try:
        finding = f"{version('parsl')}; trials can run on a cluster, see docs/cluster.md"
    except PackageNotFoundError:
        finding = f"not installed; to run trials on a cluster, {how_to_install('hpc')}"
    return Check(name="parsl", ok=not finding.startswith("not"), required=False, finding=finding)


def _planners() -> Check:
    return Check(name="planners", ok=True, required=False, finding=", ".join(planner_names()))
