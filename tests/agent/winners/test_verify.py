"""Verification of a winner: real training on siblings of the tiny regime."""

from __future__ import annotations

import json
import shutil

import pytest

from agent.executor.workspace import Workspace
from agent.winners.chain import Chain, Link, Score
from agent.winners.verify import _verdict, fidelity_of
from memory.records import SiblingResult
from tests.agent.winners.nights import SIGN_TIED, Night
from tests.conftest import Command


@pytest.mark.long
def test_a_winner_is_trained_on_siblings_next_to_its_base(
    stoichloop: Command, workspace: Workspace, night: Night
) -> None:
    night.accept("e0001", {0: 0.55, 1: 0.56}, **SIGN_TIED)
    facts = json.loads(stoichloop("verify", "e0002", "--siblings", "2", "--json").stdout)
    assert (facts["experiment"], facts["fidelity"], facts["regime"]) == ("e0002", "probe", "pde_m1_tiny")
    assert facts["own"]["exact"] == 0.555
    assert facts["base"] == night.campaign.settings.base_commit
    assert [s["sibling"] for s in facts["siblings"]] == [1, 2]
    gains = [s["exact"] - s["base_exact"] for s in facts["siblings"]]
    assert [s["gain"] for s in facts["siblings"]] == gains
    assert facts["gain"] == sum(gains) / 2
    assert facts["gain"] > 0
    assert all(0 < s["baseline_exact"] < 1 for s in facts["siblings"])
    assert facts["verdict"] in ("generalises", "not shown to generalise")
    assert (workspace.data / "pde_m1_tiny_sibling2").is_dir()

    # The ledger has it now: the same question is answered at once, and `winners` shows the answer.
    told = stoichloop("verify", "e0002", "--siblings", "2")
    assert told.stderr.count("\n") == 1  # nothing but how much it may take
    assert f"e0002 {facts['verdict']}: mean gain {facts['gain']:+.4f}" in told.stdout
    assert f"on 2 siblings: {facts['verdict']}" in stoichloop("winners").stdout


@pytest.mark.long
def test_git_alone_is_enough(stoichloop: Command, workspace: Workspace, night: Night) -> None:
    night.accept("e0001", {0: 0.55, 1: 0.56}, **SIGN_TIED)
    night.ledger.close()
    shutil.rmtree(workspace.runs)
    done = stoichloop("verify", "e0002", "--siblings", "1", "--seed", "3")
    assert "not shown to generalise: mean gain" in done.stdout  # one network has no interval
    assert "on its own network, pde_m1_tiny: exact 0.5550 [" in done.stdout
    assert "base on sibling 1, seed 3: exact" in done.stderr
    assert list(workspace.runs.glob("[!.]*")) == []
    assert "--fidelity 'all' must be one of" in stoichloop("verify", "e0002", "--fidelity", "all", check=False).stderr


def test_the_answer_is_that_of_the_interval_and_a_training_that_breaks_is_one() -> None:
    better = SiblingResult(1, 0.6, 0.3, 0.5, "")
    assert _verdict([better], (0.1, 0.5)) == "generalises"
    assert _verdict([better], (-0.1, 0.5)) == "not shown to generalise"
    assert _verdict([better], (-0.5, -0.1)) == "does not generalise"
    assert _verdict([better, SiblingResult(2, None, 0.3, 0.5, "it crashed")], None) == "does not generalise"


def test_the_fidelity_is_the_campaigns() -> None:
    link = Link(
        "c",
        "b",
        "s",
        "night",
        "e0002",
        "e0001",
        "pde_m1",
        "f",
        "accepted",
        Score(0.5, "exact", None, "half", {0: None}),
    )
    assert fidelity_of(Chain("b", (link,)), None) == "half"
    assert fidelity_of(Chain("b", (link,)), "full") == "full"
