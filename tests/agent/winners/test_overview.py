"""What has won, and what each of its changes is worth: real git and real training on the tiny regime."""

from __future__ import annotations

import json
import signal
import subprocess
from typing import Any

import pytest

from agent.executor.workspace import Workspace
from tests.agent.winners.nights import SIGN_TIED, Night
from tests.conftest import Command, command_line


def winners(stoichloop: Command, *arguments: str) -> dict[str, Any]:
    facts = json.loads(stoichloop("winners", "night", *arguments, "--json").stdout)
    return {winner["experiment"]: winner for winner in facts["winners"]} | {"incumbent": facts["incumbent"]}


def test_winners_come_with_their_evidence(stoichloop: Command, night: Night) -> None:
    night.stack()
    night.accept("e0001", {0: 0.4, 1: 0.42}, changes={"lr_S": 0.02})
    facts = winners(stoichloop)
    assert facts["incumbent"] == "e0005"
    assert {name: winner["leads"] for name, winner in facts.items() if name != "incumbent"} == {
        "e0001": True,
        "e0005": True,
        "e0002": False,
        "e0003": False,
        "e0004": False,
    }
    tied = facts["e0002"]
    assert (tied["move"], tied["parent"], tied["branch"]) == ("sign_tied", "e0001", "exp/night/e0002")
    assert tied["score"] == pytest.approx(0.555)
    assert tied["interval"] == pytest.approx([0.555 - 12.706 * 0.005, 0.555 + 12.706 * 0.005], abs=1e-4)
    assert (tied["effect"], tied["effect_interval"], tied["p_value"], tied["rival"]) == (
        0.1,
        [0.05, 0.15],
        0.001,
        "e0001",
    )
    assert tied["code"]["added"] > 10
    assert tied["configuration"] == {"added": 0, "removed": 0}
    assert facts["e0003"]["code"] == {"added": 1, "removed": 0}
    assert facts["e0004"]["configuration"] == {"added": 3, "removed": 1}
    told = stoichloop("winners").stdout
    assert "also accepted" in told
    assert "exp/night/e0004, on e0003: code +0 -0, configuration +3 -1" in told
    taken = json.loads(stoichloop("winners", "--experiment", "e0003", "--json").stdout)["winners"]
    assert [winner["experiment"] for winner in taken if winner["leads"]] == ["e0001", "e0002", "e0003"]
    assert (
        "'e9' is not an accepted experiment of this campaign; accepted are e0001, e0002"
        in stoichloop("winners", "--experiment", "e9", check=False).stderr
    )


def test_an_ablation_tells_what_matters_and_measures_nothing_twice(stoichloop: Command, night: Night) -> None:
    night.stack()
    ours = winners(stoichloop, "--ablate")
    signs, field, value = (ours[name]["ablation"] for name in ("e0002", "e0003", "e0004"))
    assert signs["verdict"] == "matters"
    assert signs["interval"][0] > 0
    assert signs["seeds"] == [4500, 4501]
    assert (field["verdict"], field["effect"]) == ("not determined", None)
    assert "the rest cannot be rebuilt without it" in field["reason"]
    assert "idle" in field["reason"]
    assert (value["verdict"], value["effect"]) == ("not shown to matter", 0.0)
    measured = night.ledger._rows("SELECT COUNT(*) FROM measurements")[0][0]
    assert measured == 6
    again = stoichloop("winners", "--ablate", "--json")
    assert again.stderr == ""
    assert json.loads(again.stdout)["winners"] == [winner for name, winner in ours.items() if name != "incumbent"]
    assert night.ledger._rows("SELECT COUNT(*) FROM measurements")[0][0] == measured
    assert "in the stack: not shown to matter: +0.0000 on 2 fresh seeds" in stoichloop("winners").stdout


def test_the_base_has_nothing_to_leave_out_and_one_leads_at_a_time(stoichloop: Command, night: Night) -> None:
    assert "there is nothing to leave out" in stoichloop("winners", "--ablate", check=False).stderr
    night.accept("e0001", {0: 0.4, 1: 0.42}, **SIGN_TIED)
    with night.campaign.lead():
        assert "another controller" in stoichloop("winners", "--ablate", check=False).stderr


def test_an_interrupted_ablation_leaves_nothing_but_what_it_measured(workspace: Workspace, night: Night) -> None:
    night.accept("e0001", {0: 0.4, 1: 0.42}, **SIGN_TIED)
    process = subprocess.Popen(
        command_line("winners", "--ablate"), cwd=workspace.root, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    for line in process.stderr:
        if "e0002, seed 2500" in line:
            break
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 130
    assert "interrupted" in said
    night.worktrees.clear()
    assert len(str(workspace.repo.git.worktree("list")).splitlines()) == 1
    assert list((workspace.runs / ".measurements").iterdir()) == []
    assert night.ledger._rows("SELECT COUNT(*) FROM measurements")[0][0] >= 1
    assert night.ledger.ablations("e0002") == {}
