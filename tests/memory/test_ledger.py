import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import memory.ledger as ledger_module
from memory.leaderboard import incumbent, leaders
from memory.ledger import Ledger
from memory.records import (
    Ablation,
    Call,
    CampaignRecord,
    Decision,
    Finding,
    Measurement,
    RunningTrial,
    SiblingResult,
    Verdict,
    Verification,
)
from memory.render import MEMORY_LINES, Log, experiment_text, search, working_memory
from stoichloop.errors import LedgerError
from tests.agent.experiments import FIDELITY, scored

SWEEP = Decision("sweep", None, "because")


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    made = Ledger(tmp_path / "memory.db")
    made.add_campaign(CampaignRecord("night", "pde_m1_tiny", "d" * 64, "c" * 40, FIDELITY, time.time(), "exact"))
    baseline = scored("e0001", [0.3, 0.32], block=0)
    made.open_block(Decision("baseline", None, "first"), [baseline])
    for trial in baseline.trials:
        made.add_result(trial)
    made.add_verdict("e0001", Verdict("accepted", "the baseline"))
    made.close_block(0, "measured", [Finding(0, "open question", "fields", "which?", ("e0001",), None, None, 0.0)])
    with made:
        yield made


def test_what_goes_in_comes_out(ledger: Ledger, tmp_path: Path) -> None:
    changed = replace(scored("e0002", [0.4]), changes={"lr_S": 0.1}, configuration={"lr_S": 0.1})
    experiment = replace(changed, role="principle", move="sign_tied", patch="a diff", repairs="e0001", prompt="p" * 64)
    experiment = replace(experiment, kind="diagnosis")
    ledger.open_block(SWEEP, [experiment])
    ledger.add_landing("e0002", "d" * 40)
    ledger.add_result(experiment.trials[0])
    verdict = Verdict("rejected", "no better", "e0001", -0.01, (-0.03, 0.01), 0.8)
    ledger.add_verdict("e0002", verdict)
    ledger.close()
    with Ledger(tmp_path / "memory.db", readonly=True) as again:
        found = again.experiment("e0002")
        assert found == replace(experiment, landed="d" * 40, verdict=replace(verdict, number=2))
        assert [block.summary for block in again.blocks()] == ["measured", None]
        assert again.findings()[0].experiments == ("e0001",)
        assert [e.id for e in again.experiments()] == ["e0001", "e0002"]


def test_what_was_measured_after_the_night_comes_out_and_the_newest_counts(ledger: Ledger) -> None:
    measured = Measurement("c", "d", 1, 10, {"exact": 0.5}, "", 1.0)
    ledger.add_measurement(measured)
    assert ledger.measurement("c", "d", 1, 10) == measured
    assert ledger.measurement("c", "d", 2, 10) is None
    with pytest.raises(sqlite3.IntegrityError):
        ledger.add_measurement(measured)
    needed = Ablation("e0001", "e0001", None, None, (1, 2), "matters", "needed", 1.0)
    newer = Ablation("e0001", "e0001", 0.0, (-0.1, 0.1), (1, 2, 3), "not shown to matter", "no", 2.0)
    for ablation in (needed, newer):
        ledger.add_ablation(ablation)
        assert ledger.ablations("e0001") == {"e0001": ablation}
    assert ledger.ablations("e0002") == {}
    siblings = SiblingResult(1, 0.5, 0.4, 0.3, ""), SiblingResult(2, None, 0.4, 0.3, "it crashed")
    verification = Verification("e0001", FIDELITY, 0, siblings, 0.1, None, "does not generalise", 1.0)
    ledger.add_verification(verification)
    assert ledger.verifications() == {"e0001": verification}


@pytest.mark.parametrize("statement", ["UPDATE trial_results SET scores = '{}'", "DELETE FROM experiments"])
def test_nothing_is_ever_changed_or_deleted(ledger: Ledger, tmp_path: Path, statement: str) -> None:
    with (
        closing(sqlite3.connect(tmp_path / "memory.db")) as other,
        pytest.raises(sqlite3.IntegrityError, match="append-only"),
    ):
        other.execute(statement)


def test_a_trial_has_one_result_and_a_configuration_one_experiment(ledger: Ledger) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        ledger.add_result(scored("e0001", [0.9]).trials[0])
    with pytest.raises(sqlite3.IntegrityError):
        ledger.open_block(SWEEP, [replace(scored("e0002"), fingerprint="e0001")])
    assert len(ledger.blocks()) == 1  # the block was not half opened


def test_starts_without_result_are_the_running_ones(ledger: Ledger) -> None:
    ledger.open_block(SWEEP, [scored("e0002")])
    for attempt in (1, 2):
        ledger.add_start(RunningTrial("e0002/s0/probe", "e0002", 10, f"folder{attempt}", 1, float(attempt)))
    assert [trial.folder for trial in ledger.running()] == ["folder2"]
    assert ledger.attempts("e0002/s0/probe") == 2
    ledger.add_result(scored("e0002", [0.1]).trials[0])
    assert ledger.running() == []


def test_a_file_that_is_no_ledger_or_a_newer_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="there is no ledger"):
        Ledger(tmp_path / "none.db", readonly=True)
    (tmp_path / "noise.db").write_bytes(b"not a database at all" * 100)
    with pytest.raises(LedgerError, match="not a readable ledger"):
        Ledger(tmp_path / "noise.db")
    newer = sqlite3.connect(tmp_path / "newer.db")
    newer.execute("PRAGMA user_version = 99")
    newer.close()
    with pytest.raises(LedgerError, match="schema version is 99"):
        Ledger(tmp_path / "newer.db")


def test_a_ledger_of_the_first_version_opens_and_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    with closing(sqlite3.connect(path)) as old, old:
        old.executescript((Path(ledger_module.__file__).parent / "schema" / "1.sql").read_text())
        old.execute("PRAGMA user_version = 1")
        old.execute("INSERT INTO blocks VALUES (0, 'baseline', 0.0)")
        old.execute("INSERT INTO experiments VALUES (1, 'e0001', 0, NULL, 'none', 'as it is', '{}', '{}', 'f', 0.0)")
    with Ledger(path, readonly=True) as opened:
        assert [(e.id, e.role, e.patch) for e in opened.experiments()] == [("e0001", "exploit", "")]
        assert opened.blocks()[0].reason is None
    with Ledger(path) as opened:
        opened.open_block(SWEEP, [scored("e0002")])
        assert opened.blocks()[1].reason == "because"


def test_a_ledger_from_before_the_score_had_a_name_is_one_of_exact(tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    with closing(sqlite3.connect(path)) as old, old:
        for version in range(1, 6):
            old.executescript((Path(ledger_module.__file__).parent / "schema" / f"{version}.sql").read_text())
        old.execute("PRAGMA user_version = 5")
        old.execute("INSERT INTO campaigns VALUES ('night', 'pde_m1_tiny', 'd', 'c', 'probe', 0.0)")
        old.execute("INSERT INTO blocks VALUES (0, 'baseline', 0.0)")
        old.execute("INSERT INTO experiments VALUES (1, 'e0001', 0, NULL, 'none', 'as it is', '{}', '{}', 'f', 0.0)")
        trial = ("e0001/s0/probe", "e0001", 0, "probe", "completed", "", '{"exact": 0.4, "blind": 0.7}', 1.0, "f", 0.0)
        old.execute(f"INSERT INTO trial_results VALUES ({', '.join('?' * 13)})", (*trial, None, None, None))
    with Ledger(path, readonly=True) as opened:
        campaign = opened.campaign()
        assert campaign is not None
        assert campaign.objective == "exact"
        assert [line.score for line in opened.outlines("probe")] == [0.4]
    # The controller may still run that version, so the file must stay unchanged.
    with closing(sqlite3.connect(path)) as old, old:
        assert old.execute("PRAGMA user_version").fetchone() == (5,)


def of_version(path: Path, newest: int, *, events: Sequence[str] = (), ended: bool = False) -> None:
    """Write a ledger of an earlier schema with one session, as a controller of that version left it."""
    with closing(sqlite3.connect(path)) as old, old:
        for version in range(1, newest + 1):
            old.executescript((Path(ledger_module.__file__).parent / "schema" / f"{version}.sql").read_text())
        old.execute(f"PRAGMA user_version = {newest}")
        old.execute("INSERT INTO campaigns VALUES ('night', 'pde_m1_tiny', 'd', 'c', 'probe', 0.0, 'exact')")
        old.execute("INSERT INTO blocks VALUES (0, 'baseline', 0.0)")
        old.execute("INSERT INTO experiments VALUES (1, 'e0001', 0, NULL, 'none', 'as it is', '{}', '{}', 'f', 0.0)")
        old.execute("INSERT INTO sessions (id, pid, born_at, started_at) VALUES (1, 17, 1.0, 2.0)")
        for at, message in enumerate(["controller started", *events], start=3):
            old.execute("INSERT INTO events (at, message) VALUES (?, ?)", (float(at), message))
        if ended:
            old.execute("INSERT INTO endings (session, ended_at) VALUES (1, 9.0)")


@pytest.mark.parametrize("version", [6, 7])
@pytest.mark.parametrize(
    ("left", "ending"),
    [
        ({}, None),
        ({"events": ["controller stopped"], "ended": True}, "stopped: by an earlier version, which kept no reason"),
        ({"events": ["controller stopped by KeyboardInterrupt"]}, "stopped: interrupted by a signal"),
        ({"events": ["controller stopped by OSError: disk full"]}, "crashed: OSError: disk full"),
    ],
    ids=["killed", "ended", "interrupted", "crashed"],
)
def test_an_earlier_ledger_says_how_it_ended_and_leaves_a_copy_that_its_version_can_read(
    tmp_path: Path, version: int, left: dict[str, Any], ending: str | None
) -> None:
    path, copy = tmp_path / "memory.db", tmp_path / f"memory.schema{version}.db"
    of_version(path, version, **left)
    with Ledger(path, readonly=True):
        assert not copy.exists()  # a reader changes nothing
    with Ledger(path) as opened:
        told = opened.ending()
        assert (told and str(told)) == ending
        session = opened.session()
        assert session is not None
        assert session.command == ""
        opened.add_event("goes on")
    with closing(sqlite3.connect(copy)) as kept, kept:
        assert kept.execute("PRAGMA user_version").fetchone() == (version,)
        assert kept.execute("SELECT count(*) FROM experiments").fetchone() == (1,)
        assert kept.execute("SELECT count(*) FROM events WHERE message = 'goes on'").fetchone() == (0,)
    before = copy.read_bytes()
    with Ledger(path) as opened:
        assert opened.events()[-1].message == "goes on"
    assert copy.read_bytes() == before


def test_trials_from_before_there_were_siblings_are_on_the_campaigns_own_network(tmp_path: Path) -> None:
    path, copy = tmp_path / "memory.db", tmp_path / "memory.schema8.db"
    of_version(path, 8, ended=True)
    trial = ("e0001/s0/probe", "e0001", 0, "probe", "completed", "", '{"exact": 0.4, "blind": 0.7}', 1.0, "f", 0.0)
    with closing(sqlite3.connect(path)) as old, old:
        old.execute(f"INSERT INTO trial_results VALUES ({', '.join('?' * 13)})", (*trial, None, None, None))
    with Ledger(path, readonly=True) as opened:
        (baseline,) = opened.experiments()
        assert (baseline.scores("probe"), baseline.sibling_trials) == ({0: 0.4}, ())
        assert not copy.exists()
    with Ledger(path) as opened:
        known = opened.experiments()[0].trials[0]
        opened.add_result(replace(known, trial="e0001/s0/probe/n2", scores={"exact": 0.9}, sibling=2))
        (baseline,) = opened.experiments()
        assert (baseline.scores("probe"), [t.score for t in baseline.sibling_trials]) == ({0: 0.4}, [0.9])
        assert [(line.trials, line.seeds, line.score) for line in opened.outlines("probe")] == [(2, 1, 0.4)]
        assert str(opened.ending()) == "stopped: by an earlier version, which kept no reason"
    with closing(sqlite3.connect(copy)) as kept, kept:
        assert kept.execute("PRAGMA user_version").fetchone() == (8,)
        assert kept.execute("SELECT trial FROM trial_results").fetchall() == [("e0001/s0/probe",)]


def test_without_room_for_a_copy_an_earlier_ledger_is_left_as_it_is(tmp_path: Path) -> None:
    of_version(tmp_path / "memory.db", 7)
    (tmp_path / "memory.schema7.partial").mkdir()  # stands in the way
    with pytest.raises(LedgerError, match=r"memory\.schema7\.db: the copy to keep .* cannot be written"):
        Ledger(tmp_path / "memory.db")
    with closing(sqlite3.connect(tmp_path / "memory.db")) as old, old:
        assert old.execute("PRAGMA user_version").fetchone() == (7,)


def test_without_a_truth_the_blind_score_is_the_one_that_counts(ledger: Ledger) -> None:
    ledger.open_block(SWEEP, [scored("e0002"), scored("e0003")])
    for name, blind in (("e0002", 0.2), ("e0003", 0.6)):
        ledger.add_result(replace(scored(name, [0.0]).trials[0], scores={"blind": blind, "test_r2": 0.5}))
    measured = ledger.experiments()[2]
    assert measured.scores(FIDELITY) == {0: 0.6}
    assert [line.score for line in ledger.outlines(FIDELITY)] == [0.31, 0.2, 0.6]
    assert leaders(ledger.outlines(FIDELITY), 2) == ["e0001", "e0003"]
    text = experiment_text(measured)
    assert "blind 0.6000" in text
    assert "exact" not in text


def test_calls_of_a_model_are_kept_in_order(ledger: Ledger) -> None:
    calls = [Call("llm", "small", "p" * 64, 10, 2, 0.0, 0.5, outcome, 1.0) for outcome in ("429", "answered")]
    for call in calls:
        ledger.add_call(call)
    assert ledger.calls() == calls


def test_the_requests_before_a_block_are_one_line_of_the_log(ledger: Ledger) -> None:
    night, began = ["503: retry in 0.5 s", "503: retry in 1 s", "503"] * 20, time.time()
    for second, outcome in enumerate([*night, "answered", "answered", "401"]):
        ledger.add_call(Call("llm", "small", "p" * 64, 10, 2, 0.5, 1.0, outcome, began + second / 1000))
    time.sleep(0.1)
    ledger.open_block(SWEEP, [replace(scored("e0002"), prompt="p" * 64)])
    # Its price is not known.
    ledger.add_call(Call("llm", "small", "q" * 64, 10, 2, 0.0, 1.0, "answered", time.time() + 1))
    lines = [line for line in Log(ledger).text().splitlines() if "llm asked small" in line]
    assert lines == [
        "- before block 1, llm asked small: 503, 60 times; answered, 2 times; 401; proposed e0002; "
        "630 tokens in, 126 out, 31.5000 dollars, 63.0 s; calls/0001.md to calls/0063.md",
        "- before the next block, llm asked small: answered; 10 tokens in, 2 out, 1.0 s; calls/0064.md",
    ]


def test_the_incumbent_is_the_last_accepted() -> None:
    first = scored("e0001", [0.3], verdict=Verdict("accepted", "", number=1))
    second = scored("e0003", [0.35], verdict=Verdict("accepted", "", number=3))
    lucky = scored("e0002", [0.9], verdict=Verdict("rejected", "", number=2))
    assert incumbent([first, lucky, second]) == second


def test_who_was_accepted_leads_the_board_before_who_was_lucky_once(ledger: Ledger) -> None:
    ledger.open_block(SWEEP, [scored("e0002"), scored("e0003"), scored("e0004")])
    for trial in (*scored("e0002", [0.9]).trials, *scored("e0003", [0.5, 0.6]).trials):
        ledger.add_result(trial)
    ledger.add_verdict("e0002", Verdict("rejected", "lucky"))
    ledger.add_verdict("e0003", Verdict("accepted", "better"))
    lines = ledger.outlines(FIDELITY)
    assert leaders(lines) == ["e0003", "e0001", "e0002"]
    assert leaders(lines, 1) == ["e0003"]
    assert lines[2][:-1] == ("e0003", 1, "accepted", 3, 2, 2)
    assert lines[2].score == pytest.approx(0.55)
    assert lines[3].score is None
    assert [line.score for line in ledger.outlines("full")] == [None] * 4


def names_of(support: int) -> tuple[str, ...]:
    return tuple(f"e{number:04d}" for number in range(1, support + 2))


def test_working_memory_stays_within_its_lines(ledger: Ledger) -> None:
    for block in range(1, 120):  # the newest has more findings than there is room for
        names = [f"e{block * 10 + index:04d}" for index in range(8)]
        ledger.open_block(SWEEP, [replace(scored(name), hypothesis="a | long\nhypothesis " * 30) for name in names])
        for name in names:
            ledger.add_result(scored(name, [0.3]).trials[0])
            ledger.add_verdict(name, Verdict("rejected", "screened out"))
        findings = [
            Finding(block, "established principle", str(index), f"so it is {index}", names_of(index), None, 0.01, 0.0)
            for index in range(90)
        ]
        ledger.close_block(block, "a summary", findings)
    text = working_memory(ledger)
    assert "so it is 89" in text  # the best supported
    assert "so it is 0 " not in text
    assert len(text.splitlines()) <= MEMORY_LINES
    assert "e1197" in text  # the newest is there


def test_the_memory_compares_with_the_parent_what_another_rival_judged(ledger: Ledger) -> None:
    ledger.open_block(SWEEP, [scored("e0002"), scored("e0003")])
    for name, exact in (("e0002", 0.6), ("e0003", 0.47)):
        ledger.add_result(scored(name, [exact]).trials[0])
    ledger.add_verdict("e0002", Verdict("accepted", "better", "e0001", 0.3))
    ledger.add_verdict("e0003", Verdict("rejected", "screened out", "e0002", -0.13))
    lines = {line[2:7]: line for line in working_memory(ledger).splitlines() if line.startswith("- e000")}
    assert lines["e0003"].endswith("screened out; against its parent e0001: +0.1700 on seed 0 at probe")
    assert "its parent" not in lines["e0002"]


def test_the_log_holds_everything_and_search_finds_it(ledger: Ledger) -> None:
    ledger.add_event("controller started")
    ledger.open_block(SWEEP, [replace(scored("e0002", [0.4]), hypothesis="cosine schedule helps")])
    log = Log(ledger).text()
    for piece in ("controller started", "Block 0: baseline", "cosine schedule helps", "e0001/s1/probe"):
        assert piece in log
    assert len(search(ledger, "COSINE")) == 1
    assert search(ledger, "controller")[0].endswith("controller started")
    assert search(ledger, "nowhere to be found") == []


def test_only_what_was_added_is_read_again_and_it_comes_to_the_same(ledger: Ledger, tmp_path: Path) -> None:
    ledger.open_block(SWEEP, [scored("e0002"), scored("e0003")])
    before = ledger.experiments()
    ledger.add_result(scored("e0003", [0.4]).trials[0])
    ledger.add_result(scored("e0003", [0.4, 0.5]).trials[1])
    ledger.add_verdict("e0003", Verdict("rejected", "no better"))
    ledger.add_landing("e0003", "d" * 40)
    after = ledger.experiments()
    with Ledger(tmp_path / "memory.db", readonly=True) as anew:
        assert anew.experiments() == after
    assert after[:2] == before[:2]
    assert after[0] is before[0]
    assert [t.seed for t in after[2].trials] == [0, 1]
    assert after[2].landed == "d" * 40


def test_trials_come_in_the_order_in_which_they_ended_whatever_the_clock_said(ledger: Ledger) -> None:
    ledger.open_block(SWEEP, [scored("e0002")])
    for trial, clock in zip(scored("e0002", [0.1, 0.2, 0.3]).trials, (30.0, 10.0, 20.0), strict=True):
        ledger.add_result(replace(trial, finished_at=clock))
    assert [t.seed for t in ledger.experiments()[1].trials] == [0, 1, 2]
    for start, clock in (("a", 30.0), ("b", 10.0)):
        ledger.add_start(RunningTrial("e0002/s9/probe", "e0002", 5, start, 7, clock))
    assert [trial.folder for trial in ledger.running()] == ["b"]


def test_a_search_finds_every_piece_of_an_entry(ledger: Ledger) -> None:
    verdict = Verdict("rejected", "screened out at probe: -0.0213 on seed 0", "e0001", -0.0213, (-0.05, 0.01), 0.5)
    patch = "--- a/gnn/model.py\n+++ b/gnn/model.py\n@@ -1 +1 @@\n-x = 1\n+x = 2\n"
    changes = {"lr_S": 0.0123, "activation": "silu"}
    e = replace(
        scored("e0002", [0.412345]), changes=changes, patch=patch, role="principle", hypothesis="Straße: größer"
    )
    ledger.open_block(SWEEP, [e])
    ledger.add_result(replace(e.trials[0], status="timed_out", reason="stopped at its limit", scores={}))
    ledger.add_result(scored("e0002", [0.4, 0.412345]).trials[1])
    ledger.add_verdict("e0002", verdict)
    ledger.add_landing("e0002", "d" * 40)
    entry = experiment_text(*reversed(ledger.experiments())).strip()
    assert "\n- cost: 1 s a trial at probe, 1.00 times its parent's\n" in entry
    for length in (1, 2, 5, 12, 40):
        for piece in {entry[first : first + length] for first in range(len(entry) - length)}:
            assert entry in search(ledger, piece.upper()), piece
    assert search(ledger, "zebra") == []


def test_a_closed_block_is_rendered_once_and_reads_as_if_anew(ledger: Ledger) -> None:
    log = Log(ledger)
    log.text()
    ledger.open_block(SWEEP, [replace(scored("e0002", [0.4]), hypothesis="cosine schedule helps")])
    log.text()
    ledger.add_verdict("e0002", Verdict("rejected", "it does not"))
    ledger.close_block(1, "nothing helped", [])
    assert log.text() == Log(ledger).text()
    assert "it does not" in log.text()
