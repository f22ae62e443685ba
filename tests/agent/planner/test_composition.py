"""Changes of several experiments as one proposal."""

from pathlib import Path

import pytest

from agent.planner.composition import compose
from agent.planner.contract import Objection
from agent.planner.proposal import Proposal
from memory.records import Experiment
from tests.agent.planner.codes import BASE, LINES, MODEL, TRAIN, Codes, edited


@pytest.fixture
def codes(tmp_path: Path) -> Codes:
    return Codes(tmp_path)


def test_configurations_are_merged_by_field_and_the_first_value_stands(codes: Codes) -> None:
    first = codes.add(codes.baseline, changes={"lr_S": 0.01})
    second = codes.add(codes.baseline, changes={"lr_S": 0.03, "width": 64})
    made = compose([first, second], codes.baseline, codes.host)
    assert isinstance(made, Proposal)
    assert made.changes == {"lr_S": 0.01, "width": 64}
    assert made.combines == ("e0002", "e0003")
    assert made.title == "e0002 + e0003"
    assert first.hypothesis in made.hypothesis
    assert made.diff == ""


def test_patches_are_merged_and_a_move_is_named(codes: Codes) -> None:
    signs = codes.add(codes.baseline, texts={**BASE, MODEL: edited(LINES, line2="signs")}, move="sign_tied")
    model = codes.add(codes.baseline, texts={**BASE, MODEL: edited(LINES, line8="deep")}, changes={"depth": 3})
    train = codes.add(codes.baseline, texts={**BASE, TRAIN: edited(LINES, line5="warm"), "gnn/new.py": "new\n"})
    made = compose([signs, model, train], codes.baseline, codes.host)
    assert isinstance(made, Proposal)
    assert codes.made_by(made, MODEL) == edited(LINES, line2="signs", line8="deep")
    assert codes.made_by(made, TRAIN) == edited(LINES, line5="warm")
    assert codes.made_by(made, "gnn/new.py") == "new\n"
    assert made.changes == {"depth": 3}
    assert made.title == "sign_tied + e0003 + e0004"
    assert made.move is None


def test_a_change_is_made_on_code_that_has_moved_on(codes: Codes) -> None:
    miss = codes.add(codes.baseline, texts={**BASE, MODEL: edited(LINES, line4="signs")}, move="sign_tied")
    top = edited(LINES, line1="one\nmore\nlines", line9="end")
    leader = codes.add(codes.baseline, texts={**BASE, MODEL: top}, accepted=True)
    made = compose([miss], leader, codes.host)
    assert isinstance(made, Proposal)
    assert made.parent == leader.id
    assert made.move == "sign_tied"  # alone it is the move still
    assert made.title == f"{miss.headline}, on {leader.id}"
    assert "signs" in codes.made_by(made, MODEL)
    assert "more" in codes.made_by(made, MODEL)


def test_why_there_is_no_combination_is_told(codes: Codes) -> None:
    field = codes.add(codes.baseline, changes={"lr_S": 0.01})
    same = codes.add(codes.baseline, changes={"lr_S": 0.03})
    one = codes.add(codes.baseline, texts={**BASE, MODEL: edited(LINES, line2="one")})
    other = codes.add(codes.baseline, texts={**BASE, MODEL: edited(LINES, line2="other")})
    leader = codes.add(codes.baseline, texts={**BASE, MODEL: edited(LINES, line2="one")}, accepted=True)
    faster = codes.add(codes.baseline, changes={"lr_S": 0.01}, accepted=True)

    def reason(parts: list[Experiment], parent: Experiment) -> str:
        made = compose(parts, parent, codes.host)
        assert isinstance(made, Objection)
        return made.words

    assert "a part before it changes lr_S too" in reason([field, same], codes.baseline)
    assert "e0007 has its lr_S already" in reason([field], faster)
    assert "the patch of e0005 conflicts in gnn/model.py" in reason([one, other], codes.baseline)
    assert "the code holds the patch of e0004 already" in reason([one], leader)


def test_the_parent_stays_as_it_is(codes: Codes, tmp_path: Path) -> None:
    part = codes.add(codes.baseline, texts={**BASE, MODEL: edited(LINES, line2="one")})
    compose([part], codes.baseline, codes.host)
    assert (tmp_path / "e0001" / MODEL).read_text() == LINES
