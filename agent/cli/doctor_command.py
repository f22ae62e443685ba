"""The command `stoichloop doctor`."""

from __future__ import annotations

import os
import platform
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from agent.cli.options import Json
from agent.cli.output import print_json
from agent.executor.workspace import Workspace, find_workspace, head_commit
from memory.formatting import counted
from stoichloop.errors import StoichloopError
from stoichloop.extras import how_to_install

if TYPE_CHECKING:
    from agent.executor.sandbox.probe import ProbeResult


@dataclass(frozen=True)
class Check:
    """The result of one check. The loop cannot run unless every `required` check is ok."""

    name: str
    ok: bool
    required: bool
    finding: str


def doctor(as_json: Json = False) -> None:
    """Check this machine: packages, git, GPUs, sandbox, planners."""
    from rich.table import Table
    from rich.text import Text

    from agent.base.console import Console

    checks = examine(Path.cwd())
    if as_json:
        print_json([asdict(check) for check in checks])
    else:
        table = Table(box=None, show_header=False, pad_edge=False)
        for check in checks:
            failed = ("no", "red") if check.required or check.name == "sandbox" else ("--", "dim")
            table.add_row(
                Text.assemble(("ok", "green") if check.ok else failed),
                Text(check.name, style="bold"),
                check.finding,
            )
        Console().print(table)
    missing = [check.name for check in checks if check.required and not check.ok]
    if missing:
        raise StoichloopError(f"a required part is missing: {', '.join(missing)}; see the lines marked 'no'")


def examine(start: Path) -> list[Check]:
    """Return all checks, in the order in which they are printed."""
    from agent.executor.sandbox.probe import find_sandbox

    workspace = _find(start)
    sandbox = workspace.holding if isinstance(workspace, Workspace) else find_sandbox(start)
    return [
        _python(),
        *_packages(),
        _git(),
        _workspace(workspace),
        _gpu(),
        _slots(),
        _sandbox(sandbox),
        *_protections(sandbox),
        _parsl(),
        _planners(),
    ]


def _python() -> Check:
    finding = f"{platform.python_version()} at {sys.executable}"
    return Check("python", ok=sys.version_info >= (3, 11), required=True, finding=finding)


def _packages() -> list[Check]:
    from importlib.metadata import PackageNotFoundError, version

    checks = []
    for name in ("torch", "torch-geometric", "optuna"):
        try:
            checks.append(Check(name, ok=True, required=True, finding=version(name)))
        except PackageNotFoundError:
            finding = "not installed; run 'make demo' in the clone"
            checks.append(Check(name, ok=False, required=True, finding=finding))
    return checks


def _git() -> Check:
    from agent.base.loop_git import check_git

    try:
        return Check("git", ok=True, required=True, finding=check_git())
    except StoichloopError as error:
        return Check("git", ok=False, required=True, finding=str(error))


def _find(start: Path) -> Workspace | StoichloopError:
    try:
        return find_workspace(start)
    except StoichloopError as error:
        return error


def _workspace(workspace: Workspace | StoichloopError) -> Check:
    from agent.executor.code.code_state import CodeState

    try:
        if isinstance(workspace, StoichloopError):
            raise workspace
        commit = head_commit(workspace)
        fields = len(CodeState(workspace.root, workspace.sandbox).fields)
        for path in sorted((workspace.root / "gnn").glob("*.py")):
            compile(path.read_bytes(), str(path), "exec")
    except (StoichloopError, SyntaxError) as error:
        return Check("workspace", ok=False, required=True, finding=str(error))
    finding = f"{workspace.root} at {commit[:12]}; gnn/ declares {counted(fields, 'field')}"
    return Check("workspace", ok=True, required=True, finding=finding)


def _gpu() -> Check:
    from agent.executor.sandbox.gpu import visible_gpus

    gpus = len(visible_gpus())
    finding = counted(gpus, "NVIDIA device") if gpus else "none; trials run on the CPU"
    return Check("gpu", ok=gpus > 0, required=False, finding=finding)


def _slots() -> Check:
    from agent.executor.local import slots
    from agent.executor.sandbox.gpu import visible_gpus
    from agent.executor.sandbox.granted import granted_cores

    kind = "two per GPU and one per core left" if visible_gpus() else "one per core"
    count, cores = counted(len(slots(None)), "trial"), counted(os.cpu_count() or 1, "core")
    finding = f"{count} at a time, {kind}; this process may use {granted_cores()} of {cores}"
    return Check("slots", ok=True, required=False, finding=finding)


def _sandbox(probe: ProbeResult) -> Check:
    if probe.holds:
        finding = f"{probe.sandbox.bubblewrap}; passed from inside: {', '.join(probe.promises)}"
    else:
        finding = f"none: {probe.reason}; code of experiments runs only with --no-sandbox"
    return Check("sandbox", ok=probe.holds, required=False, finding=finding)


def _protections(probe: ProbeResult) -> list[Check]:
    """Return what limits the memory and the disk space of trials; where nothing does in the kernel, the controller."""
    from agent.executor.local import limits_of, slots
    from agent.executor.sandbox.gpu import visible_gpus
    from agent.executor.sandbox.memory_group import group_parent

    every = slots(None)
    least = min((limits_of(every, slot) for slot in range(len(every))), key=lambda limits: limits.memory)
    if group_parent() is not None:
        memory = "cgroup: the kernel ends a trial"
    elif visible_gpus():
        memory = "watched: the controller measures a trial four times a second and ends it"
    else:
        memory = "address space: the kernel refuses more than it and its libraries need; the controller ends a trial"
    disk = "tmpfs: a trial writes to memory, at most" if probe.holds else "watched: the controller ends a trial above"
    return [
        Check("memory", ok=True, required=False, finding=f"{memory} above {least.memory / 2**30:.1f} GiB"),
        Check("disk", ok=True, required=False, finding=f"{disk} {least.folder / 2**30:.1f} GiB"),
    ]


def _parsl() -> Check:
    from importlib.metadata import PackageNotFoundError, version

    try:
        finding = f"{version('parsl')}; trials can run on a cluster, see docs/cluster.md"
    except PackageNotFoundError:
        finding = f"not installed; to run trials on a cluster, {how_to_install('hpc')}"
        return Check("parsl", ok=False, required=False, finding=finding)
    return Check("parsl", ok=True, required=False, finding=finding)


def _planners() -> Check:
    from agent.planner.registry import planner_names

    return Check("planners", ok=True, required=False, finding=", ".join(planner_names()))
