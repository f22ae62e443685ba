"""The promises of the sandbox, tried, and the loop on a machine where none holds."""

from __future__ import annotations

import ast
import inspect
import json
import os
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import pytest

from agent.executor.sandbox import bubblewrap, probe, probe_program
from agent.executor.sandbox.bubblewrap import CLONE_PACKAGES, PACKAGES, Sandbox, SandboxedCommand, hidden_folders
from agent.executor.sandbox.limits import Limits
from agent.executor.sandbox.probe import ProbeResult, find_sandbox, try_out
from agent.executor.workspace import Workspace
from memory.ledger import Ledger
from simulator.dataset import Dataset
from stoichloop.errors import StoichloopError
from tests.conftest import HOLDING, ROOT, UNCONTAINED, Command, lead, needs_sandbox

NOTHING_HOLDS = ProbeResult(UNCONTAINED, {}, "this kernel has no namespaces for users")


def nothing_holds(workspace: Workspace) -> Workspace:
    """Return the workspace on a machine without a sandbox."""
    here = Workspace(workspace.root)
    here.__dict__["holding"] = NOTHING_HOLDS
    return here


@needs_sandbox
def test_the_sandbox_of_this_machine_keeps_every_promise() -> None:
    holding = find_sandbox(ROOT)
    assert holding.holds, holding.reason
    assert len(holding.promises) == 9


@needs_sandbox
def test_nothing_but_its_own_is_mounted_for_writing(tmp_path: Path) -> None:
    """Root inside could not write either: the mount forbids it, not the rights of an ordinary user."""
    code = (
        f"import json, os\nfrom pathlib import Path\n{inspect.getsource(probe_program.mount_points)}"
        f"places = mount_points({str(tmp_path)!r})\n"
        "print(json.dumps({place: bool(os.statvfs(place).f_flag & os.ST_RDONLY) for place in places}))"
    )
    job = SandboxedCommand((sys.executable, "-I", "-S", "-c", code), tmp_path, Limits(2**30), (), (tmp_path,))
    (tmp_path / "tmp").mkdir()
    fixed = json.loads(HOLDING.sandbox.ask(job, 60.0).printed)
    assert {"/", "/proc", "/dev", "/dev/pts", "/usr"} <= fixed.keys()
    assert [place for place, held in fixed.items() if not held and not place.startswith("/dev/")] == []


def test_without_a_sandbox_nothing_is_kept_from_a_process() -> None:
    holding = try_out(UNCONTAINED, ROOT)
    assert not holding.holds
    kept = {promise for promise, kept in holding.promises.items() if kept}
    of_any_process = {"own folder writable", "libraries there"}
    assert kept - {"not root", "no new namespace"} == of_any_process
    assert "no network" in holding.reason


def test_a_sandbox_that_does_not_start_says_why(tmp_path: Path) -> None:
    broken = tmp_path / "bwrap"
    broken.write_text("#!/bin/sh\necho 'bwrap: setting up uid map: Permission denied' >&2\nexit 1\n")
    broken.chmod(0o755)
    holding = try_out(Sandbox(broken), ROOT)
    assert not holding.holds
    assert holding.reason.startswith("bwrap: setting up uid map: Permission denied")


@needs_sandbox
@pytest.mark.parametrize(
    "program",
    [
        "#!/bin/sh\necho 'bwrap: setting up uid map: Permission denied' >&2\nexit 1\n",
        "#!/bin/sh\necho '[]'\n",
        "#!/nonexistent\n",
    ],
    ids=["not allowed", "tells another thing", "cannot be run"],
)
def test_where_the_systems_sandbox_fails_the_bundled_one_is_tried(
    program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if probe._bundled() is None:
        pytest.skip("there is no bundled one for this machine")
    (tmp_path / "bwrap").write_text(program)
    (tmp_path / "bwrap").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert find_sandbox(ROOT).sandbox.bubblewrap == probe._bundled()
    monkeypatch.setattr(probe, "_bundled", lambda: None)
    nothing = find_sandbox(ROOT)
    assert not nothing.holds
    assert nothing.reason.startswith(f"{tmp_path / 'bwrap'}: ")


@needs_sandbox
@pytest.mark.parametrize("place", ["größe & 100 %?#:", "$HOME *[a] 'quotes\"\\", "-two\nlines gr\udcf6\udcdfe"])
def test_a_clone_may_lie_anywhere_and_is_hidden_there(place: str, tmp_path: Path) -> None:
    root = tmp_path / place
    for name in ("data", "agent"):
        (root / name).mkdir(parents=True)
    holding = try_out(Sandbox(HOLDING.sandbox.bubblewrap, hidden_folders(root)), root)
    assert holding.holds, holding.reason


@needs_sandbox
@pytest.mark.parametrize("place", ["runs/tmp", "data", "tmp größe"])
def test_temporary_files_may_lie_in_the_clone(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("runs", "data", "agent", place):
        (tmp_path / name).mkdir(parents=True, exist_ok=True)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / place))
    holding = try_out(Sandbox(HOLDING.sandbox.bubblewrap, hidden_folders(tmp_path)), tmp_path)
    assert holding.holds, holding.reason


@pytest.mark.parametrize("hang", ["exec sleep 60", "while :; do :; done", "exec cat <$0.pipe"])
def test_a_sandbox_that_hangs_is_given_up_in_time_while_the_clock_goes_on(hang: str, tmp_path: Path) -> None:
    ticks: list[float] = []
    (tmp_path / "bwrap").write_text(f"#!/bin/sh\n{hang}\n")
    (tmp_path / "bwrap").chmod(0o755)
    os.mkfifo(tmp_path / "bwrap.pipe")
    began = time.monotonic()
    sandbox = Sandbox(tmp_path / "bwrap", tick=lambda: ticks.append(time.monotonic()))
    answer = sandbox.ask(SandboxedCommand(("true",), tmp_path, Limits(memory=2**30), reads=()), 0.7)
    assert answer.fault == "it gave no answer in 1 s"
    assert time.monotonic() - began < 30.0
    assert len(ticks) > 5


def test_every_package_of_this_project_but_gnn_is_hidden() -> None:
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert packages - {"gnn"} == {*PACKAGES, *CLONE_PACKAGES}


def test_packages_are_hidden_where_they_are_installed(tmp_path: Path) -> None:
    places = {tmp_path, *(Path(find_spec(package).submodule_search_locations[0]) for package in PACKAGES)}  # type: ignore[union-attr,index]
    assert set(hidden_folders(tmp_path)) >= places
    assert hidden_folders(ROOT)[0] == ROOT


def test_a_package_that_cannot_be_found_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bubblewrap, "PACKAGES", (*PACKAGES, "renamed"))
    with pytest.raises(StoichloopError, match="package 'renamed' is not found"):
        hidden_folders(ROOT)


def test_the_names_that_the_probe_looks_for_exist_outside() -> None:
    assert find_spec(probe_program.TRUTH) is not None
    assert all(find_spec(library) is not None for library in probe_program.LIBRARIES)
    made_by_runs = {"data", "runs"}
    assert [name for name in probe._SECRETS if name not in made_by_runs and not (ROOT / name).exists()] == []


def test_the_program_of_the_probe_needs_the_standard_library_only() -> None:
    tree = ast.parse(Path(probe_program.__file__).read_text())
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in imported} <= sys.stdlib_module_names


def test_where_nothing_holds_configurations_are_tried_and_code_is_not(quick: Workspace, tiny: Dataset) -> None:
    workspace = nothing_holds(quick)
    lead(workspace, tiny, "auto", experiments=1)
    with Ledger(workspace.runs / "night" / "memory.db", readonly=True) as ledger:
        assert [block.rung for block in ledger.blocks()] == ["baseline", "sweep"]
    said = "code experiments are refused, because there is no sandbox: this kernel has no namespaces for users"
    assert said in (workspace.runs / "night" / "memory.md").read_text()
    assert f"controller started; {said}" in (workspace.runs / "night" / "log.md").read_text()


def test_a_planner_of_code_needs_a_sandbox(workspace: Workspace, tiny: Dataset) -> None:
    workspace = nothing_holds(workspace)
    with pytest.raises(StoichloopError, match="no namespaces for users; give --no-sandbox"):
        lead(workspace, tiny, "moves", experiments=1)


@pytest.mark.long
@pytest.mark.usefixtures("quick")
def test_a_person_may_go_without(stoichloop: Command) -> None:
    arguments = ["--campaign", "night", "--budget", "10m", "--fidelity", "probe", "--planner", "sweep"]
    stoichloop("explore", "pde_m1_tiny", *arguments, "--experiments", "1", "--no-sandbox")
    assert "code runs without a sandbox, as asked by --no-sandbox" in stoichloop("log", "night").stdout
