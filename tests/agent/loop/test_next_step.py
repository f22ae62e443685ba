"""The decisions of the loop, by snapshots: no git, no processes, no clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from agent.analyzer.judging.acceptance import Wanted, judge
from agent.analyzer.judging.noise import Evidence
from agent.analyzer.judging.seeds import BASELINE_SEEDS
from agent.loop.next_step import (
    EXPERIMENTS_A_SLOT,
    FRUITLESS,
    LESSONS,
    CloseBlock,
    GiveVerdict,
    OpenBlock,
    Pause,
    StartTrials,
    Stop,
    Wait,
    next_step,
)
from agent.loop.snapshot import Snapshot
from memory.ending import Ending
from memory.records import Block, Experiment, Grant, TrialKey, Verdict
from stoichloop.errors import StoichloopError
from tests.agent.experiments import FIDELITY, failed, scored

ACCEPTED = Verdict("accepted", "it is the baseline", number=1)
BASELINE = scored("e0001", [0.30, 0.31, 0.29, 0.30], block=0, verdict=ACCEPTED)
CLOSED, OPEN = Block(0, "baseline", 0.0, "1 accepted"), Block(1, "sweep", 0.0, None)
REJECTED = Verdict("rejected", "screened out", number=2)
NOTHING_NEW = Ending("finished", "the planner has nothing new to propose")
SEEDS = tuple(TrialKey("e0001", seed, FIDELITY) for seed in range(4, 99))  # further ones of the incumbent


def snapshot(
    experiments: Sequence[Experiment] = (BASELINE,), blocks: Sequence[Block] = (CLOSED,), **changes: Any
) -> Snapshot:
    """Return a campaign of a planner for both rungs, with two free slots and plenty of time."""
    plain = Snapshot(
        objective="exact",
        experiments=experiments,
        blocks=blocks,
        fidelities=(FIDELITY,),
        rungs=("sweep", "code"),
        uncontained=None,
        slots=2,
        free=2,
        lines_of_code={e.id: 1000 for e in experiments},
        grant=Grant(0.0, 600.0, None, 600.0, None),
        left_s=300.0,
    )
    return replace(plain, **changes)


def screening(*names: str) -> list[TrialKey]:
    """Return the first trials of each of these candidates."""
    return [TrialKey(name, seed, FIDELITY) for name in names for seed in (0, 1)]


def wanted(candidate: Experiment, past: Sequence[Experiment]) -> Wanted:
    """Return what the judge wants to know of a candidate beside the baseline."""
    answer = judge(candidate, BASELINE, Evidence(past, (FIDELITY,)))
    assert isinstance(answer, Wanted)
    return answer


def started(step: object) -> set[TrialKey]:
    assert isinstance(step, StartTrials)
    return set(step.trials)


def test_the_baseline_comes_first_and_is_measured_on_several_seeds() -> None:
    step = next_step(snapshot((), ()))
    assert isinstance(step, OpenBlock)
    assert (step.decision.rung, step.roles) == ("baseline", ())
    baseline = scored("e0001", block=0)
    opened = next_step(snapshot((baseline,), (Block(0, "baseline", 0.0, None),), free=9))
    assert opened == StartTrials([TrialKey("e0001", seed, FIDELITY) for seed in BASELINE_SEEDS])


def test_a_baseline_that_does_not_train_ends_the_campaign_in_words() -> None:
    broken = replace(failed("e0001", "crashed", "exit status 1"), block=0, parent=None)
    with pytest.raises(StoichloopError, match="the baseline does not train"):
        next_step(snapshot((broken,), (Block(0, "baseline", 0.0, None),)))


def test_as_many_proposals_are_asked_for_as_fill_the_slots_and_as_are_granted() -> None:
    def asked(**changes: Any) -> int:
        step = next_step(snapshot(**changes))
        assert isinstance(step, OpenBlock)
        return len(step.roles)

    assert asked() == 2
    assert asked(free=1, running=SEEDS[:1]) == 1
    assert asked(slots=9, free=1, soon=3, proposal_s=0.1) == 4
    assert asked(slots=9, free=1, soon=3, running=SEEDS[:8], proposal_s=0.1) == 9  # further seeds can be done without
    assert asked(a_slot=64) == 2 * EXPERIMENTS_A_SLOT
    assert asked(grant=Grant(0.0, 600.0, 1, 600.0, 1)) == 1
    # A question for them takes no longer than two trials, of which each is expected to take 1.2 s.
    assert [asked(slots=9, free=9, proposal_s=s) for s in (0.1, 0.5, 5.0)] == [9, 5, 1]


def test_the_rung_is_the_ladder_s() -> None:
    step = next_step(snapshot())
    assert isinstance(step, OpenBlock)
    assert (step.decision.rung, [role for role, _ in step.roles]) == ("sweep", ["exploit", "explore"])


def test_candidates_are_screened_side_by_side_in_the_slots_that_are_free() -> None:
    three = snapshot((BASELINE, scored("e0002"), scored("e0003"), scored("e0004")), (CLOSED, OPEN), slots=3, free=3)
    assert next_step(three) == StartTrials(screening("e0002", "e0003")[:3])
    rest = replace(three, free=1, running=screening("e0002"))
    assert next_step(rest) == StartTrials(screening("e0003")[:1])
    next_three = screening("e0002", "e0003", "e0004")[1:4]
    assert next_step(replace(three, free=0, running=screening("e0002")[:1])) == Wait("nothing", tuple(next_three))
    assert next_step(replace(three, free=1, a_slot=64)) == StartTrials(screening("e0002", "e0003", "e0004"))


def test_cores_beside_gpus_take_trials_of_code_that_trains_alone() -> None:
    full = snapshot((BASELINE, scored("e0002"), scored("e0003")), (CLOSED, OPEN), free=0, running=SEEDS[:2])
    assert isinstance(next_step(replace(full, free_cores=3)), Wait)
    alone = replace(full, free_cores=1, alone={"e0003"})
    assert next_step(alone) == StartTrials(screening("e0003")[:1])
    assert next_step(replace(alone, free=1)) == StartTrials(screening("e0002")[:1] + screening("e0003")[:1])
    slow = replace(BASELINE, trials=tuple(replace(t, seconds=300.0, device="cpu") for t in BASELINE.trials))
    late = replace(alone, experiments=(slow, scored("e0002"), scored("e0003")), device="gpu")  # 300 s are left
    assert isinstance(next_step(late), Wait)


def test_no_block_waits_for_another() -> None:
    """One candidate of block 1 still runs: the free slot is for a new experiment."""
    past = (BASELINE, scored("e0002"), scored("e0003", [0.1], verdict=REJECTED))
    busy = snapshot(past, (CLOSED, OPEN), slots=3, free=1, running=screening("e0002"))
    assert isinstance(next_step(busy), OpenBlock)
    proposed, blocks = (*past, scored("e0004", block=2)), (CLOSED, OPEN, Block(2, "sweep", 1.0, None))
    second = snapshot(proposed, blocks, slots=3, free=1, running=screening("e0002"))
    assert next_step(second) == StartTrials(screening("e0004")[:1])


def test_the_newest_block_may_be_closed_first() -> None:
    newer = Block(2, "sweep", 1.0, None)
    past = (BASELINE, scored("e0002"), scored("e0003", [0.1], verdict=REJECTED, block=2))
    both = snapshot(past, (CLOSED, OPEN, newer), slots=3, free=1, running=screening("e0002"))
    assert next_step(both) == CloseBlock(newer)


def test_trials_on_a_sibling_wait_for_its_data() -> None:
    past = (BASELINE, replace(scored("e0002", [0.6, 0.6]), patch="a patch"))
    both = snapshot(past, (CLOSED, OPEN), free=99, siblings=(1, 2))
    assert {trial.sibling for trial in started(next_step(both))} == {0, 1, 2}
    own = started(next_step(replace(both, unready=[1, 2])))
    assert {trial.sibling for trial in own} == {0}
    assert isinstance(next_step(replace(both, unready=[1, 2], free=0, running=own)), Wait)


def test_nothing_waits_for_a_sibling_that_no_trial_could_use_in_time() -> None:
    code = replace(scored("e0002", [0.6, 0.6]), patch="a patch")
    first = snapshot((BASELINE, code), (CLOSED, OPEN), free=99, siblings=(1, 2), unready=[1, 2])
    own = {name: [t.seed for t in started(next_step(first)) if t.experiment == name] for name in ("e0001", "e0002")}
    measured = (
        replace(BASELINE, trials=(*BASELINE.trials, *scored("e0001", dict.fromkeys(own["e0001"], 0.3)).trials)),
        replace(code, trials=(*code.trials, *scored("e0002", dict.fromkeys(own["e0002"], 0.6)).trials)),
    )
    waiting = replace(first, experiments=measured)
    assert isinstance(next_step(waiting), Wait)
    late = next_step(replace(waiting, left_s=1.0))
    assert late == Stop(Ending("stopped", "1 s of 10 min 00 s left, too little for another trial"))
    assert isinstance(next_step(replace(waiting, left_s=1.0, cramped=True)), Stop)


def test_a_verdict_that_has_been_earned_comes_before_more_trials() -> None:
    worse = scored("e0002", [0.1])
    step = next_step(snapshot((BASELINE, worse, scored("e0003")), (CLOSED, OPEN)))
    assert isinstance(step, GiveVerdict)
    assert (step.experiment, step.verdict.verdict) == ("e0002", "rejected")


def test_the_leader_is_confirmed_first_then_come_candidates_then_the_other_confirmations() -> None:
    second, first = scored("e0002", [0.5, 0.5]), scored("e0003", [0.6, 0.6])
    past = (BASELINE, second, first, scored("e0004"))
    leading, others = {*wanted(first, past).trials}, {*wanted(second, past).trials}
    assert leading
    many = snapshot(past, (CLOSED, OPEN), slots=200, free=len(leading))
    assert started(next_step(many)) == leading
    rest = replace(many, running=leading)
    assert started(next_step(replace(rest, free=2))) == {*screening("e0004")}
    assert started(next_step(replace(rest, free=99))) == {*screening("e0004"), *(others - leading)}


def test_simpler_code_that_does_not_lead_is_confirmed_beside_new_proposals() -> None:
    """Its confirmation takes half of the slots while the planner may have something, and all of them afterwards."""
    tie = scored("e0002", [0.3] * 8)
    fewer = {"e0001": 1000, "e0002": 900}
    start = snapshot((BASELINE, tie), (CLOSED, OPEN), slots=4, free=4, lines_of_code=fewer)
    half = started(next_step(start))
    assert len(half) == 2
    busy = replace(start, running=tuple(half), free=2)
    assert isinstance(next_step(busy), OpenBlock)
    assert len(started(next_step(replace(busy, barren=frozenset({"sweep", "code"}))))) == 2
    fresh = scored("e0003")
    both = replace(busy, experiments=(*busy.experiments, fresh), lines_of_code=fewer | {"e0003": 1000})
    assert started(next_step(both)) == {*screening("e0003")}


def test_a_slot_that_would_idle_runs_the_next_look_then_further_seeds_of_the_incumbent() -> None:
    candidate = scored("e0002", [0.5, 0.5])
    past = (BASELINE, candidate)
    look = wanted(candidate, past)
    ahead = {*look.ahead} - {*look.trials}
    assert ahead
    waiting = snapshot(past, (CLOSED, OPEN), slots=200, free=len(ahead) + 1, running=look.trials, asking=True)
    assert started(next_step(waiting)) == {*ahead, SEEDS[0]}
    assert isinstance(next_step(replace(waiting, asking=False)), OpenBlock)  # something new is better
    granted = replace(waiting, asking=False, grant=Grant(0.0, 600.0, 1, 600.0, 1))
    assert started(next_step(granted)) == ahead  # nothing more will be asked
    alone = snapshot(free=1, slots=1, asking=True)
    assert started(next_step(alone)) == {SEEDS[0]}
    assert next_step(replace(alone, running=SEEDS, free=1)) == Wait("answer")  # enough is known of it
    one = snapshot(past, (CLOSED, OPEN), slots=1, free=0, running=look.trials[:1])
    assert next_step(one) == Wait("nothing", look.trials[1:2])


def test_candidates_that_run_are_judged_against_a_new_incumbent() -> None:
    better = scored("e0002", dict.fromkeys(range(1000, 1008), 0.6), verdict=Verdict("accepted", "better", number=2))
    late = scored("e0003", {1000: 0.3, 1001: 0.3})
    step = next_step(snapshot((BASELINE, better, late), (CLOSED, OPEN), free=0))
    assert isinstance(step, GiveVerdict)
    assert (step.verdict.verdict, step.verdict.rival) == ("rejected", "e0002")


def test_fewer_lines_of_code_need_no_lead() -> None:
    """At an equal score only the shorter code is confirmed."""
    experiments = (BASELINE, scored("e0002", [0.30] * 8))
    lines = {"e0001": 1000, "e0002": 900}
    assert isinstance(next_step(snapshot(experiments, (CLOSED, OPEN), lines_of_code=lines)), StartTrials)
    assert isinstance(next_step(snapshot(experiments, (CLOSED, OPEN))), GiveVerdict)


def test_a_combination_without_a_part_of_the_incumbents_needs_no_lead() -> None:
    """At an equal score on the incumbent's shared seeds, only what makes fewer changes is confirmed."""
    shared = {3000 + number: 0.29 + 0.01 * (number % 3) for number in range(8)}
    parts = [scored(name, [0.31], verdict=Verdict("rejected", "", number=2)) for name in ("e0002", "e0003")]
    both = replace(scored("e0004", shared, verdict=replace(ACCEPTED, number=4)), combines=("e0002", "e0003"))
    rest = replace(scored("e0005", shared), combines=("e0003",))
    assert isinstance(next_step(snapshot((BASELINE, *parts, both, rest), (CLOSED, OPEN))), StartTrials)
    other = replace(rest, combines=())
    assert isinstance(next_step(snapshot((BASELINE, *parts, both, other), (CLOSED, OPEN))), GiveVerdict)


def test_a_block_without_open_experiments_is_closed() -> None:
    judged = scored("e0002", [0.1], verdict=REJECTED)
    assert next_step(snapshot((BASELINE, judged), (CLOSED, OPEN))) == CloseBlock(OPEN)


def test_every_few_experiments_and_each_improvement_are_explained_while_all_slots_are_busy() -> None:
    def closing(count: int, *verdicts: Verdict, **changes: Any) -> object:
        """Close a block with these verdicts after `count` other experiments."""
        earlier = [scored(f"e{n:04d}", [0.1], verdict=REJECTED, block=1) for n in range(2, count + 2)]
        block = [scored(f"e{n:04d}", [0.3], verdict=v, block=2) for n, v in enumerate(verdicts, count + 2)]
        blocks = (CLOSED, replace(OPEN, summary="all rejected"), Block(2, "sweep", 1.0, None))
        plain: dict[str, Any] = {"explains": True, "free": 0, "running": SEEDS[:2]}
        return next_step(snapshot((BASELINE, *earlier, *block), blocks, **{**plain, **changes}))

    best = Verdict("accepted", "better", number=99)
    newer = Block(2, "sweep", 1.0, None)
    assert closing(1, REJECTED) == CloseBlock(newer)
    assert closing(1, REJECTED, best) == CloseBlock(newer, explain=True)
    assert closing(LESSONS[0] - 2, REJECTED) == CloseBlock(newer, explain=True)
    assert closing(1, REJECTED, grant=Grant(0.0, 600.0, 2, 600.0, 2)) == CloseBlock(newer, explain=True)  # the last
    assert closing(1, best, explains=False) == CloseBlock(newer)
    assert closing(1, best, left_s=0.0) == CloseBlock(newer)  # there is no time for words
    assert isinstance(closing(1, best, free=1), OpenBlock)  # which must not hold a slot up
    assert isinstance(closing(1, best, asking=True, explaining=2), Wait)
    assert closing(1, best, left_s=0.0, asking=True, explaining=2) == CloseBlock(newer)


def test_the_budget_ends_a_campaign_between_blocks_and_within_one() -> None:
    spent = Stop(Ending("stopped", "10 min 00 s of 10 min 00 s used"))
    assert next_step(snapshot(left_s=0.0)) == spent
    block = snapshot((BASELINE, scored("e0002")), (CLOSED, OPEN), left_s=0.0)
    assert next_step(block) == spent
    assert next_step(replace(block, free=0, running=screening("e0002"))) == spent
    assert next_step(replace(block, asking=True)) == spent
    rest = Stop(Ending("stopped", "1 s of 10 min 00 s left, too little for another trial"))
    assert next_step(snapshot(left_s=1.1)) == rest
    assert next_step(replace(block, left_s=1.1)) == rest
    assert next_step(replace(block, left_s=1.1, free=1, running=screening("e0002"))) == Wait("end")


@pytest.mark.parametrize(
    ("judged", "granted", "words"),
    [(0, 0, "0 of 0 experiments"), (1, 1, "1 of 1 experiment"), (2, 2, "2 of 2 experiments")],
)
def test_experiments_that_are_used_up_are_not_called_time(judged: int, granted: int, words: str) -> None:
    past = [BASELINE, *(scored(f"e{number:04d}", [0.1], verdict=REJECTED) for number in range(2, judged + 2))]
    step = next_step(snapshot(past, grant=Grant(0.0, 600.0, granted, 600.0, granted)))
    assert step == Stop(Ending("stopped", f"{words} used"))


def test_no_more_is_asked_for_than_is_granted_beside_what_runs() -> None:
    past = (BASELINE, scored("e0002"))
    known = [*SEEDS, *(TrialKey("e0002", seed, FIDELITY) for seed in range(40))]
    one = snapshot(past, (CLOSED, OPEN), slots=200, free=1, running=known, grant=Grant(0.0, 600.0, 1, 600.0, 1))
    assert next_step(one) == Wait("end")


def test_what_is_to_be_judged_waits_for_slots_in_which_further_seeds_run() -> None:
    last = snapshot((BASELINE, scored("e0002")), (CLOSED, OPEN), free=0, running=SEEDS[:2])
    granted = replace(last, grant=Grant(0.0, 600.0, 1, 600.0, 1))
    assert next_step(granted) == Wait("end", tuple(screening("e0002")[:2]))


def test_what_nothing_can_lead_any_more_is_solved() -> None:
    best = scored("e0001", [1.0] * 16, block=0, verdict=ACCEPTED)
    words = "solved, e0001 scores 1.0000 [1.0000, 1.0000] on 16 seeds at probe: no gain is left that could be confirmed"
    solved = Stop(Ending("finished", words))
    assert next_step(snapshot((best,))) == solved
    assert next_step(snapshot((best,), asking=True)) == solved
    known = [*SEEDS, *(TrialKey("e0002", seed, FIDELITY) for seed in range(40))]
    last = snapshot((best, scored("e0002")), (CLOSED, OPEN), slots=200, free=1, running=known)
    assert next_step(last) == Wait("end")  # what has been begun is judged


def test_a_barren_rung_gives_way_to_the_other_and_two_end_the_campaign() -> None:
    step = next_step(snapshot(barren=frozenset({"sweep"})))
    assert isinstance(step, OpenBlock)
    assert (step.decision.rung, step.decision.reason) == ("code", "nothing new to propose on the sweep rung")
    nothing, both = Stop(NOTHING_NEW), frozenset({"sweep", "code"})
    assert next_step(snapshot(barren=both)) == nothing
    assert next_step(snapshot(rungs=("sweep",), barren=frozenset({"sweep"}))) == nothing
    known = [*SEEDS, *(TrialKey("e0002", seed, FIDELITY) for seed in range(40))]
    busy = snapshot((BASELINE, scored("e0002")), (CLOSED, OPEN), slots=200, free=1, running=known, barren=both)
    assert next_step(busy) == Wait("nothing")  # its verdict may give an idea
    assert next_step(snapshot(barren=both, free=0, running=SEEDS[:2])) == Wait("nothing")  # until one can be asked for


def test_a_model_that_does_not_answer_is_asked_again_later_while_trials_run() -> None:
    silent = snapshot(rungs=("sweep",), barren=frozenset({"sweep"}), unanswered=True)
    assert [next_step(replace(silent, waits=n)) for n in (0, 1, 2, 9)] == [
        Pause(60.0),
        Pause(120.0),
        Pause(240.0),
        Pause(1800.0),
    ]
    assert started(next_step(snapshot(paused=True, free=1))) == {SEEDS[0]}
    assert next_step(snapshot(paused=True, free=1, running=SEEDS)) == Wait("answer")
    assert isinstance(next_step(replace(silent, left_s=0.0)), Stop)


def test_a_model_that_repeats_itself_is_asked_again_after_a_verdict_and_a_few_times_without_one() -> None:
    repeating = snapshot(rungs=("sweep",), barren=frozenset({"sweep"}), fruitless=1)
    assert next_step(repeating) == Pause(60.0)
    assert next_step(replace(repeating, fruitless=FRUITLESS)) == Stop(NOTHING_NEW)
    known = [*SEEDS, *(TrialKey("e0002", seed, FIDELITY) for seed in range(40))]
    judged = replace(repeating, experiments=(BASELINE, scored("e0002")), lines_of_code={"e0001": 9, "e0002": 9})
    assert next_step(replace(judged, blocks=(CLOSED, OPEN), slots=200, free=1, running=known)) == Wait("nothing")


def test_a_model_that_is_asked_no_more_ends_the_campaign_in_its_words() -> None:
    limit = "the language model is asked no more: the token limit is reached"
    spent = snapshot(rungs=("sweep",), barren=frozenset({"sweep"}), given_up=limit)
    assert next_step(spent) == Stop(Ending("stopped", limit))
    assert isinstance(next_step(replace(spent, unanswered=True)), Pause)  # another one may still answer
    assert isinstance(next_step(replace(spent, barren=frozenset())), OpenBlock)  # as may the other planners


def test_without_room_on_the_disk_trials_wait() -> None:
    full = snapshot((BASELINE, scored("e0002")), (CLOSED, OPEN), cramped=True, grant=Grant(0.0, 600.0, 1, 600.0, 1))
    assert next_step(full) == Wait("room")


def test_code_is_no_rung_where_nothing_contains_it() -> None:
    step = next_step(snapshot(rungs=("sweep",), uncontained="code experiments are refused"))
    assert isinstance(step, OpenBlock)
    assert (step.decision.rung, step.decision.reason) == ("sweep", "code experiments are refused")
