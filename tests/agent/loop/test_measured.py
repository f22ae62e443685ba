"""A user's own measurements through the commands: nothing that they say claims to know the truth."""

import csv
import json
import shutil
from pathlib import Path

import pytest
import yaml

from agent.executor.workspace import Workspace
from memory.formatting import UNCHECKED
from simulator.measured.measurements import Measurements
from tests.conftest import EXAMPLE, Command

FILES = ("--csv", str(EXAMPLE / "pathway.csv"), "--network", str(EXAMPLE / "pathway.yaml"))
STEPS = 80  # at full fidelity, so that a probe has ten


@pytest.fixture
def measured(stoichloop: Command, workspace: Workspace, pathway: Measurements) -> Command:
    """Return the command in a clone that knows the example by its name; the budget is small."""
    shutil.copytree(pathway.folder, workspace.data / "pathway")
    content = pathway.regime.model_dump(mode="json") | {"training": {"full_steps": STEPS}}
    (workspace.data / "pathway.yaml").write_text(yaml.safe_dump(content))
    return stoichloop


def test_data_says_what_is_known_and_that_nothing_can_be_checked(stoichloop: Command, workspace: Workspace) -> None:
    told = " ".join(stoichloop("data", *FILES).stdout.split())
    assert told.startswith(f"frozen {workspace.data / 'pathway'} Measured: 15 trajectories of 30 samples")
    for words in ("8 metabolites, 6 reactions, 20 edges", "coefficients of magnitude 1, 2", UNCHECKED):
        assert words in told
    assert stoichloop("data", *FILES).stdout.startswith("verified")
    facts = json.loads(stoichloop("data", "pathway", "--json").stdout)
    assert (facts["objective"], facts["generated"], facts["heldout_trajectories"]) == ("support", False, 3)
    assert "pathway.csv, 8 metabolites x 6 reactions, measured" in stoichloop("regimes").stdout


def test_training_is_scored_without_a_truth_and_hands_out_the_coefficients(measured: Command, tmp_path: Path) -> None:
    done = measured("train", "pathway", "--out", str(tmp_path / "out"))
    assert UNCHECKED in " ".join(done.stderr.split())
    names = [line.split()[0] for line in done.stdout.splitlines()]
    parts = [f"blind_{part}" for part in ("dcdt_error", "integer_distance", "mass_imbalance")]
    assert names[0] == "support"
    assert {*names} == {"support", "baseline_support", "blind", "test_r2", "test_pearson", *parts}
    with (tmp_path / "out" / "stoichiometry.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 20
    assert {(row["reaction"], row["metabolite"]) for row in rows} >= {("ferment", "pyr"), ("respire", "co2")}
    # This code states no probability; the scorer's stands there.
    sure = [row["coefficient"] for row in rows if float(row["probability"]) >= 0.9]
    unsure = {row["coefficient"] for row in rows if float(row["probability"]) < 0.9}
    assert all(abs(int(coefficient)) in (1, 2) for coefficient in sure)
    assert unsure == {"not determined"}


@pytest.mark.usefixtures("quick")
def test_a_campaign_on_measurements_goes_by_the_support_of_the_data(measured: Command, workspace: Workspace) -> None:
    said = " ".join(measured("explore", "pathway", "--fidelity", "probe", "--experiments", "1").stdout.split())
    assert f"note: {UNCHECKED}; the loop optimises support" in said
    assert "note: pathway has no sibling networks, so changes of code are confirmed on its own network alone" in said
    folder = workspace.runs / "pathway"
    memory, campaign = (folder / "memory.md").read_text(), yaml.safe_load((folder / "campaign.yaml").read_text())
    assert campaign["objective"] == "support"
    assert "scored by `support`" in memory
    assert UNCHECKED in memory
    assert "**e0001** support 0." in memory
    assert UNCHECKED in (folder / "log.md").read_text()
    assert "judged by `support`" in (folder / "brief.md").read_text()
    for text in (memory, (folder / "log.md").read_text(), (folder / "curve.svg").read_text()):
        assert "exact" not in text.replace("rank correlation", "")
    page = (folder / "report.html").read_text()
    assert UNCHECKED.capitalize() in page
    for name in ("functions", "change", "rollouts"):  # of what was learned, with no truth beside it
        assert f'id="figure-{name}"' in page
    assert 'aria-label="S, learned' in page
    assert 'aria-label="S, true' not in page
    assert 'id="figure-log-k"' not in page
    facts = json.loads(measured("status", "--json").stdout)
    assert (facts["objective"], facts["incumbent"]["experiment"]) == ("support", "e0001")
    assert facts["incumbent"]["score"] == pytest.approx(facts["history"][0], abs=1e-12)  # SQLite took the other mean
    for command in (("status",), ("winners",)):
        assert UNCHECKED in " ".join(measured(*command).stdout.split())
    assert "blind_dcdt_error" in measured("show", "e0002").stdout
    trial = json.loads(measured("show", "e0001", "--json").stdout)["trials"][0]
    assert trial["truth"] is None
    assert trial["dataset"] is not None


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("data", "--csv", "pathway.csv"), 2, "--csv FILE needs --network FILE beside it"),
        (("data", "--csv", "none.csv", *FILES[2:]), 1, "--csv none.csv: there is no such file"),
        (("data", *FILES, "--sibling", "2"), 1, "'pathway' was measured, so it has no sibling 2"),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(
    stoichloop: Command, arguments: tuple[str, ...], status: int, words: str
) -> None:
    done = stoichloop(*arguments, check=False)
    assert done.returncode == status
    assert words in " ".join(done.stderr.split())
    assert done.stderr.count("\n") == 1
