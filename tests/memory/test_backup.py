"""Damaged ledgers: they are detected, the last good copy is intact, and it can be restored."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.campaign.folder import start_campaign
from agent.campaign.restore import restore
from agent.executor.workspace import Workspace
from memory.backup import good_copy
from memory.ledger import Ledger
from memory.records import CampaignRecord, Decision, Verdict
from simulator.dataset import Dataset
from stoichloop.errors import LedgerError, StoichloopError
from tests.agent.experiments import FIDELITY, scored

BLOCK = Decision("baseline", None, "first")


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:5000])


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def overwritten(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[4096:] = b"\x5a" * (len(content) - 4096)
    path.write_bytes(content)


def headless(path: Path) -> None:
    path.write_bytes(b"not a database" * 1000)


def gone(path: Path) -> None:
    path.unlink()


def fill(ledger: Ledger) -> None:
    ledger.open_block(BLOCK, [scored("e0001", [0.3, 0.32], block=0)])
    for trial in scored("e0001", [0.3, 0.32], block=0).trials:
        ledger.add_result(trial)
    ledger.add_verdict("e0001", Verdict("accepted", "the baseline"))


@pytest.mark.parametrize("harm", [truncated, emptied, overwritten, headless, gone])
def test_from_a_damaged_ledger_there_is_a_way_back(
    workspace: Workspace, tiny: Dataset, harm: Callable[[Path], None]
) -> None:
    campaign = start_campaign(workspace, "night", tiny, planner="sweep", fidelity="probe", seed=0)
    with Ledger(campaign.ledger_path) as ledger:
        fill(ledger)
        ledger.keep_copy()
        whole = ledger.experiments()
    harm(campaign.ledger_path)
    damaged = campaign.ledger_path.read_bytes() if campaign.ledger_path.exists() else None
    if damaged is not None:
        with pytest.raises(LedgerError, match="stoichloop restore night"), Ledger(campaign.ledger_path) as ledger:
            ledger.check()
    done = restore(campaign)
    assert (done.experiments, done.trials) == (1, 2)
    assert [path.read_bytes() for path in done.kept if path.name == "broken-memory.db"] == (
        [] if damaged is None else [damaged]
    )
    with Ledger(campaign.ledger_path) as ledger:
        assert ledger.experiments() == whole
        assert ledger.events()[-1].message == "the ledger was damaged; its last good copy took its place"
    with pytest.raises(StoichloopError, match="this ledger is whole"):
        restore(campaign)


def test_a_ledger_that_goes_bad_does_not_get_into_the_copy(tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    with Ledger(path) as ledger:
        ledger.add_campaign(CampaignRecord("night", "pde_m1_tiny", "d" * 64, "c" * 40, FIDELITY, 0.0, "exact"))
        fill(ledger)
        ledger.keep_copy()
    good = good_copy(path).read_bytes()
    overwritten(path)
    with (
        pytest.raises((LedgerError, sqlite3.DatabaseError), match=r"malformed|damaged|readable"),
        Ledger(path) as ledger,
    ):
        ledger.keep_copy()
    assert good_copy(path).read_bytes() == good


def test_copying_takes_a_small_share_of_the_time(tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    with Ledger(path) as ledger:
        fill(ledger)
        ledger.keep_copy()
        good_copy(path).unlink()
        ledger.keep_copy()
        assert not good_copy(path).exists()
