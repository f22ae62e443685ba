"""What is combined, in which order, and what is left out again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from agent.planner.combinations import parts_for, rests_of, sets_of
from agent.planner.families import families
from memory.leaderboard import changes_behind, left_out
from memory.records import Experiment, Verdict
from tests.agent.experiments import FIDELITY
from tests.agent.planner.codes import BASE, LINES, MODEL, TRAIN, Codes, edited


@pytest.fixture
def codes(tmp_path: Path) -> Codes:
    return Codes(tmp_path)


def led(codes: Codes, lead: float, parent: Experiment | None = None, **changes: float) -> Experiment:
    """Add a rejected experiment that led its parent by this much on one seed."""
    return codes.add(parent or codes.baseline, [0.3 + lead], changes=changes)


def parts(codes: Codes, parent: Experiment | None = None, without: tuple[str, ...] = ()) -> list[str]:
    found = parts_for(parent or codes.baseline, codes.past, FIDELITY, without)
    return [" ".join(e.id for e in part.experiments) for part in found]


def sets(codes: Codes, parent: Experiment | None = None) -> list[str]:
    built_on = parent or codes.baseline
    found = sets_of(parts_for(built_on, codes.past, FIDELITY), built_on)
    return [" ".join(e.id for part in each for e in part.experiments) for each in found]


def test_a_part_led_its_parent_by_half_the_noise_on_equal_seeds(codes: Codes) -> None:
    led(codes, 0.02, lr_S=0.01)
    led(codes, 0.003, lr_S=0.02)  # of a noise of 0.0163
    led(codes, 0.03, lr_S=0.03)
    codes.add(codes.baseline, [0.4], changes={"width": 64}, trials=())
    assert parts(codes) == ["e0004", "e0002"]


def test_all_parts_come_first_then_pairs_of_other_fields_by_their_leads(codes: Codes) -> None:
    led(codes, 0.012, lr_S=0.01)
    led(codes, 0.016, width=64)
    led(codes, 0.011, lr_S=0.02)
    assert sets(codes) == ["e0003 e0002 e0004", "e0003 e0002", "e0003 e0004", "e0002 e0004"]


def test_a_refuted_part_is_none(codes: Codes) -> None:
    worse = Verdict("rejected", "", "e0001", -0.02, (-0.03, -0.01), 0.9)
    codes.add(codes.baseline, [0.33], changes={"lr_S": 0.01}, verdict=worse)
    led(codes, 0.02, width=64)
    assert parts(codes) == ["e0003"]


def test_a_near_miss_on_an_earlier_incumbent_is_tried_on_the_new_one(codes: Codes) -> None:
    led(codes, 0.03, lr_S=0.01, width=64)
    leader = codes.add(codes.baseline, [0.4], changes={"lr_S": 0.02}, accepted=True)
    (part,) = parts_for(leader, codes.past, FIDELITY)
    assert part.experiments[0].changes == {"width": 64}  # lr_S is the leader's own
    assert sets(codes, leader) == ["e0002"]
    codes.add(leader, [0.32], changes={"width": 64}, combines=("e0002",))
    assert parts(codes, leader) == []  # tried again, and it lagged: 0.32 against 0.4


def test_an_accepted_line_beside_the_leaders_is_a_part_as_a_whole(codes: Codes) -> None:
    first = codes.add(codes.baseline, [0.35], changes={"width": 64}, accepted=True)
    codes.add(first, [0.38], changes={"depth": 3}, accepted=True)
    leader = codes.add(codes.baseline, [0.4], texts={**BASE, MODEL: edited(LINES, line2="signs")}, accepted=True)
    assert parts(codes, leader) == ["e0002", "e0002 e0003"]
    assert parts(codes) == []  # all of these are built on it


def test_a_patch_that_tied_is_tried_at_last_with_another(codes: Codes) -> None:
    for lead, file, line in ((0.02, MODEL, "line2"), (0.001, MODEL, "line8"), (-0.002, TRAIN, "line5")):
        codes.add(codes.baseline, [0.3 + lead], texts={**BASE, file: edited(LINES, **{line: "new"})})
    assert sets(codes) == ["e0002 e0004", "e0003 e0004", "e0002 e0003"]


def test_the_newest_try_of_a_move_counts_and_moves_can_be_left_out(codes: Codes) -> None:
    patch = {**BASE, MODEL: edited(LINES, line2="signs")}
    codes.add(codes.baseline, [0.33], texts=patch, move="sign_tied")
    led(codes, 0.02, width=64)
    assert parts(codes) == ["e0002", "e0003"]
    assert parts(codes, without=("sign_tied",)) == ["e0003"]
    leader = codes.add(codes.baseline, [0.4], changes={"depth": 3}, accepted=True)
    codes.add(leader, [0.3], texts=patch, move="sign_tied")
    assert parts(codes, leader) == ["e0003"]


def combination(codes: Codes) -> Experiment:
    led(codes, 0.012, lr_S=0.01)
    led(codes, 0.016, width=64)
    led(codes, 0.011, depth=3)
    together = {"lr_S": 0.01, "width": 64, "depth": 3}
    return codes.add(codes.baseline, [0.4], changes=together, accepted=True, combines=("e0002", "e0003", "e0004"))


def test_each_part_of_an_accepted_combination_is_left_out_once(codes: Codes) -> None:
    leader = combination(codes)
    rests = [(rest.without.id, [part.id for part in rest.parts]) for rest in rests_of(leader, codes.past)]
    assert rests == [("e0002", ["e0003", "e0004"]), ("e0003", ["e0002", "e0004"]), ("e0004", ["e0002", "e0003"])]
    codes.add(codes.baseline, [0.35], changes={"width": 64, "depth": 3}, combines=("e0003", "e0004"))
    assert [rest.without.id for rest in rests_of(leader, codes.past)] == ["e0003", "e0004"]


def test_what_came_on_top_stays_when_a_part_is_left_out(codes: Codes) -> None:
    leader = codes.add(combination(codes), [0.5], changes={"schedule": "cosine"}, accepted=True)
    rest = next(rests_of(leader, codes.past))
    assert (rest.parent.id, [part.id for part in rest.parts]) == ("e0001", ["e0003", "e0004", "e0006"])
    made = tuple(part.id for part in rest.parts)
    assert left_out(codes.past, rest.parent.id, made, leader) == {"e0002"}
    assert left_out(codes.past, rest.parent.id, (*made, "e0009"), leader) == frozenset()  # it adds something too


def test_parts_of_older_combinations_are_left_out_too_the_newest_combination_first(codes: Codes) -> None:
    first = combination(codes)
    for changes in ({"schedule": "cosine"}, {"lr_k": 0.02}):
        codes.add(first, [0.42], changes=changes)
    both = {"schedule": "cosine", "lr_k": 0.02}
    leader = codes.add(first, [0.5], changes=both, accepted=True, combines=("e0006", "e0007"))
    rests = list(rests_of(leader, codes.past))
    assert [rest.without.id for rest in rests] == ["e0006", "e0007", "e0002", "e0003", "e0004"]
    older = rests[2]
    assert (older.parent.id, [part.id for part in older.parts]) == ("e0001", ["e0003", "e0004", "e0008"])
    assert left_out(codes.past, "e0001", [part.id for part in older.parts], leader) == {"e0002"}


def test_a_part_that_was_left_out_for_good_is_no_part_again(codes: Codes) -> None:
    combination(codes)
    changes = {"width": 64, "depth": 3}
    leader = codes.add(codes.baseline, [0.4], changes=changes, accepted=True, combines=("e0003", "e0004"))
    assert changes_behind(codes.past, leader) == {"e0003", "e0004"}
    assert parts(codes, leader) == []
    assert [rest.without.id for rest in rests_of(leader, codes.past)] == ["e0003", "e0004"]


def test_a_field_that_many_moved_the_same_way_is_a_family_though_none_led_by_enough(codes: Codes) -> None:
    for number, lr_s in enumerate((0.01, 0.02, 0.03, 0.04)):
        led(codes, 0.025 + 0.001 * number, lr_S=lr_s, width=16 if number % 2 else 64)
    for lead in (0.001, -0.002, 0.0):
        led(codes, lead, width=64)
    (family,) = families(codes.baseline, codes.past, FIDELITY)
    assert (family.field, family.value) == ("lr_S", 0.02)
    assert family.members == ("e0002", "e0003", "e0004", "e0005")
    assert family.gain == pytest.approx(0.0265 - (0.0 + 0.001 - 0.002 + 0.0) / 4)


def test_leads_that_others_have_too_make_no_family(codes: Codes) -> None:
    for number in range(4):
        led(codes, 0.02, lr_S=0.01 * (number + 1))
        led(codes, 0.02, width=64)
    assert families(codes.baseline, codes.past, FIDELITY) == []


def test_leads_over_an_accepted_configuration_are_in_units_of_its_own_noise(codes: Codes) -> None:
    """An accepted experiment has run on many seeds."""
    first = codes.add(codes.baseline, [0.40, 0.42, 0.38, 0.40], changes={"lr_S": 0.01}, accepted=True)
    leader = codes.add(first, [0.50, 0.52, 0.48, 0.50], changes={"depth": 3}, accepted=True)
    for lead in (0.03, 0.004):
        codes.add(leader, [0.5 + lead], changes={"width": 64})
    assert parts(codes, leader) == ["e0004"]
    for number in range(4):
        codes.add(leader, [0.56 + 0.001 * number], changes={"lr_S": 0.02 + 0.01 * number})
    assert [family.field for family in families(leader, codes.past, FIDELITY)] == ["lr_S"]


def test_the_noise_of_a_deterministic_score_is_none(codes: Codes) -> None:
    codes.past[0] = replace(codes.baseline, trials=codes.baseline.trials[:1])
    led(codes, 0.001, lr_S=0.01)
    led(codes, -0.001, lr_S=0.02)
    assert parts(codes) == ["e0002"]
