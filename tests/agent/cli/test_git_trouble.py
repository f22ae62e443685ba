"""Where git is missing, too old or cannot read the repository, every command says so in one sentence."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from git import Repo

from agent.campaign.folder import start_campaign
from agent.executor.workspace import Workspace
from simulator.dataset import Dataset

# All in one process: only the first has to wait for the imports.
PROGRAM = """
import contextlib, io, sys
from agent.cli.main import main
for words in (
    "explore pde_m1_tiny --campaign new --no-sandbox", "train pde_m1_tiny --recipe best --no-sandbox",
    "pick e0002 --no-sandbox", "verify e0002 --no-sandbox", "doctor", "status", "log", "winners",
):
    sys.argv, said = ["stoichloop", *words.split()], io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()) as printed:
        try:
            main()
            status = 0
        except SystemExit as end:
            status = end.code or 0
    print(words.split()[0], status, " ".join((said.getvalue() + printed.getvalue() * (words == "doctor")).split()))
"""


def without_git(root: Path, tools: Path) -> dict[str, str]:
    return {"PATH": str(tools)}


def an_old_git(root: Path, tools: Path) -> dict[str, str]:
    (tools / "git").write_text("#!/bin/sh\necho git version 2.20.1\n")
    (tools / "git").chmod(0o755)
    return {"PATH": f"{tools}:{os.environ['PATH']}"}


def a_lost_repository(root: Path, tools: Path) -> dict[str, str]:
    (root / ".git").rename(tools / "git")
    (root / ".git").write_text("gitdir: /nonexistent\n")
    return {}


def an_empty_repository(root: Path, tools: Path) -> dict[str, str]:
    (root / ".git").rename(tools / "git")
    (root / ".git").mkdir()
    return {}


def a_broken_configuration(root: Path, tools: Path) -> dict[str, str]:
    (root / ".git" / "config").write_text("[core\n")
    return {}


def a_lost_head(root: Path, tools: Path) -> dict[str, str]:
    (root / ".git" / "refs" / "heads" / "main").write_text("0" * 39 + "1\n")
    return {}


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        (without_git, r"git cannot be run \(No such file or directory\); install git 2\.32 or newer"),
        (an_old_git, r"git is too old, or another program: 'git version 2\.20\.1'; install git 2\.32 or newer"),
        (a_lost_repository, "not a (git )?repository"),
        (an_empty_repository, "not a (git )?repository"),
        (a_broken_configuration, "bad config line 1"),
        (a_lost_head, "bad object HEAD|git knows no commit here to start from"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_every_command_says_in_one_sentence_what_is_wrong_with_git(
    trouble: Callable[[Path, Path], dict[str, str]], words: str, workspace: Workspace, tiny: Dataset, tmp_path: Path
) -> None:
    start_campaign(workspace, "night", tiny, planner="sweep", fidelity="probe", seed=0)
    (tools := tmp_path / "tools").mkdir()
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=workspace.root,
        env=os.environ | {"COLUMNS": "1000"} | trouble(workspace.root, tools),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said = dict(line.split(" ", 1) for line in done.stdout.splitlines())
    needs_head = ("explore", "train", "doctor")
    for command in needs_head if trouble is a_lost_head else (*needs_head, "pick", "verify"):
        assert said[command].startswith("1 "), said[command]
        assert re.search(words, said[command]), said[command]
        assert "Traceback" not in said[command]
    assert said["status"] == said["log"] == "0 "


def test_a_repository_of_another_owner_is_read_where_the_user_trusts_it(workspace: Workspace, tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a repository to another user")
    commit = Repo(workspace.root).head.commit.hexsha
    for path in (workspace.root, *workspace.root.rglob("*")):
        os.lchown(path, 65534, 65534)
    program = "from agent.executor.workspace import *; print(head_commit(current_workspace()))"

    def head(configuration: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / ".gitconfig").write_text(configuration)
        return subprocess.run(
            [sys.executable, "-c", program],
            cwd=workspace.root,
            env=os.environ | {"HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )

    assert "dubious ownership" in head("").stderr
    trusted = head(f"[safe]\n\tdirectory = {workspace.root}\n")
    assert trusted.stdout == f"{commit}\n", trusted.stderr
