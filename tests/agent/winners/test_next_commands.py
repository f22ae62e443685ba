"""From a finished campaign to a picked branch, by the commands that each step's own output names.

They hold for a campaign that is not the one written to last. test_pick.py has the way back.
"""

from __future__ import annotations

import re

import pytest
from rich.console import RenderableType

from agent.base.console import Console
from agent.campaign.campaign_state import next_commands
from agent.executor.workspace import Workspace
from agent.winners.chain import find_chain
from agent.winners.overview import picture, read_winners
from agent.winners.verify import describe
from memory.records import Generality, SiblingResult, Verification
from simulator.dataset import Dataset
from tests.agent.winners.nights import Night


def named(text: str) -> list[str]:
    """Return the commands that a text names as the next ones."""
    return [line.strip() for line in re.findall(r"^next: (.*)$", text, re.MULTILINE)]


def printed(view: RenderableType) -> str:
    """Return a view as a terminal of 100 columns prints it."""
    console = Console(width=100)
    with console.capture() as captured:
        console.print(view)
    return captured.get()


def test_a_finished_campaign_leads_to_its_winners_and_these_to_the_pick(workspace: Workspace, tiny: Dataset) -> None:
    night = Night(workspace, tiny, "first")
    leader = night.accept("e0001", {0: 0.55, 1: 0.56}, changes={"lr_S": 0.02})
    winners, pick = next_commands("finished", "first", leader.id, "stoichloop explore pde_m1_tiny --campaign first")
    assert (winners, pick) == ("stoichloop winners first", "stoichloop pick e0002 --campaign first")
    told = printed(picture(read_winners(workspace, night.campaign, night.ledger, leader)))
    assert named(told) == ["stoichloop verify e0002 --campaign first", pick]
    night.close()


@pytest.mark.parametrize("verdict", ["generalises", "not shown to generalise", "does not generalise"])
def test_a_verified_experiment_is_to_be_picked_unless_it_fails_elsewhere(
    workspace: Workspace, tiny: Dataset, verdict: Generality
) -> None:
    night = Night(workspace, tiny, "first")
    night.accept("e0001", {0: 0.55, 1: 0.56}, changes={"lr_S": 0.02})
    night.close()
    result = Verification("e0002", "probe", 0, (SiblingResult(1, 0.6, 0.4, 0.55, ""),), 0.2, None, verdict, 0.0)
    told = printed(describe(find_chain(workspace.repo, "e0002", "first"), result))
    assert named(told) == ([] if verdict == "does not generalise" else ["stoichloop pick e0002 --campaign first"])
