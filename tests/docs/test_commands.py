"""Every command of README.md and docs/ is run, page by page, in the order in which it is read.

Pages, and what is a command in them, are found by `pages`; what is run in place of what takes a night, by `affordable`.
Each page has a clone of its own, in which a night has been spent.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from git import Repo

from agent.executor.workspace import Workspace
from memory.records import Ablation
from simulator.dataset import Dataset
from tests.agent.winners.nights import SIGN_TIED, Night
from tests.conftest import HOLDING, ROOT, made_once
from tests.docs.affordable import IN_A_FIXTURE, NIGHT, SMALLER, affordable
from tests.docs.pages import PAGES, Step, steps
from tests.simulator.sbml_files import EQUATIONS, write_sbml
from tests.warm import run_warm

REGIME = "pde_m1_tiny"
FOLLOWED = [page for page in PAGES if any(steps(page))]


@pytest.fixture(scope="session")
def night(tmp_path_factory: pytest.TempPathFactory, tiny: Dataset) -> Path:
    """Return a clone with a campaign: e0002 was accepted, e0003 trained and judged."""
    return made_once(tmp_path_factory, "night", lambda draft: spend_a_night(draft, tiny))


def spend_a_night(root: Path, tiny: Dataset) -> None:
    """Create a user's repository of all that git knows here, the tiny data, and a campaign on them."""
    for name in Repo(ROOT).git.ls_files("--cached", "--others", "--exclude-standard").splitlines():
        if (ROOT / name).is_file():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, root / name)
    write_sbml(root / "MODEL.xml", EQUATIONS)
    shutil.copytree(tiny.folder, root / "data" / REGIME)
    repo = Repo.init(root, initial_branch="main")
    with repo.config_writer() as config:
        config.set_value("user", "name", "A Reader")
        config.set_value("user", "email", "reader@localhost")
    repo.git.add("--all")
    repo.git.commit("-m", "start")
    made = Night(Workspace(root, contained=HOLDING.holds), tiny, REGIME, planner="auto")
    winner = made.accept("e0001", {0: 0.9, 1: 0.91}, **SIGN_TIED).id
    made.ledger.add_ablation(Ablation(winner, winner, 0.3, (0.2, 0.4), (0, 1), "matters", "by decree", time.time()))
    made.close()
    for command in NIGHT:
        run(command, root)


def run(command: str, root: Path, *, warm: bool = True) -> None:
    """Run a command line in a clone, with the packages of that clone; where no sandbox holds, without one.

    If `warm`, a line that is one command of ours and nothing of the shell's starts with the project's own packages,
    which are those of the clone unless a page has changed them, imported.
    """
    if not HOLDING.holds:
        command = re.sub(r"stoichloop (explore|verify|pick|winners)\b", r"\g<0> --no-sandbox", command)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = {**os.environ, "PATH": path, "PYTHONPATH": str(root), "COLUMNS": "200"}
    program, *arguments = shlex.split(command)
    if warm and program == "stoichloop" and not re.search(r"[|&;<>$`\n]", command):
        done = run_warm("agent.cli", arguments, root, env, timeout=300)
    else:
        shell = ["bash", "-e", "-o", "pipefail", "-c", command]
        done = subprocess.run(shell, cwd=root, env=env, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, (
        f"{command}\nended with status {done.returncode}: {(done.stdout + done.stderr)[-2000:]}"
    )


def follow(step: Step, root: Path, *, warm: bool) -> None:
    """Follow a step of a page."""
    if step.kind == "file":
        (root / step.file).parent.mkdir(parents=True, exist_ok=True)
        (root / step.file).write_text(step.content, encoding="utf-8")
    if step.kind == "diff":
        change = root.parent / "change.patch"
        change.write_text(step.content, encoding="utf-8")
        run(f"git apply {change}", root)
    if step.kind == "python":
        program = root.parent / "program.py"
        program.write_text(re.sub(SMALLER.pattern, SMALLER.replacement, step.content), encoding="utf-8")
        run(f"python {program}", root)
    if step.kind == "command" and (command := affordable(step.content)) not in NIGHT:
        run(command, root, warm=warm)


@pytest.mark.long
@pytest.mark.parametrize("page", FOLLOWED, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_commands_of_a_page_run_in_their_order(
    page: Path, night: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    shutil.copytree(night, tmp_path / "clone", symlinks=True)
    fixture = IN_A_FIXTURE.get(str(page.relative_to(ROOT)))
    if fixture:
        request.getfixturevalue(fixture)
    warm = not any(step.kind in ("file", "diff") for step in steps(page))
    for step in steps(page):
        if fixture and step.kind == "python":
            continue
        try:
            follow(step, tmp_path / "clone", warm=warm)
        except (AssertionError, ValueError) as error:
            pytest.fail(f"{step.place}: {step.content}\n{error}")


def test_a_command_that_nobody_knows_how_to_run_fails() -> None:
    with pytest.raises(ValueError, match="frobnicate is not among the programs"):
        affordable("frobnicate --all")
