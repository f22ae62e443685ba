"""The messages of a controller to its user, and their occasions."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest

from agent.campaign.budget import Budget
from agent.campaign.folder import start_campaign
from agent.executor.workspace import Workspace
from agent.loop.user_channel import UserChannel
from memory.ending import Ending
from memory.ledger import Ledger
from memory.records import Grant, Verdict
from simulator.dataset import Dataset
from tests.agent.experiments import scored


def test_the_user_is_told_of_acceptances_of_a_standstill_and_of_the_end(
    workspace: Workspace, tiny: Dataset, tmp_path: Path
) -> None:
    campaign = start_campaign(workspace, "night", tiny, planner="auto", fidelity="probe", seed=0)
    notes: list[str] = []
    with Ledger(campaign.ledger_path) as ledger:
        user = UserChannel(campaign, ledger, notes.append, f"cat >> {tmp_path}/told; sleep 0.1")
        accepted, better = Verdict("accepted", "better"), replace(scored("e0002"), title="wider", author="Ada")
        user.tell_verdict(scored("e0001", block=0), accepted)  # the baseline
        user.tell_verdict(scored("e0003"), Verdict("rejected", "no better"))
        user.tell_verdict(better, accepted)
        for _ in range(3):
            user.tell_stuck("trials wait: the disk is full")
        user.close(Ending("stopped", "8 h of 8 h used"))
    told = sorted((json.loads(line) for line in (tmp_path / "told").read_text().splitlines()), key=lambda t: t["event"])
    assert [(each["event"], each["message"]) for each in told] == [
        ("accepted", "night: e0002 is accepted: better"),
        ("ended", "night: stopped: 8 h of 8 h used"),
        ("stuck", "night: stuck: trials wait: the disk is full"),
    ]
    assert (told[0]["experiment"], told[0]["title"], told[0]["author"]) == ("e0002", "wider", "Ada")
    assert (told[1]["campaign"], told[1]["kind"]) == ("night", "stopped")
    assert notes == []


def test_a_pause_spends_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    with Ledger(tmp_path / "memory.db") as ledger:
        budget = Budget(ledger, Grant(0.0, 60.0, None, 60.0, None))
        now[0] += 10
        budget.remember()
        for _ in range(100):
            now[0] += 1
            budget.rest()
        now[0] += 5
        assert budget.left_s() == 45.0
