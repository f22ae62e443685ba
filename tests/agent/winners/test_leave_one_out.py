"""A stack of changes rebuilt without one of them, before anything is trained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from agent.planner.move_catalogue import read_move
from agent.planner.proposal import Edit
from agent.winners.leave_one_out import _rebuilt
from memory.leaderboard import lineage
from memory.records import Ablation, Experiment
from tests.agent.winners.nights import IDLE_FIELD, IDLE_VALUE, SIGN_TIED, Night

SEEDS = (500, 501)


def tree(night: Night, parent: str) -> dict[str, Any]:
    """The tree move as a planner proposes it on top of `parent`."""
    experiment = night.ledger.experiment(parent)
    assert experiment is not None
    assert experiment.commit is not None
    folder = night.worktrees.at(experiment.landed or experiment.commit).folder
    return {"diff": read_move("integer_columns").diff_on(folder), "move": "integer_columns"}


def replace(file: str, search: str, text: str) -> dict[str, Any]:
    return {"edits": (Edit(file=file, search=search, replace=text),)}


def without_each(night: Night, winner: Experiment) -> tuple[dict[str, Mapping[str, str]], dict[str, Ablation]]:
    """The code without each change that is to be measured, and what is recorded without a measurement."""
    stack = lineage(night.ledger.experiments(), winner)[1:]
    base = night.campaign.settings.base_commit
    rest = _rebuilt(night.ledger, night.worktrees, base, stack, SEEDS)
    return {name: night.worktrees.texts_of(commit) for name, commit in rest.items()}, night.ledger.ablations(winner.id)


def test_a_change_that_the_next_one_undoes_contributes_nothing(night: Night) -> None:
    night.accept("e0001", {}, **SIGN_TIED)
    winner = night.accept("e0002", {}, **tree(night, "e0002"))
    rest, recorded = without_each(night, winner)
    assert rest.keys() == {"e0003"}
    assert (recorded["e0002"].verdict, recorded["e0002"].effect) == ("not shown to matter", 0.0)
    assert "later changes undo it" in recorded["e0002"].reason
    assert "sign" in rest["e0003"]["gnn/model.py"]


def test_a_change_under_a_tree_that_was_changed_again_is_undone_too(night: Night) -> None:
    night.accept("e0001", {}, **SIGN_TIED)
    night.accept("e0002", {}, **tree(night, "e0002"))
    winner = night.accept("e0003", {}, **replace("gnn/clock.py", "from __future__", "# later\nfrom __future__"))
    rest, recorded = without_each(night, winner)
    assert recorded.keys() == {"e0002", "e0003"}
    assert recorded["e0002"].verdict == "not shown to matter"
    assert recorded["e0003"].verdict == "not determined"
    assert rest.keys() == {"e0004"}


def test_a_value_that_a_later_one_replaces_contributes_nothing(night: Night) -> None:
    night.accept("e0001", {}, changes={"lr_S": 0.02})
    winner = night.accept("e0002", {}, changes={"lr_S": 0.03})
    rest, recorded = without_each(night, winner)
    assert recorded["e0002"].verdict == "not shown to matter"
    assert rest.keys() == {"e0003"}


@pytest.mark.long
@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        (IDLE_FIELD, IDLE_VALUE, "key 'idle' is not a field"),
        (
            replace("gnn/clock.py", "", "first = 1\nlast = 9\n"),
            replace("gnn/clock.py", "first = 1\n", "first = 2\n"),
            "later changes of gnn/clock.py touch the lines that it wrote",
        ),
        (
            replace("gnn/tunable.py", "from __future__", "# one\nfrom __future__"),
            replace("gnn/tunable.py", "# one\n", "# two\n"),
            "later changes of gnn/tunable.py touch the lines that it wrote",
        ),
    ],
    ids=["field", "file", "lines"],
)
def test_what_cannot_be_rebuilt_is_not_determined_and_is_tried_again(
    night: Night, first: dict[str, Any], second: dict[str, Any], reason: str
) -> None:
    night.accept("e0001", {}, **first)
    winner = night.accept("e0002", {}, **second)
    for _ in range(2):
        rest, recorded = without_each(night, winner)
        assert rest.keys() == {"e0003"}
        assert (recorded["e0002"].verdict, recorded["e0002"].effect) == ("not determined", None)
        assert reason in recorded["e0002"].reason
    assert night.ledger._rows("SELECT COUNT(*) FROM ablations")[0][0] == 1


def test_changes_of_different_places_are_merged(night: Night) -> None:
    night.accept("e0001", {}, **replace("gnn/tunable.py", "from __future__", "# one\nfrom __future__"))
    end = night.worktrees.texts_of(night.campaign.settings.base_commit)["gnn/tunable.py"].splitlines()[-1]
    winner = night.accept("e0002", {}, **replace("gnn/tunable.py", f"{end}\n", f"{end}\n# two\n"))
    rest, recorded = without_each(night, winner)
    assert recorded == {}
    assert "# one" not in rest["e0002"]["gnn/tunable.py"]
    assert rest["e0002"]["gnn/tunable.py"].endswith("# two\n")
    assert "# two" not in rest["e0003"]["gnn/tunable.py"]


@pytest.mark.long
def test_each_part_of_a_combination_is_left_out_alone(night: Night) -> None:
    beginning = replace("gnn/tunable.py", "from __future__", "# one\nfrom __future__")
    night.reject("e0001", {}, changes={"lr_S": 0.02}, **beginning)
    night.reject("e0001", {}, changes={"lr_S": 0.03, "width": 64})
    both = {"changes": {"lr_S": 0.02, "width": 64}, **beginning}
    winner = night.accept("e0001", {}, combines=("e0002", "e0003"), **both)
    stack = lineage(night.ledger.experiments(), winner)[1:]
    rest = _rebuilt(night.ledger, night.worktrees, night.campaign.settings.base_commit, stack, SEEDS)
    found = {}
    for name, commit in rest.items():
        values = night.worktrees.at(commit).resolve({})
        found[name] = "# one" in night.worktrees.texts_of(commit)["gnn/tunable.py"], values["lr_S"], values["width"]
    assert found == {"e0004": (False, 0.003, 32), "e0002": (False, 0.003, 64), "e0003": (True, 0.02, 32)}
