"""Siblings of a campaign: frozen in the background, the same ever after, and none where there can be none."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import get_type_hints

import psutil
import pytest

from agent.campaign import sibling_networks
from agent.campaign.sibling_networks import COUNT, SiblingNetworks, sibling_count
from agent.cli.verify_command import verify
from agent.executor.workspace import Workspace
from simulator.dataset import MANIFEST, OBSERVATIONS, Dataset, read_arrays, write
from simulator.freeze import REFUSED
from simulator.measured.measurements import Measurements
from simulator.regime import find_regime
from stoichloop.errors import StoichloopError
from tests.agent.campaign.test_folder import start


@pytest.fixture
def own(workspace: Workspace, tiny: Dataset) -> Dataset:
    """Return the data of the campaign in its workspace, with those of its siblings beside them."""
    return replace(tiny, folder=workspace.data / tiny.regime.name)


@pytest.fixture
def freezing(monkeypatch: pytest.MonkeyPatch, tiny: Dataset) -> Callable[[str], None]:
    """Have a Python program freeze siblings. It knows their `name`, the `root`, and the `place` of data to copy."""

    def by(program: str) -> None:
        given = f"""
import json, os, shutil, sys
from pathlib import Path
name, root = json.load(sys.stdin)['name'], Path(sys.argv[1])
place = Path({str(tiny.folder.parent)!r}) / name
"""
        monkeypatch.setattr(sibling_networks, "_COMMAND", (sys.executable, "-c", given + program))

    return by


def remove(workspace: Workspace, *numbers: int) -> None:
    """Remove the frozen data of siblings."""
    for number in numbers:
        shutil.rmtree(workspace.data / f"pde_m1_tiny_sibling{1000 + number}")


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_only_a_drawn_network_has_siblings(tiny: Dataset, pathway: Measurements) -> None:
    assert sibling_count(tiny.regime) == COUNT
    assert sibling_count(find_regime("ecoli_core")) == 0  # they would have the same S
    assert sibling_count(pathway.regime) == 0


def test_no_network_of_stoichloop_verify_has_had_a_part_in_a_campaign(own: Dataset, workspace: Workspace) -> None:
    siblings = SiblingNetworks(start(workspace, own), own, print)
    assert siblings.has(1)
    assert siblings.checked(1).regime == own.regime.sibling(1001)
    assert get_type_hints(verify, include_extras=True)["siblings"].__metadata__[0].max < 1001


def test_a_sibling_is_kept_beside_the_campaigns_own_data_without_a_truth(own: Dataset, workspace: Workspace) -> None:
    campaign = start(workspace, own)
    siblings = SiblingNetworks(campaign, own, print)
    assert not (campaign.folder / "data" / "sibling1").exists()  # no code has been proposed, none is to be judged
    assert siblings.has(0)
    assert siblings.has(1)
    kept = campaign.folder / "data" / "sibling1"
    assert sorted(path.name for path in kept.iterdir()) == [MANIFEST, OBSERVATIONS]
    assert (kept / OBSERVATIONS).read_bytes() == siblings.observations(1).read_bytes()
    assert siblings.observations(0) == own.observations_path != siblings.observations(1)
    assert siblings.checked(1).manifest.truth != own.manifest.truth
    assert SiblingNetworks(campaign, own, print).has(1)


def test_a_sibling_is_frozen_as_by_the_command(own: Dataset, workspace: Workspace, sibling: Dataset) -> None:
    shutil.rmtree(workspace.data / sibling.regime.name)
    siblings = SiblingNetworks(start(workspace, own), own, print)
    wait_until(lambda: siblings.has(1))
    assert siblings.checked(1).manifest.fingerprint() == sibling.manifest.fingerprint()


def test_siblings_are_frozen_one_after_the_other_while_the_campaign_goes_on(
    own: Dataset, workspace: Workspace, freezing: Callable[[str], None]
) -> None:
    freezing("shutil.copytree(place, root / name)")
    remove(workspace, 1, 3)
    said = list[str]()
    siblings = SiblingNetworks(start(workspace, own), own, said.append)
    siblings.freeze()
    assert [siblings.has(number) for number in (1, 2, 3, 4)] == [False, True, False, True]
    wait_until(lambda: siblings.has(1))
    assert not siblings.has(3)
    wait_until(lambda: siblings.has(3))
    assert said == ["freezing siblings of pde_m1_tiny in the background, on which changes of code are confirmed"]


def test_what_is_being_frozen_ends_with_the_campaign(own: Dataset, workspace: Workspace) -> None:
    remove(workspace, 1)
    siblings = SiblingNetworks(start(workspace, own), own, print)
    siblings.freeze()
    (process,) = (child for child in psutil.Process().children() if "simulator.freeze" in child.cmdline())
    siblings.stop()
    assert not process.is_running()


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("sys.exit('no room for\\nthe data')", "the process ended with exit status 1: the data"),
        ("print('x' * 10**6, file=sys.stderr); os.abort()", "the process ended with signal 6: xxx"),
        ("while True: pass", "that took more than 1 s of processor time"),
    ],
)
def test_a_sibling_is_tried_twice(
    own: Dataset,
    workspace: Workspace,
    freezing: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
    program: str,
    words: str,
) -> None:
    monkeypatch.setattr(sibling_networks, "_AGAIN_S", 0.0)
    monkeypatch.setattr(sibling_networks, "_LIMIT_S", 1)
    freezing(f"""
if not (root / "again").exists():
    (root / "again").touch()
    {program}
shutil.copytree(place, root / name)""")
    remove(workspace, 2)
    said = list[str]()
    siblings = SiblingNetworks(start(workspace, own), own, said.append)
    wait_until(lambda: siblings.has(2))
    assert siblings.numbers == (1, 2, 3, 4)
    (_, failed) = said
    assert failed.startswith(f"sibling 2 of pde_m1_tiny is not frozen, and will be tried once more: {words}")


def test_data_of_a_sibling_that_are_not_its_own_are_tried_again_later(own: Dataset, workspace: Workspace) -> None:
    (workspace.data / own.regime.sibling(1002).name / MANIFEST).unlink()
    said = list[str]()
    siblings = SiblingNetworks(start(workspace, own), own, said.append)
    assert [siblings.has(number) for number in (1, 2, 3, 4)] == [True, False, True, True]
    (failed,) = said
    assert failed.startswith("sibling 2 of pde_m1_tiny is not frozen, and will be tried once more: ")
    assert "manifest.json: missing or malformed; restore it" in failed
    assert siblings.numbers == (1, 2, 3, 4)


def test_a_campaign_goes_on_only_with_the_siblings_that_it_has_used(
    own: Dataset, workspace: Workspace, sibling: Dataset
) -> None:
    campaign = start(workspace, own)
    assert SiblingNetworks(campaign, own, print).has(1)
    arrays = {name: read_arrays(sibling.folder / name) for name in sibling.manifest.files if name.endswith(".npz")}
    arrays[OBSERVATIONS]["concentration"] = arrays[OBSERVATIONS]["concentration"] * 1.01
    shutil.rmtree(workspace.data / sibling.regime.name)
    write(sibling.regime, workspace.data, arrays, sibling.facts)
    with pytest.raises(
        StoichloopError, match=r"_sibling1001: the data are not .* campaign 'night' began with; .* 0\.01"
    ):
        SiblingNetworks(campaign, own, print)


def test_a_sibling_that_cannot_be_made_is_left_out_and_so_it_is_when_the_campaign_is_resumed(
    own: Dataset, workspace: Workspace, freezing: Callable[[str], None]
) -> None:
    freezing(f"print('some rate varies too little', file=sys.stderr); sys.exit({REFUSED})")
    remove(workspace, 3)
    campaign, said = start(workspace, own), list[str]()
    siblings = SiblingNetworks(campaign, own, said.append)
    assert siblings.numbers == (1, 2, 3, 4)
    wait_until(lambda: siblings.has(3) or siblings.numbers == (1, 2, 4))
    assert [siblings.has(number) for number in (0, 1, 2, 3, 4)] == [True, True, True, False, True]
    (_, words) = said
    reason = campaign.folder / "data" / "sibling3.txt"
    assert words == (
        "changes of code are confirmed on pde_m1_tiny and 3 siblings of it, because sibling 3 is not available: some "
        f"rate varies too little; remove {reason} to have it tried again when the campaign is resumed"
    )
    assert reason.read_text() == "some rate varies too little\n"
    assert SiblingNetworks(campaign, own, print).numbers == (1, 2, 4)
    reason.unlink()
    assert SiblingNetworks(campaign, own, print).numbers == (1, 2, 3, 4)


def test_a_campaign_whose_last_sibling_cannot_be_made_confirms_on_its_own_network_alone(
    own: Dataset, workspace: Workspace
) -> None:
    kinetics = own.regime.kinetics.model_copy(update={"min_rate_variation": 1e9})
    demanding = replace(own, regime=own.regime.model_copy(update={"kinetics": kinetics}))
    remove(workspace, 4)
    campaign, said = start(workspace, own), list[str]()
    for number in (1, 2, 3):
        (campaign.folder / "data" / f"sibling{number}.txt").touch()
    siblings = SiblingNetworks(campaign, demanding, said.append)
    wait_until(lambda: siblings.has(4) or not siblings.numbers)
    assert siblings.has(0)
    (_, words) = said
    assert words.startswith("changes of code are confirmed on pde_m1_tiny alone, because sibling 4 is not available: ")
    assert "kinetics.min_rate_variation = 1000000000.0; lower it" in words
