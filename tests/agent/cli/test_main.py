import hashlib
import json
import math
import shutil
from pathlib import Path

import numpy as np
import pytest

from agent.executor.workspace import Workspace
from tests.agent.analyzer.scoring.test_score import DESIGN_PAGE
from tests.conftest import Command
from tests.simulator.sbml_files import EQUATIONS, write_sbml

REGIME = "pde_m1_tiny"


def test_the_commands_of_the_design_have_help(stoichloop: Command) -> None:
    named = "regimes data train explore status log show report winners pick verify export restore doctor"
    for command in named.split():
        assert "Usage" in stoichloop(command, "--help").stdout


def test_regimes_are_listed_one_a_line(stoichloop: Command) -> None:
    head, *lines = stoichloop("regimes").stdout.split("\n\n")[0].splitlines()
    listed = json.loads(stoichloop("regimes", "--json").stdout)
    assert head.split() == ["regime", "data", "exact", "trial", "probe", "description"]
    assert [line.split()[0] for line in lines] == [regime["name"] for regime in listed]
    assert REGIME in [regime["name"] for regime in listed]


def test_data_reports_what_the_issue_of_identifiability_turns_on(stoichloop: Command) -> None:
    facts = json.loads(stoichloop("data", REGIME, "--json").stdout)
    assert facts["generated"] is False
    assert facts["identifiable_edges"] == facts["edges"]
    assert len(facts["rate_variation"]) == facts["reactions"]
    assert min(facts["rate_variation"]) >= 0.3
    assert facts["smallest_concentration"] > 0
    assert {"trajectories", "frames", "activity_rank", "fingerprint"} <= facts.keys()
    assert facts["identifiable_edges_given_form"] == facts["edges"]
    assert facts["scale_free_resolved"] == facts["scale_free_reactions"]
    printed = stoichloop("data", REGIME).stdout
    for name in ("identifiable", "given the form alone", "collinear groups", "scale-free columns"):
        assert name in printed


def test_a_sibling_is_one_option_away(stoichloop: Command) -> None:
    sibling = json.loads(stoichloop("data", REGIME, "--sibling", "1", "--json").stdout)
    assert (sibling["regime"], sibling["generated"]) == ("pde_m1_tiny_sibling1", True)
    assert sibling["fingerprint"] != json.loads(stoichloop("data", REGIME, "--json").stdout)["fingerprint"]
    result = json.loads(stoichloop("train", REGIME, "--sibling", "1", "--steps", "5", "--json").stdout)
    assert result["regime"] == "pde_m1_tiny_sibling1"


def test_data_are_compared_by_value_with_those_of_another_machine(
    stoichloop: Command, workspace: Workspace, tmp_path: Path
) -> None:
    shutil.copytree(workspace.data / REGIME, tmp_path / "other")
    done = stoichloop("data", REGIME, "--against", str(tmp_path / "other"))
    assert done.stdout.splitlines()[-1].endswith("are equal byte for byte")
    path = tmp_path / "other" / "observations.npz"
    arrays = dict(np.load(path))
    np.savez(path, allow_pickle=False, **arrays | {"concentration": arrays["concentration"] * 1.5})
    manifest = json.loads((tmp_path / "other" / "manifest.json").read_text())
    manifest["files"]["observations.npz"] = hashlib.sha256(path.read_bytes()).hexdigest()
    (tmp_path / "other" / "manifest.json").write_text(json.dumps(manifest))
    done = stoichloop("data", REGIME, "--against", str(tmp_path / "other"), "--json", check=False)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "different in 1 of" in done.stderr
    facts = json.loads(done.stdout)
    assert (facts["equal"], facts["identical"]) == (False, False)
    assert facts["arrays"]["observations.npz: concentration"] == pytest.approx(1 / 3)


def test_an_sbml_file_becomes_a_regime_that_is_known_by_its_name(
    stoichloop: Command, workspace: Workspace, tmp_path: Path
) -> None:
    pytest.importorskip("cobra")
    file = write_sbml(tmp_path / "Small-Model.xml", EQUATIONS)
    facts = json.loads(stoichloop("data", "--sbml", str(file), "--json").stdout)
    assert (facts["regime"], facts["generated"], facts["reactions"]) == ("small_model", True, 3)
    assert facts["reaction_names"] == ["CARRIER", "FORWARD", "REVERSIBLE"]
    file.unlink()  # the regime has its network, whatever becomes of the file
    assert "small_model" in stoichloop("regimes").stdout
    assert "3 metabolites, 3 reactions" in stoichloop("data", "small_model").stdout
    assert json.loads(stoichloop("train", "small_model", "--steps", "5", "--json").stdout)["regime"] == "small_model"


def test_train_gives_the_same_scores_twice_and_others_for_another_seed(stoichloop: Command) -> None:
    first, second, other = (
        json.loads(stoichloop("train", REGIME, "--steps", "60", "--seed", seed, "--json").stdout) for seed in "001"
    )
    assert first == second
    assert first["scores"] != other["scores"]
    assert first["scores"].keys() >= DESIGN_PAGE
    assert all(math.isfinite(value) for value in first["scores"].values())


def test_train_takes_a_file_and_single_settings_and_keeps_its_output(stoichloop: Command, tmp_path: Path) -> None:
    config = tmp_path / "mine.yaml"
    config.write_text("lr_S: 0.01\nschedule: cosine\ncoeff_mass: 1e-3\n")
    arguments = [
        "--config",
        str(config),
        "--set",
        "lr_S=2e-2",
        "--steps",
        "5",
        "--out",
        str(tmp_path / "new" / "kept"),
        "--json",
    ]
    configuration = json.loads(stoichloop("train", REGIME, *arguments).stdout)["configuration"]
    assert (configuration["lr_S"], configuration["schedule"], configuration["coeff_mass"]) == (0.02, "cosine", 1e-3)
    assert {"estimate.npz", "curves.jsonl", "stdout.txt"} <= {
        path.name for path in (tmp_path / "new" / "kept").iterdir()
    }
    again = stoichloop("train", REGIME, *arguments, check=False)
    assert again.returncode == 1
    assert "exists already" in again.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["data", "nowhere"], ["there is no regime 'nowhere'", "pde_m1"]),
        (["data", REGIME, "--against", "nowhere"], ["nowhere/manifest.json: missing", "give a folder of frozen data"]),
        (["train", REGIME, "--set", "lr_s=1"], ["key 'lr_s'", "did you mean 'lr_S'?"]),
        (["train", REGIME, "--set", "width=33"], ["key 'width' has value 33", "must be one of"]),
        (["train", REGIME, "--set", "lr_k=1e10", "--steps", "300"], ["non finite", "the loss became"]),
        (["train", REGIME, "--config", "absent.yaml"], ["--config absent.yaml", "cannot be read"]),
        (["train", REGIME, "--steps", "2", "--out", "/proc/nowhere"], ["/proc"]),
        (["status"], ["there is no campaign yet", "stoichloop explore"]),
        (["log", "absent"], ["there is no campaign 'absent'"]),
    ],
)
def test_bad_input_gets_one_sentence_and_leaves_nothing(
    stoichloop: Command, workspace: Workspace, arguments: list[str], words: list[str]
) -> None:
    trained = "--steps" in arguments
    if not trained:  # no data are frozen for what is then refused
        shutil.rmtree(workspace.data)
    done = stoichloop(*arguments, check=False)
    assert workspace.data.exists() == trained
    assert done.returncode == (2 if "--set" in arguments and not trained else 1)
    *progress, sentence = done.stderr.strip().splitlines()
    assert sentence.startswith("stoichloop: ")
    assert all(line.startswith("training: step 0 of ") for line in progress)
    for word in words:
        assert word in done.stderr
    assert not workspace.runs.exists()


@pytest.mark.parametrize("command", [["data"], ["train", "--steps", "5"], ["explore", "--budget", "1m"]])
def test_one_changed_byte_of_the_observations_is_refused_everywhere(
    stoichloop: Command, workspace: Workspace, command: list[str]
) -> None:
    path = workspace.data / REGIME / "observations.npz"
    content = bytearray(path.read_bytes())
    content[1000] ^= 1
    path.write_bytes(content)
    done = stoichloop(command[0], REGIME, *command[1:], check=False)
    assert done.returncode == 1
    assert "observations.npz: the file was changed after it was frozen" in done.stderr
    assert not workspace.runs.exists()


def test_the_configuration_that_a_trial_was_given_can_be_given_again(stoichloop: Command, tmp_path: Path) -> None:
    first = tmp_path / "first"
    stoichloop("train", REGIME, "--set", "lr_S=1e-4", "--steps", "5", "--out", str(first))
    again = stoichloop("train", REGIME, "--config", str(first / "config.json"), "--steps", "5", "--json").stdout
    assert json.loads(again)["configuration"] == json.loads((first / "config.json").read_text())


def test_the_doctor_finds_code_that_does_not_compile(stoichloop: Command, workspace: Workspace) -> None:
    (workspace.root / "gnn" / "train.py").write_text("def broken(:\n")
    done = stoichloop("doctor", "--json", check=False)
    assert done.returncode == 1
    assert "invalid syntax" in {check["name"]: check for check in json.loads(done.stdout)}["workspace"]["finding"]


def test_the_doctor_says_what_this_machine_can_do(stoichloop: Command) -> None:
    checks = {check["name"]: check for check in json.loads(stoichloop("doctor", "--json").stdout)}
    assert checks["workspace"]["ok"]
    assert checks["torch"]["finding"].startswith("2.13.0")
    assert {"gpu", "sandbox", "git", "parsl", "planners", "slots"} <= checks.keys()
    if checks["sandbox"]["ok"]:
        assert "passed from inside: files hidden, system read-only, not root" in checks["sandbox"]["finding"]
