"""Texts and pictures that cannot be made."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.campaign.folder import start_campaign
from agent.executor.workspace import Workspace
from agent.loop.texts import Texts
from memory.ledger import Ledger
from memory.records import Decision, Verdict
from simulator.dataset import Dataset
from tests.agent.experiments import scored
from tests.hostile_texts import HOSTILE


@pytest.mark.parametrize("name", ["memory.md", "log.md", "curve.svg", "report.html"])
def test_one_that_cannot_be_written_costs_a_line_and_no_other(workspace: Workspace, tiny: Dataset, name: str) -> None:
    campaign = start_campaign(workspace, "night", tiny, planner="auto", fidelity="probe", seed=0)
    (campaign.folder / name).mkdir()  # in its place
    notes: list[str] = []
    with Ledger(campaign.ledger_path) as ledger:
        ledger.open_block(Decision("baseline", None, "first"), [scored("e0001", [0.3], block=0)])
        texts = Texts(workspace, campaign, tiny, ledger, notes.append)
        for _ in range(3):
            texts.write()
    assert len(notes) == 1
    assert notes[0].startswith(f"{name} cannot be made: IsADirectoryError")
    made = {path.name for path in campaign.folder.iterdir() if path.is_file()}
    assert {"memory.md", "log.md", "curve.svg", "report.html"} - made == {name}


def test_what_others_wrote_stops_none_of_them(workspace: Workspace, tiny: Dataset) -> None:
    campaign = start_campaign(workspace, "night", tiny, planner="auto", fidelity="probe", seed=0)
    notes: list[str] = []
    with Ledger(campaign.ledger_path) as ledger:
        baseline = scored("e0001", [0.3], block=0)
        accepted = [
            replace(scored(f"e{n:04d}", [0.3 + n / 100]), hypothesis=text, patch=text, changes={text: text})
            for n, text in enumerate(HOSTILE.values(), 2)
        ]
        ledger.open_block(Decision("baseline", None, "first"), [baseline])
        ledger.open_block(Decision("code", None, HOSTILE["heading"]), accepted)
        for e in (baseline, *accepted):
            ledger.add_result(e.trials[0])
            ledger.add_verdict(e.id, Verdict("rejected" if e.parent else "accepted", e.hypothesis))
        Texts(workspace, campaign, tiny, ledger, notes.append).write()
    assert notes == []
