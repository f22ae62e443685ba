"""`stoichloop regimes`: how hard each regime is and how long a trial takes, where that was measured."""

from __future__ import annotations

import json
import re
import shutil

import pytest

from agent.cli.regimes_command import regimes
from agent.executor.workspace import Workspace
from agent.training.recorded_scores import recorded_scores
from simulator.dataset import Dataset
from simulator.measured.measurements import Measurements
from tests.agent.winners.nights import Night
from tests.conftest import ROOT

_MEASURED = re.compile(r"\| `(\w+)` \| ([\d.]+), [\d.]+ \| [^|]+ \| ([\d,]+) \|")
_COUNTED = re.compile(r"\| `(\w+)` \| ([\d,]+) \| \d+ \| ([\d,]+) \|")


def test_a_regime_shows_what_was_recorded_and_what_campaigns_here_took(
    workspace: Workspace,
    tiny: Dataset,
    pathway: Measurements,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shutil.copy(pathway.folder.with_suffix(".yaml"), workspace.data)
    Night(workspace, tiny).close()
    monkeypatch.chdir(workspace.root)
    regimes()
    lines = {line.split()[0]: line.split() for line in capsys.readouterr().out.splitlines() if line}
    assert lines["pde_m1_tiny"][:9] == ["pde_m1_tiny", "frozen", "1.000", "16", "s", "1", "s", "the", "same"]
    assert lines["pde_m1_single"][:5] == ["pde_m1_single", "0.694", "6", "min", "05"]
    assert lines["pathway"][:5] == ["pathway", "-", "-", "-", "pathway.csv,"]  # a user's own
    regimes(as_json=True)
    told = {regime["name"]: regime for regime in json.loads(capsys.readouterr().out)}
    assert told["pde_m1_tiny"]["recipe"] == {"seeds": 5, "exact": 1.0, "seconds": 16.0}
    unknown = told["mm_tiny"]["recipe"]["seconds"], told["pathway"]["recipe"], told["pathway"]["probe_s"]
    assert unknown == (None,) * 3


def test_recorded_scores_are_those_of_the_pages_that_say_how_they_were_measured() -> None:
    science = (ROOT / "docs" / "science.md").read_text(encoding="utf-8")
    kinetics = (
        (ROOT / "docs" / "kinetics.md")
        .read_text(encoding="utf-8")
        .partition("for the tiny regimes (")[2]
        .partition("###")[0]
    )
    stated = {
        name: (float(lowest), float(seconds.replace(",", ""))) for name, lowest, seconds in _MEASURED.findall(science)
    } | {
        name: (round(int(right.replace(",", "")) / int(edges.replace(",", "")), 3), None)
        for name, edges, right in _COUNTED.findall(kinetics)
    }
    assert {name: (score.exact, score.seconds) for name, score in recorded_scores(ROOT).items()} == stated
