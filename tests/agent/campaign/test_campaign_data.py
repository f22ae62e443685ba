"""A campaign goes on only with the data with which it began, and says how other data differ."""

import shutil
from collections.abc import Callable

import pytest

from agent.executor.workspace import Workspace
from simulator.dataset import OBSERVATIONS, Arrays, Dataset, read_arrays, verify, write
from stoichloop.errors import StoichloopError
from tests.agent.campaign.test_folder import start


def made_elsewhere(workspace: Workspace, tiny: Dataset, change: Callable[[Arrays], None]) -> Dataset:
    """Put data in place of the campaign's whose observations are changed, as another machine would make them."""
    arrays = {name: read_arrays(tiny.folder / name) for name in tiny.manifest.files if name.endswith(".npz")}
    change(arrays[OBSERVATIONS])
    shutil.rmtree(workspace.data / tiny.regime.name)
    write(tiny.regime, workspace.data, arrays, tiny.facts)
    return verify(tiny.regime, workspace.data)


def rounded(arrays: Arrays) -> None:
    arrays["concentration"] = arrays["concentration"] * (1 + 1e-13)


def scaled(arrays: Arrays) -> None:
    arrays["concentration"] = arrays["concentration"] * 1.01


def test_a_campaign_takes_along_what_trials_are_given_and_no_truth(workspace: Workspace, tiny: Dataset) -> None:
    kept = start(workspace, tiny).folder / "data"
    assert sorted(path.name for path in kept.iterdir()) == ["manifest.json", "observations.npz"]
    assert (kept / OBSERVATIONS).read_bytes() == tiny.observations_path.read_bytes()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (rounded, "these are equal to rounding, as far as compared: .*: differences are at most 1e-13"),
        (scaled, "these are different in 1 of .* arrays, .*, most in observations.npz: concentration: by 0.01"),
    ],
)
def test_data_of_another_machine_are_refused_with_a_mend_that_works(
    workspace: Workspace, tiny: Dataset, change: Callable[[Arrays], None], words: str
) -> None:
    start(workspace, tiny)
    with pytest.raises(StoichloopError, match=rf"campaign 'night' began with; {words}.*; put the folder") as refusal:
        start(workspace, made_elsewhere(workspace, tiny, change))
    assert "\n" not in str(refusal.value)
    shutil.rmtree(workspace.data / tiny.regime.name)
    shutil.copytree(tiny.folder, workspace.data / tiny.regime.name)
    assert start(workspace, verify(tiny.regime, workspace.data))


def test_a_campaign_from_before_copies_were_kept_says_so(workspace: Workspace, tiny: Dataset) -> None:
    shutil.rmtree(start(workspace, tiny).folder / "data")
    with pytest.raises(StoichloopError, match="began with; it kept no copy to compare them with; put the folder"):
        start(workspace, made_elsewhere(workspace, tiny, rounded))
    assert start(workspace, tiny)
