"""Planners that earn more for their cost are asked more often, and none is starved."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest

from agent.executor.code.code_state import CodeState
from agent.planner.bandit import Worth, ask_by_worth, shares, worths
from agent.planner.contract import Rung, Situation
from agent.planner.proposal import Proposal
from memory.records import Call, Experiment, Verdict
from tests.agent.experiments import scored
from tests.agent.planner.situations import situation
from tests.conftest import ROOT, UNCONTAINED

BASELINE = replace(scored("e0001", [0.3], block=0, verdict=Verdict("accepted", "", number=1)), planner="none")


def judged(name: str, planner: str, score: float, accepted: bool = False) -> Experiment:
    verdict = Verdict("accepted" if accepted else "rejected", "", "e0001", number=int(name[1:]))
    return replace(scored(name, [score], verdict=verdict), planner=planner)


@dataclass
class Counted:
    """A planner that has `most` things to propose, and counts how often it is asked for how many."""

    name: str
    most: int = 1000
    rungs: tuple[Rung, ...] = ("sweep",)
    asked: list[int] = field(default_factory=list)

    def propose(self, given: Situation) -> list[Proposal]:
        self.asked.append(len(given.roles))
        found = min(self.most, len(given.roles))
        self.most -= found
        return [Proposal(hypothesis="h", parent="e0001", changes={"lr_S": 0.01}) for _ in range(found)]


def test_what_was_accepted_or_led_has_earned_and_trials_and_requests_cost() -> None:
    past = [
        BASELINE,
        judged("e0002", "sweep", 0.4, accepted=True),
        judged("e0003", "sweep", 0.35),
        judged("e0004", "llm", 0.2),
        replace(scored("e0005"), planner="llm"),  # it has no verdict yet
        replace(judged("e0006", "llm", 0.9), kind="diagnosis"),
    ]
    calls = [Call("llm", "small", "", 0, 0, 0.0, 40.0, "answered", 0.0)]
    found = worths(["sweep", "llm", "moves"], past, calls)
    assert found == {"sweep": Worth(1.0 + 2 / 4, 2.0), "llm": Worth(0.0, 41.0), "moves": Worth(0.0, 0.0)}


@pytest.mark.parametrize(
    ("tokens", "dollars", "seconds"),
    [(20_000, 0.0, 10.0 + 20.0), (20_000, 0.05, 10.0 + 50.0), (20_000, 1.0, 10.0 + 1000.0)],
)
def test_the_price_of_requests_counts_and_where_it_is_not_known_their_tokens(
    tokens: int, dollars: float, seconds: float
) -> None:
    call = Call("llm", "m", "", tokens - 500, 500, dollars, 10.0, "answered", 0.0)
    assert worths(["llm"], [BASELINE], [call])["llm"].cost == pytest.approx(seconds)


def test_of_two_models_that_lead_alike_the_cheaper_one_is_asked_more_often() -> None:
    past = [BASELINE, *(judged(f"e{n:04d}", ("dear", "cheap")[n % 2], 0.4, accepted=n < 6) for n in range(2, 22))]
    calls = [
        Call(name, name, "", 20_000, 500, dollars, 10.0, "answered", 0.0)
        for name, dollars in {"dear": 0.2, "cheap": 0.01}.items()
        for _ in range(10)
    ]
    share = shares(worths(["dear", "cheap"], past, calls), 1000, (0, 7))
    assert share["cheap"] > 3 * share["dear"]


@pytest.mark.parametrize(
    ("worth", "least", "most"),
    [
        ({"a": Worth(0, 0), "b": Worth(0, 0)}, 0.4, 0.6),
        ({"a": Worth(5, 1000), "b": Worth(0, 1000)}, 0.85, 0.97),  # what brings nothing is asked less often
        ({"a": Worth(5, 1000), "b": Worth(5, 4000)}, 0.8, 0.97),  # what costs more is asked less often
        ({"a": Worth(0, 100), "b": Worth(1, 100)}, 0.1, 0.4),  # little is known yet
        ({"a": Worth(0, 1e6), "b": Worth(50, 1e3)}, 0.03, 0.08),  # and none is starved
    ],
)
def test_shares_follow_what_was_earned_for_the_cost(worth: dict[str, Worth], least: float, most: float) -> None:
    share = shares(worth, 2000, (0, 7))["a"] / 2000
    assert least <= share <= most


def test_a_night_learns_which_planner_is_worth_asking() -> None:
    """Of two planners whose trials take as long, one leads in half of its proposals and the other in none."""
    worth, asked = {"good": Worth(0, 0), "idle": Worth(0, 0)}, Counter[str]()
    for turn in range(80):
        (name,) = shares(worth, 1, (3, turn))
        asked[name] += 1
        worth[name] = Worth(worth[name].earned + 0.5 * (name == "good"), worth[name].cost + 30.0)
    assert asked["good"] > 3 * asked["idle"]
    assert asked["idle"] >= 3


@pytest.fixture(scope="module")
def asked_for_six() -> Situation:
    return situation(CodeState(ROOT, UNCONTAINED), roles=("exploit",) * 6).situation


def total(planners: Sequence[Counted]) -> int:
    return sum(sum(planner.asked) for planner in planners)


def test_where_one_falls_short_others_fill_in(asked_for_six: Situation) -> None:
    for seed in range(20):
        planners = [Counted("a", most=0), Counted("b")]
        proposals = ask_by_worth(planners, asked_for_six, seed)
        if planners[1].asked:
            assert {p.planner for p in proposals} == {"b"}
        assert total(planners) >= 6


def test_the_same_ledger_gives_the_same_choice(asked_for_six: Situation) -> None:
    one, two = ([Counted("a"), Counted("b"), Counted("c", rungs=("code",))] for _ in range(2))
    ask_by_worth(one, asked_for_six, 5)
    ask_by_worth(two, asked_for_six, 5)
    assert [planner.asked for planner in one] == [planner.asked for planner in two]
    assert one[2].asked == []
    assert total(one) == 6
