"""The ledger: an append-only SQLite database in WAL mode. Rows are added, never changed."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

from memory.backup import Backups, before_upgrade, check, mend
from memory.ending import Ending
from memory.intervention import Intervention
from memory.packing import pack, unpack
from memory.reader import BESIDE, Reader, outlines, read, that_contain
from memory.records import (
    Ablation,
    Block,
    Call,
    CampaignRecord,
    Decision,
    Event,
    Experiment,
    Finding,
    Grant,
    Measurement,
    Outline,
    RunningTrial,
    Session,
    SiblingResult,
    TrialResult,
    Verdict,
    Verification,
)
from memory.schema_upgrade import SCHEMA_VERSION, transaction, upgrade
from stoichloop.errors import LedgerError
from stoichloop.foreign_text import storable

WALL_S, GPU_S = "wall_s", "gpu_s"  # kinds of spend


class Ledger:
    """The ledger of one campaign. Each method that adds rows commits before it returns."""

    def __init__(self, path: Path, *, readonly: bool = False) -> None:
        """Open a ledger, or create it unless `readonly`; raises `LedgerError` for a file that is no usable ledger."""
        if readonly and not path.is_file():
            raise LedgerError(f"{path}: there is no ledger")
        try:
            self._db = _opened(path, readonly=readonly)
        except sqlite3.DatabaseError as error:
            raise LedgerError(f"{path}: not a readable ledger: {error}; {mend(path)}") from error
        self._path, self._recall, self._copies = path, Reader(self._db), Backups(self._db, path)

    def check(self) -> None:
        """Raise `LedgerError` if the file is damaged."""
        self._sound(lambda: check(self._db))

    def keep_copy(self) -> None:
        """Make a good copy unless there is a recent one; raises `LedgerError` if this ledger is damaged."""
        self._sound(self._copies.keep)

    def _sound(self, examine: Callable[[], None]) -> None:
        try:
            examine()
        except sqlite3.OperationalError:  # busy, or the disk is full: the ledger is not damaged
            raise
        except sqlite3.DatabaseError as error:
            raise LedgerError(f"{self._path}: the ledger is damaged: {error}; {mend(self._path)}") from error

    def close(self) -> None:
        """Close the connection."""
        self._db.close()

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _insert(self, table: str, **values: Any) -> int:
        names = ", ".join(values)
        marks = ", ".join("?" for _ in values)
        cells = [storable(value) if isinstance(value, str) else value for value in values.values()]
        return self._db.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", cells).lastrowid or 0

    def _rows(self, query: str, *parameters: Any) -> list[sqlite3.Row]:
        return self._db.execute(query, parameters).fetchall()

    # Writing

    def add_campaign(self, campaign: CampaignRecord) -> None:
        """Add the campaign of this ledger, once, when it is created."""
        self._insert("campaigns", **vars(campaign))

    def add_session(self, session: Session) -> None:
        """Add a controller that has started."""
        self._insert("sessions", **vars(session))

    def add_ending(self, ending: Ending) -> None:
        """Add the end of the newest controller."""
        newest = self._rows("SELECT MAX(id) FROM sessions")[0][0]
        self._insert("endings", session=newest, ended_at=time.time(), kind=ending.kind, words=ending.words)

    def add_grant(self, grant: Grant) -> None:
        """Add a budget granted by the user."""
        self._insert("grants", **vars(grant))

    def open_block(self, decision: Decision, experiments: Sequence[Experiment]) -> None:
        """Open the next block with its experiments, in one transaction."""
        with transaction(self._db):
            number = self.next_block()
            self._insert("blocks", number=number, rung=decision.rung, opened_at=time.time())
            self._insert("decisions", block=number, chance=decision.chance, reason=decision.reason)
            for e in experiments:
                self._insert(
                    "experiments",
                    id=e.id,
                    block=number,
                    parent=e.parent,
                    planner=e.planner,
                    hypothesis=e.hypothesis,
                    changes=json.dumps(e.changes),
                    configuration=json.dumps(e.configuration, sort_keys=True),
                    fingerprint=e.fingerprint,
                    proposed_at=e.proposed_at,
                )
                beside = {name: getattr(e, name) for name in BESIDE}
                self._insert("proposals", experiment=e.id, combines=" ".join(e.combines), **beside)
                if e.commit is not None:
                    self._insert("commits", experiment=e.id, sha=e.commit, committed_at=time.time())
                if e.verdict is not None:
                    self.add_verdict(e.id, e.verdict)

    def next_block(self) -> int:
        """Return the number of the next block; block 0 is the baseline."""
        return int(self._rows("SELECT COUNT(*) FROM blocks")[0][0])

    def close_block(self, number: int, summary: str, findings: Sequence[Finding]) -> None:
        """Add the summary of a block and its findings, in one transaction."""
        with transaction(self._db):
            self._insert("block_summaries", block=number, summary=summary, closed_at=time.time())
            for finding in findings:
                self._insert("findings", **{**vars(finding), "experiments": pack(finding.experiments)})

    def add_landing(self, experiment: str, commit: str) -> None:
        """Add the commit whose message has the verdict of an experiment; its refs exist already."""
        self._insert("landings", experiment=experiment, sha=commit, landed_at=time.time())

    def add_call(self, call: Call) -> int:
        """Add a request to a language model; return its number, from 1."""
        return self._insert("calls", **vars(call))

    def add_start(self, trial: RunningTrial) -> None:
        """Add the start of a trial's process."""
        self._insert("trial_starts", **vars(trial))

    def add_result(self, result: TrialResult) -> None:
        """Add the result of a trial; raises `sqlite3.IntegrityError` if the trial has one."""
        self._insert("trial_results", **{**vars(result), "scores": json.dumps(result.scores)})

    def add_verdict(self, experiment: str, verdict: Verdict) -> None:
        """Add the verdict on an experiment, once."""
        low, high = verdict.interval or (None, None)
        self._insert(
            "verdicts",
            experiment=experiment,
            verdict=verdict.verdict,
            reason=verdict.reason,
            rival=verdict.rival,
            effect=verdict.effect,
            low=low,
            high=high,
            p_value=verdict.p_value,
            judged_at=time.time(),
        )

    def add_measurement(self, measurement: Measurement) -> None:
        """Add the result of a training outside the experiments, one per code, dataset, seed and steps."""
        self._insert("measurements", **{**vars(measurement), "scores": json.dumps(measurement.scores)})

    def add_ablation(self, ablation: Ablation) -> None:
        """Add the ablation of one change of a stack."""
        self._insert("ablations", **_with_bounds(ablation, seeds=json.dumps(ablation.seeds)))

    def add_verification(self, verification: Verification) -> None:
        """Add the verification of an experiment on siblings."""
        siblings = json.dumps([vars(sibling) for sibling in verification.siblings])
        self._insert("verifications", **_with_bounds(verification, siblings=siblings))

    def add_spend(self, kind: str, amount: float) -> None:
        """Add time spent: `WALL_S` of a controller, `GPU_S` of a trial on a GPU."""
        self._insert("spend", kind=kind, amount=amount, spent_at=time.time())

    def add_interventions(self, source: str, interventions: Sequence[Intervention]) -> bool:
        """Add the interventions that came in one file, in one transaction; return False if they were added before."""
        with transaction(self._db):
            if self._rows("SELECT 1 FROM interventions WHERE source = ?", source):
                return False
            session = self._rows("SELECT MAX(id) FROM sessions")[0][0]
            for each in interventions:
                values = {**vars(each), "changes": json.dumps(each.changes), "number": None}
                del values["current"]
                self._insert("interventions", source=source, session=session, **values)
        return True

    def add_event(self, message: str) -> None:
        """Add a line to the log."""
        self._insert("events", at=time.time(), message=message)

    # Reading

    def campaign(self) -> CampaignRecord | None:
        """Return the campaign, or None in a ledger just created."""
        rows = self._rows("SELECT * FROM campaigns")
        return CampaignRecord(**dict(rows[0])) if rows else None

    def grant(self) -> Grant | None:
        """Return the newest budget."""
        rows = self._rows(
            "SELECT given_at, wall_s, experiments, asked_wall_s, asked_experiments FROM grants ORDER BY id DESC LIMIT 1"
        )
        return Grant(**dict(rows[0])) if rows else None

    def session(self) -> Session | None:
        """Return the newest controller."""
        rows = self._rows("SELECT pid, born_at, started_at, command FROM sessions ORDER BY id DESC LIMIT 1")
        return Session(**dict(rows[0])) if rows else None

    def ending(self) -> Ending | None:
        """Return the end of the newest controller; None if it runs, if it was killed, or if there has been none."""
        rows = self._rows("SELECT kind, words, ended_at FROM endings WHERE session = (SELECT MAX(id) FROM sessions)")
        return Ending(*rows[0]) if rows else None

    def interventions(self) -> list[Intervention]:
        """Return the user's interventions, oldest first."""
        rows = self._rows(
            "SELECT kind, author, given_at, experiment, words, changes, patch, score, number, "
            "session IS (SELECT MAX(id) FROM sessions) AS current FROM interventions ORDER BY number"
        )
        return [
            Intervention(**{**dict(row), "changes": json.loads(row["changes"]), "current": bool(row["current"])})
            for row in rows
        ]

    def blocks(self) -> list[Block]:
        """Return all blocks, oldest first."""
        return self._blocks("ORDER BY number")

    def _blocks(self, which: str) -> list[Block]:
        rows = self._rows(
            "SELECT number, rung, opened_at, summary, chance, d.reason FROM blocks "
            f"LEFT JOIN block_summaries s ON s.block = number LEFT JOIN decisions d ON d.block = number {which}"
        )
        return [Block(**dict(row)) for row in rows]

    def block(self) -> Block | None:
        """Return the newest block."""
        return next(iter(self._blocks("ORDER BY number DESC LIMIT 1")), None)

    def experiments(self) -> list[Experiment]:
        """Return all experiments with their trials and verdicts, oldest first."""
        return self._recall.experiments()

    def these(self, names: Collection[str]) -> list[Experiment]:
        """Return the experiments with these names, oldest first."""
        return read(self._db, names)

    def experiment(self, name: str) -> Experiment | None:
        """Return one experiment with its trials and verdict."""
        return next(iter(self.these([name])), None)

    def outlines(self, fidelity: str) -> list[Outline]:
        """Return all experiments in outline, oldest first, scored at one fidelity."""
        return outlines(self._db, fidelity)

    def that_contain(self, words: Collection[str]) -> list[Experiment]:
        """Return the experiments whose texts contain every word; words are in lower case."""
        return self.these(that_contain(self._db, words)) if words else self.experiments()

    def running(self) -> list[RunningTrial]:
        """Return trials without a result: running now, or interrupted when their controller died."""
        rows = self._rows(
            "SELECT trial, experiment, steps, folder, pid, started_at FROM trial_starts WHERE id IN "
            "(SELECT MAX(s.id) FROM trial_starts s LEFT JOIN trial_results r ON r.trial = s.trial "
            "WHERE r.trial IS NULL GROUP BY s.trial) ORDER BY id"
        )
        return [RunningTrial(**dict(row)) for row in rows]

    def attempts(self, trial: str) -> int:
        """Return the number of times a trial has been started."""
        return int(self._rows("SELECT COUNT(*) FROM trial_starts WHERE trial = ?", trial)[0][0])

    def findings(self, block: int | None = None) -> list[Finding]:
        """Return all findings, or those of one block. Each block states again every finding that holds so far."""
        where, parameters = ("", ()) if block is None else ("WHERE block = ? ", (block,))
        rows = self._rows(
            "SELECT block, kind, subject, statement, experiments, effect, p_value, found_at FROM findings "
            f"{where}ORDER BY id",
            *parameters,
        )
        return [Finding(**{**dict(row), "experiments": unpack(row["experiments"])}) for row in rows]

    def current_findings(self) -> list[Finding]:
        """Return the findings of the block that was closed last and has any."""
        return self.findings(sum(row[0] for row in self._rows("SELECT block FROM findings ORDER BY id DESC LIMIT 1")))

    def spent(self, kind: str, since: float = 0.0) -> float:
        """Return the total spend of one kind since a time."""
        return float(self._rows("SELECT TOTAL(amount) FROM spend WHERE kind = ? AND spent_at >= ?", kind, since)[0][0])

    def calls(self) -> list[Call]:
        """Return all requests to language models, oldest first."""
        rows = self._rows(
            "SELECT planner, model, prompt, tokens_in, tokens_out, dollars, seconds, outcome, called_at "
            "FROM calls ORDER BY id"
        )
        return [Call(**dict(row)) for row in rows]

    def measurement(self, code: str, dataset: str, seed: int, steps: int) -> Measurement | None:
        """Return the result of a training outside the experiments, or None if it has not been done."""
        where = "WHERE code = ? AND dataset = ? AND seed = ? AND steps = ?"
        rows = self._rows(f"SELECT * FROM measurements {where}", code, dataset, seed, steps)
        return next((Measurement(**{**dict(row), "scores": json.loads(row["scores"])}) for row in rows), None)

    def ablations(self, winner: str) -> dict[str, Ablation]:
        """Return the newest ablation of each change in a winner's stack."""
        rows = self._rows("SELECT * FROM ablations WHERE winner = ? ORDER BY number", winner)
        return {r["left_out"]: Ablation(**_with_interval(r, seeds=tuple(json.loads(r["seeds"])))) for r in rows}

    def verifications(self) -> dict[str, Verification]:
        """Return the newest verification of each experiment."""
        newest = {}
        for row in self._rows("SELECT * FROM verifications ORDER BY number"):
            siblings = tuple(SiblingResult(**sibling) for sibling in json.loads(row["siblings"]))
            newest[row["experiment"]] = Verification(**_with_interval(row, siblings=siblings))
        return newest

    def last_spend_at(self) -> float:
        """Return the time of the last spend, or 0 before the first."""
        return float(self._rows("SELECT COALESCE(MAX(spent_at), 0.0) FROM spend")[0][0])

    def events(self) -> list[Event]:
        """Return all events, oldest first."""
        return [Event(**dict(row)) for row in self._rows("SELECT at, message FROM events ORDER BY id")]


def _with_bounds(record: Ablation | Verification, **written: Any) -> dict[str, Any]:
    """Return the columns of a record with an interval; `written` replaces sequences by JSON."""
    low, high = record.interval or (None, None)
    columns = {**vars(record), **written, "low": low, "high": high}
    del columns["interval"]
    return columns


def _with_interval(row: sqlite3.Row, **read: Any) -> dict[str, Any]:
    """Return the fields of a record with an interval from its row; `read` replaces JSON by sequences."""
    interval = None if row["low"] is None else (row["low"], row["high"])
    plain = {name: row[name] for name in row.keys() if name not in ("number", "low", "high")}  # noqa: SIM118
    return {**plain, "interval": interval, **read}


def _opened(path: Path, *, readonly: bool) -> sqlite3.Connection:
    """Return a connection to a ledger of today's schema; raises `LedgerError` or `sqlite3.DatabaseError`."""
    existed = path.exists()
    address = f"{path.absolute().as_uri()}?mode={'ro' if readonly else 'rwc'}"
    db = sqlite3.connect(address, uri=True, timeout=30, isolation_level=None)
    try:
        db.row_factory = sqlite3.Row
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if 0 < version < SCHEMA_VERSION:
            db = before_upgrade(db, path, version, readonly=readonly)
        # Without this, INSERT OR REPLACE would delete rows past the triggers that forbid it.
        db.execute("PRAGMA recursive_triggers = ON")
        db.execute("PRAGMA foreign_keys = ON")
        if version == 0 and existed:
            raise LedgerError(f"{path}: the ledger is empty; {mend(path)}")
        if version > SCHEMA_VERSION:
            raise LedgerError(
                f"{path}: schema version is {version}, but this stoichloop reads up to {SCHEMA_VERSION}; "
                "use the version that wrote it"
            )
        if version < SCHEMA_VERSION:
            upgrade(db)
    except BaseException:
        db.close()
        raise
    return db
