import pytest

from agent.executor.code.search_space import Field
from agent.planner.sweeps.evidence import ConfigurationLead
from agent.planner.sweeps.response import Response
from agent.planner.sweeps.scale import Scale

RATE = Field(value=1e-3, kind="float", doc="d", low=1e-5, high=1e-1, log=True)
SCALES = {"a": Scale(RATE), "b": Scale(RATE), "c": Scale(Field(value="x", kind="choice", doc="d", choices=("x", "y")))}
START = {"a": 1e-3, "b": 1e-3, "c": "x"}


def lead(value: float | None, **changes: object) -> ConfigurationLead:
    scores = None if value is None else (0.5 + value, 0.5)
    return ConfigurationLead("e0002", "e0001", "e0001", START, {**START, **changes}, scores, 1.0)


def test_a_field_that_moves_the_score_is_important_and_its_direction_is_expected_to_gain() -> None:
    response = Response(SCALES, [lead(0.2, a=1e-1), lead(-0.1, a=1e-5), lead(0.0, b=1e-1), lead(0.0, c="y")], START)
    assert response.importance["a"] > 2 * max(response.importance["b"], response.importance["c"])
    mean, deviation = response.predict(START, [{**START, "a": 3e-2}, {**START, "b": 3e-2}, START])
    assert mean[0] > 0.1 > abs(mean[1])
    assert deviation[2] == pytest.approx(0.0)


def test_bad_luck_of_the_parent_is_not_taken_for_gains_of_all_its_children() -> None:
    alike = [lead(0.05, a=1e-1), lead(0.05, a=1e-5), lead(0.05, b=1e-1), lead(0.05, b=1e-5), lead(0.05, c="y")]
    mean, _ = Response(SCALES, alike, START).predict(START, [{**START, "a": 1e-1}])
    assert mean[0] < 0.025


def test_a_running_experiment_changes_no_expectation_but_takes_the_doubt_away() -> None:
    known = [lead(0.2, a=1e-1)]
    new = [{**START, "b": 1e-1}]
    (mean, deviation), (other, less) = (
        Response(SCALES, leads, START).predict(START, new) for leads in (known, [*known, lead(None, b=1e-1)])
    )
    assert other == pytest.approx(mean)
    assert less[0] < 0.6 * deviation[0]


def test_what_a_change_did_elsewhere_is_less_sure_here() -> None:
    elsewhere = {**START, "b": 1e-1}
    (mean, deviation), (other, doubt) = (
        Response(SCALES, [lead(0.2, a=1e-1)], rival).predict(rival, [{**rival, "a": 1e-1}])
        for rival in (START, elsewhere)
    )
    assert 0.2 * mean[0] < other[0] < 0.8 * mean[0]
    assert doubt[0] > 2.0 * deviation[0]


def test_what_a_change_did_is_remembered_when_the_search_goes_on_from_what_was_not_accepted() -> None:
    response = Response(SCALES, [lead(0.2, a=1e-1)], START)
    beside = {**START, "b": 1e-1}
    (mean, _), (other, _) = (response.predict(old, [{**old, "a": 1e-1}]) for old in (START, beside))
    assert other[0] > 0.8 * mean[0] > 0.0


def test_without_leads_all_fields_are_alike() -> None:
    response = Response(SCALES, [], START)
    assert len(set(response.importance.values())) == 1
    mean, deviation = response.predict(START, [{**START, "a": 1e-1}, {**START, "c": "y"}])
    assert mean.tolist() == [0.0, 0.0]
    assert (deviation > 0).all()
