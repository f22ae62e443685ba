"""The decisions of the loop, by snapshots: no git, no processes, no clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from agent.analyzer.judging.confirmation import LOOKS
from agent.analyzer.judging.seeds import BASELINE_SEEDS, confirm_seeds
from agent.loop.next_step import (
    EXPERIMENTS_A_SLOT,
    CloseBlock,
    GiveVerdict,
    OpenBlock,
    RunTrials,
    Snapshot,
    Stop,
    Wait,
    next_step,
)
from memory.ending import Ending
from memory.records import Block, Experiment, Grant, TrialKey, Verdict
from stoichloop.errors import StoichloopError
from tests.agent.experiments import FIDELITY, failed, scored

ACCEPTED = Verdict("accepted", "it is the baseline", number=1)
BASELINE = scored("e0001", [0.30, 0.31, 0.29, 0.30], block=0, verdict=ACCEPTED)
CLOSED, OPEN = Block(0, "baseline", 0.0, "1 accepted"), Block(1, "sweep", 0.0, None)


def snapshot(
    experiments: Sequence[Experiment] = (BASELINE,), blocks: Sequence[Block] = (CLOSED,), **changes: Any
) -> Snapshot:
    """Return a campaign of a planner for both rungs, with two slots and plenty of time."""
    plain = Snapshot(
        objective="exact",
        experiments=experiments,
        blocks=blocks,
        fidelities=(FIDELITY,),
        rungs=("sweep", "code"),
        uncontained=None,
        slots=2,
        lines_of_code={e.id: 1000 for e in experiments},
        grant=Grant(0.0, 600.0, None, 600.0, None),
        left_s=300.0,
    )
    return replace(plain, **changes)


def unmeasured(name: str) -> Experiment:
    return scored(name)


def test_the_baseline_comes_first_and_is_measured_on_several_seeds() -> None:
    step = next_step(snapshot((), ()))
    assert isinstance(step, OpenBlock)
    assert (step.decision.rung, step.roles) == ("baseline", ())
    baseline = scored("e0001", block=0)
    opened = next_step(snapshot((baseline,), (Block(0, "baseline", 0.0, None),)))
    assert opened == RunTrials([TrialKey("e0001", seed, FIDELITY) for seed in BASELINE_SEEDS])


def test_a_baseline_that_does_not_train_ends_the_campaign_in_words() -> None:
    broken = replace(failed("e0001", "crashed", "exit status 1"), block=0, parent=None)
    with pytest.raises(StoichloopError, match="the baseline does not train"):
        next_step(snapshot((broken,), (Block(0, "baseline", 0.0, None),)))


def test_after_the_baseline_a_block_is_as_wide_as_the_slots_and_no_wider_than_what_is_granted() -> None:
    step = next_step(snapshot())
    assert isinstance(step, OpenBlock)
    assert (step.decision.rung, len(step.roles)) == ("sweep", 2 * EXPERIMENTS_A_SLOT)
    granted = next_step(snapshot(grant=Grant(0.0, 600.0, 2, 600.0, 2)))
    assert isinstance(granted, OpenBlock)
    assert len(granted.roles) == 2


def test_candidates_are_screened_side_by_side() -> None:
    block = snapshot((BASELINE, unmeasured("e0002"), unmeasured("e0003")), (CLOSED, OPEN))
    shared = [TrialKey(name, seed, FIDELITY) for name in ("e0002", "e0003") for seed in (0, 1)]
    assert next_step(block) == RunTrials(shared)


def test_a_verdict_that_has_been_earned_comes_before_more_trials() -> None:
    worse = scored("e0002", [0.1])
    step = next_step(snapshot((BASELINE, worse, unmeasured("e0003")), (CLOSED, OPEN)))
    assert isinstance(step, GiveVerdict)
    assert (step.experiment, step.verdict.verdict) == ("e0002", "rejected")


def test_of_those_that_lead_the_one_that_leads_by_most_is_confirmed_first() -> None:
    step = next_step(snapshot((BASELINE, scored("e0002", [0.5, 0.5]), scored("e0003", [0.6, 0.6])), (CLOSED, OPEN)))
    assert isinstance(step, RunTrials)
    assert {experiment for experiment, *_ in step.trials} == {"e0003", "e0001"}
    assert {seed for _, seed, *_ in step.trials} == set(confirm_seeds("e0001", LOOKS[0].pairs))


def test_fewer_lines_of_code_need_no_lead() -> None:
    """At an equal score only the shorter code is confirmed."""
    experiments = (BASELINE, scored("e0002", [0.30] * 8))
    lines = {"e0001": 1000, "e0002": 900}
    assert isinstance(next_step(snapshot(experiments, (CLOSED, OPEN), lines_of_code=lines)), RunTrials)
    assert isinstance(next_step(snapshot(experiments, (CLOSED, OPEN))), GiveVerdict)


def test_a_combination_without_a_part_of_the_incumbents_needs_no_lead() -> None:
    """At an equal score on the incumbent's shared seeds, only what makes fewer changes is confirmed."""
    shared = {3000 + number: 0.29 + 0.01 * (number % 3) for number in range(8)}
    parts = [scored(name, [0.31], verdict=Verdict("rejected", "", number=2)) for name in ("e0002", "e0003")]
    both = replace(scored("e0004", shared, verdict=replace(ACCEPTED, number=4)), combines=("e0002", "e0003"))
    rest = replace(scored("e0005", shared), combines=("e0003",))
    assert isinstance(next_step(snapshot((BASELINE, *parts, both, rest), (CLOSED, OPEN))), RunTrials)
    other = replace(rest, combines=())
    assert isinstance(next_step(snapshot((BASELINE, *parts, both, other), (CLOSED, OPEN))), GiveVerdict)


def test_a_block_without_open_experiments_is_closed() -> None:
    judged = scored("e0002", [0.1], verdict=Verdict("rejected", "screened out", number=2))
    assert next_step(snapshot((BASELINE, judged), (CLOSED, OPEN))) == CloseBlock(OPEN)


def test_the_budget_ends_a_campaign_between_blocks_and_within_one() -> None:
    spent = Stop(Ending("stopped", "10 min 00 s of 10 min 00 s used"))
    assert next_step(snapshot(left_s=0.0)) == spent
    block = snapshot((BASELINE, unmeasured("e0002")), (CLOSED, OPEN), left_s=0.0)
    assert isinstance(next_step(block), RunTrials)  # the executor knows best what still fits
    assert next_step(replace(block, cut_short=True)) == spent
    rest = Stop(Ending("stopped", "5 min 00 s of 10 min 00 s left, too little for another trial"))
    assert next_step(snapshot(cut_short=True)) == rest  # also where the rest would do for a probe


@pytest.mark.parametrize(("judged", "granted"), [(0, 0), (1, 1), (2, 2)])
def test_experiments_that_are_used_up_are_not_called_time(judged: int, granted: int) -> None:
    rejected = Verdict("rejected", "screened out", number=2)
    past = [BASELINE, *(scored(f"e{number:04d}", [0.1], verdict=rejected) for number in range(2, judged + 2))]
    step = next_step(snapshot(past, grant=Grant(0.0, 600.0, granted, 600.0, granted)))
    assert step == Stop(Ending("stopped", f"{judged} of {granted} experiments used"))


def test_what_nothing_can_lead_any_more_is_solved() -> None:
    best = scored("e0001", [1.0] * 16, block=0, verdict=ACCEPTED)
    words = "solved, e0001 scores 1.0000 [1.0000, 1.0000] on 16 seeds at probe: no gain is left that could be confirmed"
    assert next_step(snapshot((best,))) == Stop(Ending("finished", words))


def test_a_barren_rung_gives_way_to_the_other_and_two_end_the_campaign() -> None:
    step = next_step(snapshot(barren=frozenset({"sweep"})))
    assert isinstance(step, OpenBlock)
    assert (step.decision.rung, step.decision.reason) == ("code", "nothing new to propose on the sweep rung")
    nothing = Stop(Ending("finished", "the planner has nothing new to propose"))
    assert next_step(snapshot(barren=frozenset({"sweep", "code"}))) == nothing
    assert next_step(snapshot(rungs=("sweep",), barren=frozenset({"sweep"}))) == nothing


def test_a_model_that_does_not_answer_is_asked_again_later() -> None:
    silent = snapshot(rungs=("sweep",), barren=frozenset({"sweep"}), unanswered=True)
    assert [next_step(replace(silent, waits=n)) for n in (0, 1, 2, 9)] == [
        Wait(60.0),
        Wait(120.0),
        Wait(240.0),
        Wait(1800.0),
    ]
    assert isinstance(next_step(replace(silent, left_s=0.0)), Stop)


def test_a_model_that_is_asked_no_more_ends_the_campaign_in_its_words() -> None:
    limit = "the language model is asked no more: the token limit is reached"
    spent = snapshot(rungs=("sweep",), barren=frozenset({"sweep"}), given_up=limit)
    assert next_step(spent) == Stop(Ending("stopped", limit))
    assert isinstance(next_step(replace(spent, unanswered=True)), Wait)  # another one may still answer
    assert isinstance(next_step(replace(spent, barren=frozenset())), OpenBlock)  # as may the other planners


def test_no_model_is_asked_to_explain_a_block_when_the_time_is_over() -> None:
    judged = scored("e0002", [0.1], verdict=Verdict("rejected", "screened out", number=2))
    block = snapshot((BASELINE, judged), (CLOSED, OPEN))
    assert next_step(block) == CloseBlock(OPEN, explain=True)
    assert next_step(replace(block, cut_short=True)) == CloseBlock(OPEN, explain=False)
    assert next_step(replace(block, left_s=0.0)) == CloseBlock(OPEN, explain=False)
    assert next_step(replace(block, grant=replace(block.grant, experiments=1))) == CloseBlock(OPEN, explain=True)


def test_code_is_no_rung_where_nothing_contains_it() -> None:
    step = next_step(snapshot(rungs=("sweep",), uncontained="code experiments are refused"))
    assert isinstance(step, OpenBlock)
    assert (step.decision.rung, step.decision.reason) == ("sweep", "code experiments are refused")
