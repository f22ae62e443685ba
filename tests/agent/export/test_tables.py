from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from agent.export.tables import EXPERIMENT_COLUMNS, FINDING_COLUMNS, TRIAL_COLUMNS, _write, write_tables
from memory.ledger import Ledger
from stoichloop.errors import StoichloopError
from stoichloop.foreign_text import table_cell
from tests.conftest import Documented
from tests.hostile_texts import HOSTILE


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_three_tables_say_what_the_ledger_says(documented: Documented, tmp_path: Path) -> None:
    counts = write_tables(documented.campaign, tmp_path / "new" / "tables")
    tables = {name: read(tmp_path / "new" / "tables" / f"{name}.csv") for name in counts}
    assert {name: len(rows) for name, rows in tables.items()} == counts
    with Ledger(documented.campaign.ledger_path, readonly=True) as ledger:
        known = ledger.experiments()
        findings = ledger.current_findings()
    for row, experiment in zip(tables["experiments"], known, strict=True):
        assert tuple(row) == EXPERIMENT_COLUMNS
        assert experiment.verdict is not None
        assert (row["experiment"], row["verdict"]) == (experiment.id, experiment.verdict.verdict)
        assert row["hypothesis"] == experiment.hypothesis
        assert json.loads(row["configuration"]) == experiment.configuration
    trials = [trial for experiment in known for trial in experiment.trials]
    for row, trial in zip(tables["trials"], trials, strict=True):
        assert tuple(row)[: len(TRIAL_COLUMNS)] == TRIAL_COLUMNS
        assert {name: float(row[name]) for name in trial.scores} == trial.scores
    for row, finding in zip(tables["findings"], findings, strict=True):
        assert tuple(row) == FINDING_COLUMNS
        assert row["statement"] == finding.statement


def test_a_folder_that_is_there_stays(documented: Documented, tmp_path: Path) -> None:
    with pytest.raises(StoichloopError, match=r"--csv .*: exists already"):
        write_tables(documented.campaign, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_page_names_every_column() -> None:
    page = (Path(__file__).parents[3] / "docs" / "api.md").read_text()
    for column in (*EXPERIMENT_COLUMNS, *TRIAL_COLUMNS, *FINDING_COLUMNS):
        assert column in page


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_table_shows_a_text_and_no_formula(tmp_path: Path, text: str) -> None:
    row: dict[str, object] = {"title": text, "effect": -0.25, "verdict": "rejected", "p_value": None}
    _write(tmp_path / "table.csv", tuple(row), [row])
    (shown,) = read(tmp_path / "table.csv")
    assert shown == {"title": table_cell(text), "effect": "-0.25", "verdict": "rejected", "p_value": ""}
