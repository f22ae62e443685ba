"""A ledger as three tables, and their export as CSV files, RFC 4180 in UTF-8, for R and spreadsheets.

experiments.csv  one row per experiment, oldest first: `EXPERIMENT_COLUMNS`
trials.csv       one row per finished trial: `TRIAL_COLUMNS`, then every score by its name, in alphabetical order
findings.csv     one row per current finding: `FINDING_COLUMNS`
In a file, times are UTC, `2026-11-25 23:10:05Z`; missing values are empty fields; changes and configurations are JSON;
names of experiments are separated by blanks. A text that a spreadsheet would take for a formula has an apostrophe in
front.
"""

from __future__ import annotations

import csv
import json
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.campaign.folder import CampaignFolder
from memory.formatting import moment
from memory.ledger import Ledger
from memory.records import Experiment, Finding, TrialResult
from stoichloop.errors import StoichloopError
from stoichloop.foreign_text import table_cell

EXPERIMENT_COLUMNS = (
    *("experiment", "block", "rung", "parent", "planner", "author", "role", "move", "repairs", "combines", "title"),
    *(
        "hypothesis",
        "changes",
        "configuration",
        "commit",
        "proposed_at",
        "trials",
        "seeds",
        "score",
        "verdict",
        "reason",
    ),
    *("rival", "effect", "low", "high", "p_value"),
)
TRIAL_COLUMNS = (
    *("trial", "experiment", "seed", "fidelity", "status", "reason", "seconds", "finished_at", "folder"),
    *("analyzer", "dataset", "truth", "device"),
)
FINDING_COLUMNS = ("block", "kind", "subject", "statement", "experiments", "effect", "p_value", "found_at")
TIME_COLUMNS = ("proposed_at", "finished_at", "found_at")  # seconds since the epoch


@dataclass(frozen=True)
class LedgerTable:
    """One table: its columns in order, and rows in which a value that there is not may be missing."""

    columns: Sequence[str]
    rows: list[dict[str, Any]]


def read_tables(campaign: CampaignFolder) -> dict[str, LedgerTable]:
    """Read the tables `experiments`, `trials` and `findings` of a campaign."""
    with Ledger(campaign.ledger_path, readonly=True) as ledger:
        experiments, findings = ledger.experiments(), ledger.current_findings()
        rungs = {block.number: block.rung for block in ledger.blocks()}
        outlines = {line.id: line for line in ledger.outlines(campaign.settings.fidelity)}
    trials = [trial for experiment in experiments for trial in experiment.trials]
    scores = sorted({name for trial in trials for name in trial.scores})
    lines = [_experiment(e, rungs[e.block], outlines[e.id].seeds, outlines[e.id].score) for e in experiments]
    return {
        "experiments": LedgerTable(EXPERIMENT_COLUMNS, lines),
        "trials": LedgerTable((*TRIAL_COLUMNS, *scores), [_trial(trial) for trial in trials]),
        "findings": LedgerTable(FINDING_COLUMNS, [_finding(finding) for finding in findings]),
    }


def write_tables(campaign: CampaignFolder, folder: Path) -> dict[str, int]:
    """Write the three files into a new `folder` atomically; return the number of rows of each.

    Raises `StoichloopError` if the folder exists.
    """
    if folder.exists():
        raise StoichloopError(f"--csv {folder}: exists already; choose another folder name")
    tables = read_tables(campaign)
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".stoichloop-", dir=folder.parent))
    try:
        for name, table in tables.items():
            _write(draft / f"{name}.csv", table.columns, table.rows)
        draft.chmod(0o755)
        draft.rename(folder)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    return {name: len(table.rows) for name, table in tables.items()}


def _write(path: Path, columns: Sequence[str], rows: Iterable[dict[str, Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, columns, restval="", extrasaction="raise")
        writer.writeheader()
        writer.writerows({name: _cell(name, value) for name, value in row.items()} for row in rows)


def _cell(column: str, value: Any) -> Any:
    if column in TIME_COLUMNS:
        return moment(value)
    if isinstance(value, Mapping):
        return json.dumps(value, sort_keys=True)
    text = " ".join(value) if isinstance(value, tuple) else value
    return table_cell(text) if isinstance(text, str) else text


def _experiment(e: Experiment, rung: str, seeds: int, score: float | None) -> dict[str, Any]:
    """Return a row; `seeds` and the mean `score` over them are those at the campaign's fidelity."""
    same = ("block", "parent", "planner", "author", "role", "move", "repairs", "combines")
    names = (*same, "hypothesis", "changes", "configuration", "proposed_at")
    row = {name: getattr(e, name) for name in names} | {
        "experiment": e.id,
        "title": e.headline,
        "rung": rung,
        "commit": e.landed or e.commit,
        "trials": len(e.trials),
        "seeds": seeds,
        "score": score,
    }
    if e.verdict is not None:
        row |= {name: getattr(e.verdict, name) for name in ("verdict", "reason", "rival", "effect", "p_value")}
        row |= dict(zip(("low", "high"), e.verdict.interval or (None, None), strict=True))
    return row


def _trial(trial: TrialResult) -> dict[str, Any]:
    return {name: getattr(trial, name) for name in TRIAL_COLUMNS} | trial.scores


def _finding(finding: Finding) -> dict[str, Any]:
    return {name: getattr(finding, name) for name in FINDING_COLUMNS}
