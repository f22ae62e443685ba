import pytest

from agent.executor.code.search_space import Field
from agent.planner.sweeps.scale import Scale, groups_of

RATE = Scale(Field(value=1e-3, kind="float", doc="d", low=1e-5, high=1e-1, log=True))
DEPTH = Scale(Field(value=2, kind="int", doc="d", low=1, high=3))
WIDTH = Scale(Field(value=32, kind="choice", doc="d", choices=(64, 16, 32)))
GATE = Scale(Field(value="none", kind="choice", doc="d", choices=("none", "sigmoid")))


def test_positions_follow_the_declared_scale() -> None:
    assert [RATE.position(value) for value in (1e-5, 1e-3, 1e-1)] == pytest.approx([0.0, 0.5, 1.0])
    assert RATE.value(0.25) == 1e-4
    assert [DEPTH.position(value) for value in DEPTH.values] == [0.0, 0.5, 1.0]


def test_the_next_choice_is_nearer_than_a_quarter_of_a_range() -> None:
    many = Scale(Field(value=2, kind="int", doc="d", low=1, high=100))
    assert [scale.span for scale in (RATE, many, DEPTH, WIDTH, GATE)] == pytest.approx([1.0, 1.0, 0.44, 0.44, 0.22])


def test_beyond_its_range_a_value_stands_at_the_end() -> None:
    assert (RATE.position(0.0), RATE.position(5.0)) == (0.0, 1.0)
    assert (RATE.at_edge(5.0), RATE.at_edge(1e-5), RATE.at_edge(1e-3), RATE.at_edge(None)) == ("upper", "lower", "", "")


def test_a_range_that_goes_on_beyond_an_edge_ends_a_quarter_further() -> None:
    wider = Scale(RATE.field, beyond="lower")
    assert [wider.position(value) for value in (1e-6, 1e-1)] == pytest.approx([0.0, 1.0])
    assert (wider.value(0.0), Scale(RATE.field, beyond="upper").value(1.0)) == (1e-6, 1.0)
    assert (wider.within(1e-6), wider.within(1e-4)) == (1e-5, 1e-4)
    assert (wider.holds(1e-6), RATE.holds(1e-6), WIDTH.holds(48), GATE.holds("none")) == (True, False, False, True)
    assert (wider.at_edge(1e-5), wider.at_edge(2e-5)) == ("lower", "")


def test_numbers_to_choose_from_have_an_order_and_words_have_none() -> None:
    assert WIDTH.ordered
    assert WIDTH.values == [16, 32, 64]
    assert [WIDTH.position(value) for value in (16, 32, 64)] == [0.0, 0.5, 1.0]
    assert not GATE.ordered
    assert GATE.values == ["none", "sigmoid"]


def test_numbers_with_a_common_beginning_of_their_names_are_a_group() -> None:
    scales = {"lr_S": RATE, "depth": DEPTH, "lr_k": RATE, "init_scale": RATE, "lr_kind": GATE, "lr_steps": DEPTH}
    assert groups_of(scales) == [("lr_S", "lr_k")]
