"""The state of a campaign: how it ended, and what to do next."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from agent.base.campaign_request import CampaignRequest
from agent.campaign.campaign_state import read_state
from agent.campaign.folder import CampaignFolder, Settings
from agent.campaign.session import this_controller
from memory.ending import CampaignState, Ending, ending_of
from memory.ledger import Ledger
from memory.records import CampaignRecord, Decision, Grant, Verdict
from memory.render import Log, working_memory
from stoichloop.errors import DatasetError
from tests.agent.experiments import FIDELITY, scored

SETTINGS = Settings(
    name="night",
    regime="pde_m1_tiny",
    dataset="d",
    base_commit="c",
    planner="sweep",
    fidelity=FIDELITY,
    full_steps=80,
    seed=0,
)
RESUME = "stoichloop explore pde_m1_tiny --campaign night --model small@http://here/v1"
SOLVED = Ending("finished", "solved")
SPENT = Ending("stopped", "2 of 2 experiments used")
CUT = Ending("interrupted", "interrupted by Ctrl-C")
CRASHED = Ending("crashed", "OSError: no space left")


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger(tmp_path / "memory.db") as made:
        made.add_campaign(CampaignRecord("night", "pde_m1_tiny", "d", "c", FIDELITY, 0.0, "exact"))
        yield made


def accept(ledger: Ledger, *names: str) -> None:
    """Open a block for each, the first being the baseline's, and accept it."""
    for block, name in enumerate(names):
        e = scored(name, block=block)
        ledger.open_block(Decision("sweep", None, "because"), [replace(e, verdict=Verdict("accepted", "better"))])


def state_of(ledger: Ledger) -> CampaignState:
    return read_state(CampaignFolder(Path("runs/night"), SETTINGS), ledger, ledger.outlines(FIDELITY))


def starts(ledger: Ledger) -> None:
    ledger.add_session(this_controller(RESUME))


def dies(ledger: Ledger) -> None:
    ledger.add_session(replace(this_controller(RESUME), pid=2**22 + 1, started_at=0.0))


def ends(ending: Ending) -> Callable[[Ledger], None]:
    def end(ledger: Ledger) -> None:
        starts(ledger)
        ledger.add_ending(ending)

    return end


@pytest.mark.parametrize(
    ("what_happens", "said", "commands"),
    [
        (lambda _: None, "not started", ("stoichloop explore pde_m1_tiny --campaign night --planner sweep", "status")),
        (starts, "running", ("stoichloop status night --watch", "log")),
        (dies, "killed: last heard at 1970-01-01 00:00:00Z", (RESUME, "log")),
        (ends(SOLVED), "finished: solved", ("stoichloop winners night", "pick e0002 --campaign")),
        (ends(SPENT), "stopped: 2 of 2 experiments used", (RESUME, "winners")),
        (ends(CUT), "stopped: interrupted by Ctrl-C", (RESUME, "winners")),
        (ends(CRASHED), "crashed: OSError: no space left", (RESUME, "log")),
    ],
)
def test_each_state_is_told_with_two_commands(
    ledger: Ledger, what_happens: Callable[[Ledger], None], said: str, commands: tuple[str, str]
) -> None:
    accept(ledger, "e0001", "e0002")
    what_happens(ledger)
    state = state_of(ledger)
    first, second = state.commands
    assert (str(state), second) == (said, f"stoichloop {commands[1]} night")
    assert first.startswith(commands[0])
    for text in (working_memory(ledger, state), Log(ledger).text(state)):
        assert text.splitlines()[2].startswith(f"**{said}")
        assert f"`{second}`" in text


@pytest.mark.parametrize("ending", [SOLVED, SPENT, CUT])
def test_where_the_baseline_leads_nothing_is_to_be_picked(ledger: Ledger, ending: Ending) -> None:
    accept(ledger, "e0001")
    ends(ending)(ledger)
    assert not [command for command in state_of(ledger).commands if "pick" in command or "winners" in command]


@pytest.mark.parametrize("ending", [SOLVED, SPENT, CUT, CRASHED])
def test_a_resumed_campaign_runs_whatever_ended_it(ledger: Ledger, ending: Ending) -> None:
    ends(ending)(ledger)
    assert ledger.ending() == ending
    starts(ledger)
    assert str(state_of(ledger)) == "running"


def test_a_ledger_without_the_command_is_resumed_with_what_was_granted(ledger: Ledger) -> None:
    ledger.add_session(replace(this_controller(), pid=2**22 + 1))
    ledger.add_grant(Grant(0.0, 600.0, 4, 600.0, 4))
    options = "--campaign night --budget 600s --experiments 4 --planner sweep --fidelity probe"
    assert state_of(ledger).commands[0] == f"stoichloop explore pde_m1_tiny {options}"


@pytest.mark.parametrize(
    ("request_", "options"),
    [
        (CampaignRequest("pde_m1"), ""),
        (CampaignRequest("night", experiments=3, dollars=0.5), "--campaign night --experiments 3 --dollars 0.5"),
        (CampaignRequest("pde_m1", program="ask --now"), "--program 'ask --now'"),
        (CampaignRequest("pde_m1", model=("openai:a", "openai:b")), "--model openai:a --model openai:b"),
        (CampaignRequest("pde_m1", without=("sign_tied",), until=0.999), "--without sign_tied --until 0.999"),
    ],
)
def test_a_request_is_written_as_the_command_that_makes_it(request_: CampaignRequest, options: str) -> None:
    assert request_.command("pde_m1") == f"stoichloop explore pde_m1 {options}".strip()
    assert request_.command("pde_m1", ["--no-sandbox"]).endswith(" --no-sandbox")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (KeyboardInterrupt(), "stopped: interrupted by Ctrl-C"),
        (KeyboardInterrupt("SIGINT"), "stopped: interrupted by Ctrl-C"),
        (KeyboardInterrupt("SIGHUP"), "stopped: interrupted by SIGHUP"),
        (DatasetError("observations.npz: the file is missing"), "crashed: observations.npz: the file is missing"),
        (ValueError("bad\n\x1b[2Jvalue"), r"crashed: ValueError: bad \x1b[2Jvalue"),
        (MemoryError(), "crashed: MemoryError"),
        (OSError(28, os.strerror(28)), "crashed: OSError: [Errno 28] No space left on device"),
    ],
)
def test_an_error_is_told_in_one_line(error: BaseException, said: str) -> None:
    assert str(ending_of(error)) == said
    assert len(str(ending_of(ValueError("long " * 500)))) < 450
