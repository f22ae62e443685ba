"""Siblings of a campaign: frozen in the background, the same ever after, and none where there can be none."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from typing import get_type_hints

import psutil
import pytest

from agent.campaign.sibling_networks import COUNT, SiblingNetworks, sibling_count
from agent.cli.verify_command import verify
from agent.executor.workspace import Workspace
from simulator.dataset import MANIFEST, OBSERVATIONS, Dataset, read_arrays, write
from simulator.measured.measurements import Measurements
from simulator.regime import find_regime
from stoichloop.errors import StoichloopError
from tests.agent.campaign.test_folder import start


@pytest.fixture
def own(workspace: Workspace, tiny: Dataset) -> Dataset:
    """Return the data of the campaign in its workspace, with those of its siblings beside them."""
    return replace(tiny, folder=workspace.data / tiny.regime.name)


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


def test_siblings_are_frozen_one_after_the_other_while_the_campaign_goes_on(
    own: Dataset, workspace: Workspace, sibling: Dataset
) -> None:
    for number in (1, 3):
        shutil.rmtree(workspace.data / own.regime.sibling(1000 + number).name)
    said = list[str]()
    siblings = SiblingNetworks(start(workspace, own), own, said.append)
    siblings.freeze()
    assert [siblings.has(number) for number in (1, 2, 3, 4)] == [False, True, False, True]
    wait_until(lambda: siblings.has(1))
    assert not siblings.has(3)
    wait_until(lambda: siblings.has(3))
    assert siblings.checked(1).manifest.fingerprint() == sibling.manifest.fingerprint()
    assert said == ["freezing 2 sibling networks of pde_m1_tiny in the background, to confirm changes of code on"]


def test_what_is_being_frozen_ends_with_the_campaign(own: Dataset, workspace: Workspace) -> None:
    shutil.rmtree(workspace.data / own.regime.sibling(1001).name)
    siblings = SiblingNetworks(start(workspace, own), own, print)
    siblings.freeze()
    (freezing,) = psutil.Process().children()
    assert "simulator.freeze" in freezing.cmdline()
    siblings.stop()
    assert not freezing.is_running()


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


def test_siblings_that_cannot_be_made_are_none_and_that_is_said(own: Dataset, workspace: Workspace) -> None:
    kinetics = own.regime.kinetics.model_copy(update={"min_rate_variation": 1e9})
    demanding = replace(own, regime=own.regime.model_copy(update={"kinetics": kinetics}))
    said = list[str]()
    for number in range(1001, 1005):
        shutil.rmtree(workspace.data / own.regime.sibling(number).name)
    siblings = SiblingNetworks(start(workspace, own), demanding, said.append)
    assert siblings.count == COUNT
    assert not siblings.has(2)
    wait_until(lambda: siblings.has(2) or siblings.count == 0)
    assert siblings.has(0)
    assert not siblings.has(1)
    (_, words) = said
    assert words.startswith("changes are confirmed on pde_m1_tiny alone, for it has no siblings: regime ")
    assert "kinetics.min_rate_variation = 1000000000.0; lower it" in words
