"""The choice of a rung, by examples."""

from dataclasses import replace

from agent.planner.contract import Rung
from agent.planner.ladder import PLATEAU, as_proposed, chance_of_improvement, decide, exhausted
from memory.records import Block, Decision, Experiment, Verdict, VerdictName
from tests.agent.experiments import scored

BOTH: tuple[Rung, ...] = ("sweep", "code")


def campaign(*blocks: tuple[str, str]) -> tuple[list[Block], list[Experiment]]:
    """Closed blocks, each its rung and a letter an experiment: A for accepted, R for rejected, X for refused."""
    names: dict[str, VerdictName] = {"A": "accepted", "R": "rejected", "X": "refused"}
    experiments = [scored("e0001", [0.3], block=0, verdict=Verdict("accepted", "", number=1))]
    closed = [Block(0, "baseline", 0.0, "measured")]
    for rung, letters in blocks:
        closed.append(Block(len(closed), rung, 0.0, "done"))
        for letter in letters:
            number = len(experiments) + 1
            verdict = Verdict(names[letter], "", number=number)
            experiments.append(scored(f"e{number:04d}", [0.3], block=closed[-1].number, verdict=verdict))
    return closed, experiments


def rung_after(*blocks: tuple[str, str]) -> str:
    return decide(*campaign(*blocks), BOTH).rung


def test_the_sweep_comes_first() -> None:
    assert rung_after() == "sweep"


def test_the_chance_follows_jeffreys_prior() -> None:
    """The mean of Beta(1/2 + s, 1/2 + f)."""
    assert chance_of_improvement(0, 0) == 0.5
    assert chance_of_improvement(0, 9) == 0.05
    assert chance_of_improvement(1, 2) == 0.375


def test_a_run_of_failures_is_a_plateau_and_the_reason_gives_its_figures() -> None:
    failures = next(n for n in range(100) if chance_of_improvement(0, n) < PLATEAU)
    assert rung_after(("sweep", "R" * (failures - 1))) == "sweep"
    decision = decide(*campaign(("sweep", "R" * failures)), BOTH)
    assert decision.rung == "code"
    assert decision.chance == chance_of_improvement(0, failures)
    assert f"{failures} sweep experiments" in decision.reason


def test_a_change_of_the_incumbent_halves_what_was_seen_before_it() -> None:
    blocks = (("sweep", "RRRR"), ("sweep", "RRAR"))
    decision = decide(*campaign(*blocks), BOTH)
    assert decision.chance == chance_of_improvement(0.5, 6 / 2 + 1)
    assert decision.reason.startswith("1 sweep experiment since the last improvement")
    assert rung_after(*blocks, ("sweep", "R" * 8)) == "sweep"  # a rung that paid is tried for longer
    assert rung_after(*blocks, ("sweep", "R" * 9)) == "code"


def test_the_order_of_verdicts_counts_not_that_of_the_numbers() -> None:
    blocks, experiments = campaign(("sweep", "A" + "R" * 13))
    assert decide(blocks, experiments, BOTH).rung == "code"
    last = replace(experiments[1], verdict=Verdict("accepted", "", number=99))
    assert decide(blocks, [experiments[0], last, *experiments[2:]], BOTH).rung == "sweep"


def test_an_accepted_change_of_code_opens_a_fresh_sweep() -> None:
    assert rung_after(("sweep", "R" * 9), ("code", "RARR")) == "sweep"
    assert rung_after(("sweep", "R" * 9), ("code", "RARR"), ("sweep", "R")) == "sweep"


def test_sweeps_that_never_paid_are_tried_for_a_shorter_time_on_the_next_incumbent() -> None:
    blocks = [("sweep", "R" * 7), ("code", "RA")]
    assert rung_after(*blocks, ("sweep", "RR")) == "sweep"
    assert rung_after(*blocks, ("sweep", "RRR")) == "code"
    assert rung_after(*blocks, ("sweep", "RRR"), ("code", "R" * 12)) == "code"  # and code that paid for a longer one


def test_a_rung_is_tried_on_each_incumbent_before_it_is_left() -> None:
    blocks, experiments = campaign(("sweep", "R" * 28), ("code", "A"), ("sweep", "R"))
    unjudged = [*experiments[:-1], replace(experiments[-1], verdict=None)]
    assert decide(blocks, unjudged, BOTH).rung == "sweep"
    assert decide(blocks, experiments, BOTH).rung == "code"


def test_code_that_does_not_pay_gives_way_too() -> None:
    assert rung_after(("sweep", "R" * 9), ("code", "RRX")) == "code"
    assert rung_after(("sweep", "R" * 9), ("code", "RRXRRRXX")) == "sweep"


def test_a_planner_of_one_rung_stays_on_it() -> None:
    blocks, experiments = campaign(("sweep", "R" * 30))
    assert decide(blocks, experiments, ("sweep",)).rung == "sweep"
    assert exhausted(Decision("sweep", None, ""), ("sweep",)) is None


def test_a_rung_with_nothing_new_gives_way() -> None:
    other = exhausted(Decision("code", 0.05, ""), BOTH)
    assert other is not None
    assert (other.rung, other.chance) == ("sweep", 0.05)


def test_a_block_stands_under_the_rung_of_what_was_proposed() -> None:
    decision = Decision("sweep", None, "the sweep comes first")
    assert as_proposed(decision, [scored("e0002"), scored("e0003")]) == decision
    assert as_proposed(decision, [scored("e0002"), replace(scored("e0003"), patch="a diff")]).rung == "code"


def test_an_idea_of_the_user_moves_the_ladder_only_where_it_is_accepted() -> None:
    blocks, experiments = campaign(("sweep", "RRR"), ("code", "R"))
    of_user = [*experiments[:-1], replace(experiments[-1], idea=1, author="Ada")]
    assert decide(blocks, of_user, BOTH) == decide(blocks[:-1], of_user[:-1], BOTH)
    blocks, experiments = campaign(("sweep", "RRR"), ("sweep", "A"))
    of_user = [*experiments[:-1], replace(experiments[-1], idea=1, author="Ada")]
    assert decide(blocks, of_user, BOTH).chance == chance_of_improvement(0, 3 / 2)
