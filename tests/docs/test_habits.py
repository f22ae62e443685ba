"""Set-up files agree with each other: lock files, extras, install sentences, metadata, workflows."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from memory.schema_upgrade import SCHEMA_VERSION
from stoichloop.extras import how_to_install
from tests.conftest import ROOT

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = set(PROJECT["optional-dependencies"]) - {"dev"}
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
_INSTALLS = re.compile(r"make extra NAME=(\w+)|how_to_install\([\"'](\w+)[\"']\)")


def texts() -> dict[str, str]:
    """Return what users read, by path: the program and the pages, without lock files and recorded campaigns."""
    listed = subprocess.run(
        ["git", "ls-files", "*.py", "*.md", "*.j2", "*.ipynb"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    kept = [name for name in listed if not name.startswith(("docs/campaigns/", "tests/")) and (ROOT / name).is_file()]
    return {name: (ROOT / name).read_text(encoding="utf-8") for name in kept}


def make(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["make", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)


def test_every_install_sentence_names_an_extra_that_exists() -> None:
    named = {a or b for text in texts().values() for a, b in _INSTALLS.findall(text)}
    assert named <= EXTRAS
    assert {"llm", "networks", "hpc", "mlflow", "benchmarks"} <= named


def test_no_sentence_installs_stoichloop_in_another_way() -> None:
    assert [name for name, text in texts().items() if re.search(r"pip install .*(\[\w+\]|stoichloop)", text)] == []


@pytest.mark.parametrize("extra", sorted(EXTRAS))
def test_make_knows_the_command_that_messages_give(extra: str) -> None:
    command = re.search(r"'make (.*)'", how_to_install(extra))
    assert command is not None
    done = make("-n", *command[1].split())
    assert f".[{extra}]" in done.stdout


def test_make_refuses_an_extra_that_there_is_not() -> None:
    assert "give NAME, one of" in make("-n", "extra", "NAME=nothing").stderr


def test_make_alone_lists_every_target() -> None:
    source = (ROOT / "Makefile").read_text(encoding="utf-8")
    phony = re.search(r"^\.PHONY: (.*)$", source, re.MULTILINE)
    assert phony is not None
    assert re.findall(r"^make (\w+)", make().stdout, re.MULTILINE) == [t for t in phony[1].split() if t != "named"]


def test_the_locks_pin_the_same_versions_and_running_needs_few() -> None:
    run, dev = ((ROOT / name).read_text().splitlines() for name in ("requirements.lock", "requirements-dev.lock"))
    assert set(run) <= set(dev)
    assert len(run) <= 66  # with pip, uv and stoichloop itself at most 69
    assert all(re.match(r"[a-z0-9-]+==[^+]+$", line) for line in dev)


def test_the_citation_has_the_version_and_the_changelog_the_schema() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == PROJECT["version"]
    assert {"cff-version", "message", "title", "authors"} <= citation.keys()
    newest = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").split("\n## ")[1]
    assert newest.startswith(PROJECT["version"])
    assert f"schema {SCHEMA_VERSION}" in newest


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_run_what_the_clone_has(path: Path) -> None:
    jobs = yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"]
    commands = [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]
    assert all(command == ".ci/run" or re.match(r"make \w+$|sudo sysctl", command) for command in commands)
    assert path.name != "checks.yml" or commands.count(".ci/run") == 2
    assert "make oldest" not in commands or commands[commands.index("make oldest") + 1] == "make test"
    for target in re.findall(r"make (\w+)", "\n".join(commands)):
        assert make("-n", target).returncode == 0


def test_every_hook_is_a_program_of_the_environment() -> None:
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    hooks = [hook for repository in config["repos"] for hook in repository["hooks"]]
    assert all(hook["entry"].startswith(".venv/bin/") for hook in hooks)
