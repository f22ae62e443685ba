"""The planner of combinations, on code of a few lines."""

from pathlib import Path

import pytest

from agent.planner.contract import Objection, Options, Rung, Situation
from agent.planner.planners.auto import Auto
from agent.planner.planners.combine import Combine, create
from agent.planner.proposal import Proposal
from memory.records import Experiment
from tests.agent.experiments import FIDELITY
from tests.agent.planner.codes import BASE, LINES, MODEL, TRAIN, Codes, edited

SIGNS = {**BASE, MODEL: edited(LINES, line2="signs")}
DEEP = {**BASE, MODEL: edited(LINES, line8="deep")}
WARM = {**BASE, TRAIN: edited(LINES, line5="warm")}


@pytest.fixture
def codes(tmp_path: Path) -> Codes:
    return Codes(tmp_path)


def propose(codes: Codes, parent: Experiment, rung: Rung = "code", count: int = 1) -> list[Proposal]:
    return Combine(FIDELITY).propose(codes.situation(parent, rung, ["exploit"] * count))


def test_near_misses_are_tried_together_with_their_leads_told(codes: Codes) -> None:
    codes.add(codes.baseline, [0.312], texts=SIGNS, move="sign_tied")
    codes.add(codes.baseline, [0.316], texts=WARM)
    codes.add(codes.baseline, [0.311], changes={"lr_S": 0.01})
    union, pair, *others = propose(codes, codes.baseline, count=6)
    assert union.combines == ("e0003", "e0002", "e0004")
    assert union.title == "e0003 + sign_tied + e0004"
    assert "e0003 (e0003 is better; +0.0160 on 1 seed)" in union.hypothesis
    assert "together recover more than e0001" in union.hypothesis
    assert codes.made_by(union, MODEL) == SIGNS[MODEL]
    assert codes.made_by(union, TRAIN) == WARM[TRAIN]
    assert union.changes == {"lr_S": 0.01}
    assert [each.combines for each in (pair, *others)] == [("e0003", "e0002"), ("e0003", "e0004"), ("e0002", "e0004")]


def test_a_line_of_several_experiments_is_combined_with_the_lead_of_its_last_told(codes: Codes) -> None:
    first = codes.add(codes.baseline, [0.35, 0.36], changes={"width": 64}, accepted=True)
    codes.add(first, [0.38, 0.39], changes={"depth": 3}, accepted=True)
    leader = codes.add(codes.baseline, [0.4, 0.41], changes={"lr_S": 0.01}, accepted=True)
    assert [proposal.hypothesis for proposal in propose(codes, leader, rung="sweep", count=6)] == [
        "e0002 (e0002 is better) and e0003 (e0003 is better; +0.0300 on 2 seeds) together recover more than e0004",
        "e0002 (e0002 is better; +0.0450 on 2 seeds) recovers more on e0004",
    ]


def test_configurations_are_combined_on_the_rung_of_sweeps_alone(codes: Codes) -> None:
    codes.add(codes.baseline, [0.312], changes={"width": 64})
    codes.add(codes.baseline, [0.316], texts=WARM)
    codes.add(codes.baseline, [0.311], changes={"lr_S": 0.01})
    (swept,) = propose(codes, codes.baseline, rung="sweep", count=6)
    assert (swept.changes, swept.diff) == ({"width": 64, "lr_S": 0.01}, "")
    assert all(proposal.patches for proposal in propose(codes, codes.baseline, count=6))


def test_parts_that_conflict_are_skipped_and_the_log_says_so(codes: Codes) -> None:
    codes.add(codes.baseline, [0.316], texts=SIGNS)
    codes.add(codes.baseline, [0.312], texts={**BASE, MODEL: edited(LINES, line2="other")})
    codes.add(codes.baseline, [0.311], texts=DEEP)
    assert [each.combines for each in propose(codes, codes.baseline, count=6)] == [
        ("e0002", "e0004"),  # all three, as far as they fit
        ("e0003", "e0004"),
    ]
    assert codes.host.notes == [
        "e0002 and e0003 cannot be combined on e0001: the patch of e0003 conflicts in gnn/model.py"
    ]


def test_a_combination_that_was_tried_is_not_tried_again(codes: Codes) -> None:
    codes.add(codes.baseline, [0.316], texts=SIGNS)
    codes.add(codes.baseline, [0.312], texts=WARM)
    codes.add(codes.baseline, [0.2], texts={**SIGNS, TRAIN: WARM[TRAIN]}, combines=("e0003", "e0002"))
    assert propose(codes, codes.baseline) == []


def test_what_meets_an_objection_gives_way_to_the_next_and_is_asked_once(codes: Codes) -> None:
    codes.add(codes.baseline, [0.316], texts=SIGNS)
    codes.add(codes.baseline, [0.312], texts=WARM)
    codes.add(codes.baseline, [0.311], texts=DEEP)
    asked: list[tuple[str, ...]] = []

    def refused(proposal: Proposal) -> Objection | None:
        asked.append(proposal.combines)
        return Objection("it does not load") if len(proposal.combines) > 2 else None

    codes.host.refused = refused
    planner = Combine(FIDELITY)
    for _ in range(2):
        (found,) = planner.propose(codes.situation(codes.baseline))
        assert found.combines == ("e0002", "e0003")
    assert asked == [("e0002", "e0003", "e0004"), ("e0002", "e0003"), ("e0002", "e0003")]


def test_an_accepted_combination_is_tried_without_each_part_one_at_a_time(codes: Codes) -> None:
    codes.add(codes.baseline, [0.316], texts=SIGNS, move="sign_tied")
    codes.add(codes.baseline, [0.312], texts=WARM, changes={"lr_S": 0.01})
    both = {**SIGNS, TRAIN: WARM[TRAIN]}
    parts = ("e0002", "e0003")
    leader = codes.add(codes.baseline, [0.4], texts=both, changes={"lr_S": 0.01}, combines=parts, accepted=True)
    (without,) = propose(codes, leader, count=3)
    assert (without.parent, without.combines) == ("e0001", ("e0003",))
    assert without.title == "e0004 without sign_tied"
    assert codes.made_by(without, TRAIN) == WARM[TRAIN]
    assert without.changes == {"lr_S": 0.01}
    codes.add(codes.baseline, [0.3], texts=WARM, changes={"lr_S": 0.01}, combines=("e0003",))
    (last,) = propose(codes, leader)
    assert (last.combines, last.move, last.changes) == (("e0002",), "sign_tied", {})


def test_the_role_that_tests_a_principle_leaves_a_part_out_while_there_is_more_to_combine(codes: Codes) -> None:
    codes.add(codes.baseline, [0.316], changes={"width": 64})
    codes.add(codes.baseline, [0.312], changes={"lr_S": 0.01})
    codes.add(codes.baseline, [0.311], changes={"depth": 3})
    made, parts = {"width": 64, "lr_S": 0.01}, ("e0002", "e0003")
    leader = codes.add(codes.baseline, [0.4], changes=made, combines=parts, accepted=True)
    situation = codes.situation(leader, "sweep", ["exploit", "principle", "principle"])
    new, without = Combine(FIDELITY).propose(situation)  # one part is left out at a time
    assert (new.role, new.combines, new.parent) == ("exploit", ("e0004",), "e0005")
    assert (without.role, without.title, without.changes) == ("principle", "e0005 without e0002", {"lr_S": 0.01})


def test_a_family_of_changes_is_proposed_together_once(codes: Codes) -> None:
    for number in range(4):
        codes.add(codes.baseline, [0.301 + 0.001 * number], changes={"lr_S": 0.01 * (number + 1), "schedule": "cosine"})
    for lead in (-0.05, -0.051, -0.049):
        codes.add(codes.baseline, [0.3 + lead], changes={"width": 64})
    (shared,) = propose(codes, codes.baseline, rung="sweep", count=3)
    assert shared.changes == {"lr_S": 0.02, "schedule": "cosine"}
    assert shared.title == "together: lr_S 0.02, schedule cosine"
    assert "e0002, e0003, e0004, e0005 led by" in shared.hypothesis
    codes.add(codes.baseline, [0.3], changes=shared.changes, planner="combine")
    assert propose(codes, codes.baseline, rung="sweep", count=3) == []


def test_auto_shares_the_rung_with_combinations_also_where_one_proposal_is_wanted(codes: Codes) -> None:
    codes.add(codes.baseline, [0.316], changes={"width": 64})
    codes.add(codes.baseline, [0.312], changes={"lr_S": 0.01})
    planner = Auto([Combine(FIDELITY), _Idle()])
    (first,) = planner.propose(codes.situation(codes.baseline, "sweep"))
    assert first.planner == "combine"  # both experiments are by the other
    codes.add(codes.baseline, [0.3], changes=first.changes, combines=first.combines, planner="combine")
    codes.add(codes.baseline, [0.316], changes={"depth": 3}, planner="combine")
    codes.add(codes.baseline, [0.3], changes={"depth": 1}, planner="combine")
    (second,) = planner.propose(codes.situation(codes.baseline, "sweep"))
    assert second.planner == "sweep"


def test_it_is_made_from_options() -> None:
    assert create(Options(0, FIDELITY, without=("sign_tied",))).without == ("sign_tied",)


class _Idle:
    name = "sweep"
    rungs: tuple[Rung, ...] = ("sweep",)

    def propose(self, situation: Situation) -> list[Proposal]:
        return [Proposal(hypothesis="faster", parent=e.id, changes={"lr_S": 0.09}) for _, e in situation.roles]
