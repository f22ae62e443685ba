from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.conftest import Command, Documented
from tests.warm import run_warm

pytest.importorskip("cobra")


def export(documented: Documented, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `stoichloop export ...` in the repository that has the campaign."""
    return run_warm("agent.cli", ["export", *arguments], documented.workspace.root, os.environ, timeout=120)


@pytest.mark.long
def test_several_formats_are_exported_at_once(documented: Documented, tmp_path: Path) -> None:
    arguments = ["--csv", str(tmp_path / "tables"), "--sbml", str(tmp_path / "s.xml"), "--experiment", "e0002"]
    done = export(documented, "night", *arguments, "--json")
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert facts["csv"]["experiments"] == 2
    assert facts["sbml"]["origin"].startswith("campaign night, trial e0002/s")
    assert (tmp_path / "tables" / "trials.csv").is_file()
    assert 'id="pde_m1_tiny"' in (tmp_path / "s.xml").read_text()


def test_a_folder_of_train_is_exported_too(stoichloop: Command, tmp_path: Path) -> None:
    kept, file = str(tmp_path / "kept"), str(tmp_path / "kept.xml")
    trained = json.loads(
        stoichloop("train", "pde_m1_tiny", "--sibling", "2", "--steps", "5", "--out", kept, "--json").stdout
    )
    assert json.loads((tmp_path / "kept" / "result.json").read_text()) == trained
    assert "reactions 30" in stoichloop("export", "--run", kept, "--sbml", file).stdout
    assert 'id="pde_m1_tiny_sibling2"' in Path(file).read_text()


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["night"], 2, "--csv FOLDER, --mlflow URI, --wandb PROJECT or --sbml FILE"),
        (["night", "--csv", "notes.txt"], 1, "--csv notes.txt: exists already"),
        (["night", "--sbml", "new.xml", "--experiment", "e9999"], 1, "there is no experiment 'e9999'"),
        (["night", "--csv", "new", "--experiment", "e0001"], 2, "give that option too"),
        (["night", "--run", "gnn", "--sbml", "new.xml"], 2, "--run FOLDER goes with --sbml FILE alone"),
        (["--run", "gnn", "--sbml", "new.xml"], 1, "there is no result.json in it"),
        (["day", "--csv", "new"], 1, "there is no campaign 'day'"),
    ],
)
def test_a_wrong_request_gets_one_sentence_and_writes_nothing(
    documented: Documented, arguments: list[str], status: int, words: str
) -> None:
    done = export(documented, *arguments)
    assert done.returncode == status
    assert words in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not list(documented.workspace.root.glob("*new*"))
