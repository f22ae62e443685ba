"""The choice of a parent."""

import math
from dataclasses import replace

import pytest

from agent.planner.parents import assign_roles, upper_bounds
from memory.records import Experiment, Verdict
from tests.agent.experiments import FIDELITY, scored


def node(name: str, exact: float, parent: str | None, place: int, *, accepted: bool = True) -> Experiment:
    verdict = Verdict("accepted" if accepted else "rejected", "", number=place)
    return replace(scored(name, [exact], verdict=verdict), parent=parent)


@pytest.fixture
def tree() -> list[Experiment]:
    """Return a baseline, two accepted children, and three failures on the better of them."""
    baseline, first, second = (
        node("e0001", 0.30, None, 1),
        node("e0002", 0.40, "e0001", 2),
        node("e0003", 0.41, "e0001", 3),
    )
    failures = [node(f"e000{n}", 0.2, "e0003", n, accepted=False) for n in (4, 5, 6)]
    return [baseline, first, second, *failures]


def test_the_index_is_the_textbook_formula(tree: list[Experiment]) -> None:
    bounds = upper_bounds(tree, 0.02, FIDELITY)
    # 3, 1 and 4 visits: two children, none, and three; each counts once itself.
    assert set(bounds) == {"e0001", "e0002", "e0003"}
    assert bounds["e0003"] == pytest.approx(0.41 + 0.02 * math.sqrt(2 * math.log(8) / 4))
    assert bounds["e0002"] == pytest.approx(0.40 + 0.02 * math.sqrt(2 * math.log(8) / 1))


def test_exploring_goes_where_little_was_tried_if_the_noise_allows(tree: list[Experiment]) -> None:
    def parents(sigma: float) -> dict[str, str]:
        return {role: parent.id for role, parent in assign_roles(tree, sigma, FIDELITY, 5)}

    assert parents(0.02) == {"exploit": "e0003", "explore": "e0002", "principle": "e0003"}
    assert parents(0.0001)["explore"] == "e0003"


def test_without_visits_the_bonus_of_a_lone_baseline_is_nothing() -> None:
    baseline = node("e0001", 0.3, None, 1)
    assert upper_bounds([baseline], 0.02, FIDELITY) == {"e0001": 0.3}
    assert [parent.id for _, parent in assign_roles([baseline], 0.02, FIDELITY, 3)] == ["e0001"] * 3
