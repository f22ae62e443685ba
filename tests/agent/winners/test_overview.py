"""The winner and the worth of each of its changes: real git and real training on the tiny regime."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import subprocess
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from git import Repo
from rich.console import Console

from agent.cli.winners_command import winners as command
from agent.executor.workspace import Workspace
from agent.report.page import Report
from agent.winners.branches import campaign_on_branches, read_branches
from agent.winners.overview import Winners, picture, read_winners
from simulator.dataset import Dataset
from stoichloop.errors import StoichloopError
from tests.agent.winners.nights import SIGN_TIED, Night
from tests.conftest import Command, command_line


def winners(stoichloop: Command, *arguments: str) -> dict[str, Any]:
    facts = json.loads(stoichloop("winners", "night", *arguments, "--json").stdout)
    return {winner["experiment"]: winner for winner in facts["winners"]} | {"incumbent": facts["incumbent"]}


def text_of(known: Winners) -> str:
    screen = Console(file=StringIO(), width=200)
    screen.print(picture(known))
    assert isinstance(screen.file, StringIO)
    return screen.file.getvalue()


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
        "'e0009' is not an accepted experiment of this campaign; accepted are e0001, e0002"
        in stoichloop("winners", "--experiment", "e9", check=False).stderr
    )


@pytest.mark.long
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


@pytest.mark.long
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
    assert [path.name for path in workspace.runs.iterdir()] == ["night"]
    assert night.ledger._rows("SELECT COUNT(*) FROM measurements")[0][0] >= 1
    assert night.ledger.ablations("e0002") == {}


def test_a_change_that_is_undone_has_no_part_in_the_winner(workspace: Workspace, tiny: Dataset, night: Night) -> None:
    night.accept("e0001", {0: 0.4, 1: 0.42}, **SIGN_TIED)
    leader = night.accept_tree("e0002", {0: 0.9, 1: 0.92})
    known = read_winners(workspace, night.campaign, night.ledger, leader)
    assert [(winner.experiment, winner.leads, winner.undone) for winner in known.winners] == [
        ("e0001", True, False),
        ("e0003", True, False),
        ("e0002", False, True),
    ]
    told = text_of(known)
    undone = told.index("later changes undo all of it: e0003 contains none of it")
    assert told.index("e0003") < told.index("also accepted") < undone
    assert told.count("in the stack: not ablated yet") == 1
    commands = ["next: stoichloop verify e0003 --campaign night", "next: stoichloop pick e0003 --campaign night"]
    assert [line.rstrip() for line in told.splitlines() if line.startswith("next: ")] == commands
    page = Report(workspace, night.campaign, tiny).html(night.ledger)
    behind = page[page.index("<h2>Changes behind it</h2>") : page.index("<h2>What to do next</h2>")]
    assert re.findall(r'<li><a href="#(e\d+)">', behind) == ["e0003"]
    assert "not ablated yet" in behind
    assert 'Undone by later changes, and so not part of it: <a href="#e0002">' in behind


def test_a_clone_reads_the_winners_from_the_branches(
    workspace: Workspace, night: Night, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    night.accept("e0001", {0: 0.4, 1: 0.42}, **SIGN_TIED)
    night.accept("e0002", {0: 0.5, 1: 0.52}, changes={"lr_S": 0.02})
    night.reject("e0003", {0: 0.1}, changes={"lr_k": 0.02})
    leader = night.accept_tree("e0003", {0: 0.9, 1: 0.92})
    Repo(workspace.root).clone(str(tmp_path / "fresh"))
    clone = Workspace((tmp_path / "fresh").resolve())
    assert campaign_on_branches(clone, None) == campaign_on_branches(clone, "night") == "night"
    assert campaign_on_branches(clone, "other") is None
    assert campaign_on_branches(workspace, None) is None
    told = read_branches(clone, "night", None)
    known = read_winners(workspace, night.campaign, night.ledger, leader)
    assert (told.incumbent, told.recorded, told.fidelity, told.objective) == ("e0005", False, "probe", "exact")
    facts = {"experiment", "leads", "undone", "parent", "move", "title", "hypothesis", "seeds", "commit"}
    facts |= {"code", "configuration", "verdict"}
    ours, theirs = ([winner.model_dump(include=facts) for winner in w.winners] for w in (told, known))
    assert ours == [winner for winner in theirs if winner["experiment"] != "e0001"]
    assert [winner.score for winner in told.winners] == pytest.approx([0.91, 0.41, 0.51])
    assert [winner.branch for winner in told.winners] == [f"origin/{winner.branch}" for winner in known.winners[1:]]
    assert "read from the branches" in text_of(told)
    assert "by decree" in text_of(told)
    assert "not ablated" not in text_of(told)
    assert [w.experiment for w in read_branches(clone, "night", "e0002").winners if w.leads] == ["e0002"]
    with pytest.raises(StoichloopError, match=r"'e0004' is not accepted on .*; accepted are e0002, e0003, e0005"):
        read_branches(clone, "night", "e0004")

    with contextlib.chdir(clone.root):
        command()
        assert "changes behind e0005" in capsys.readouterr().out
        with pytest.raises(StoichloopError, match="--ablate needs the ledger of campaign 'night', and only its branch"):
            command("night", do_ablate=True)
    clone.repo.create_head("exp/night/e0003", "HEAD")  # the user's own commit, under a name like this
    moved = {winner.experiment: winner.branch for winner in read_branches(clone, "night", None).winners}
    assert moved == {"e0005": "origin/exp/night/e0005", "e0002": "origin/exp/night/e0002", "e0003": None}
    clone.repo.create_head("exp/second/e0002", told.winners[0].commit)
    with pytest.raises(StoichloopError, match="campaigns night, second: name one, like 'stoichloop winners night'"):
        campaign_on_branches(clone, None)
