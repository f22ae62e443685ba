"""The loop. First the baseline, at several seeds, to measure the noise; then blocks of experiments until the budget is
spent or nothing can be improved any more: the ladder says whether configuration or code is to change, a planner
proposes on top of what was accepted, the executor trains, the analyzer scores and judges, and the ledger remembers.
Everything is decided from the ledger, so a killed loop goes on where it was.
"""

from __future__ import annotations

from collections.abc import Sequence

from agent.analyzer.judging.acceptance import Wanted, ceiling, confirmations, judge, judge_baseline
from agent.analyzer.judging.findings import find
from agent.campaign.registrar import START_ANEW
from agent.loop.controller import Controller
from agent.planner.contract import Explainer, Lesson, Planner
from agent.planner.ladder import decide, exhausted
from agent.planner.parents import assign_roles
from memory.formatting import verdicts_text
from memory.leaderboard import count_verdicts, incumbent, standing
from memory.records import NOT_ASKED, Block, Call, Decision, Experiment, Verdict
from stoichloop.errors import StoichloopError

EXPERIMENTS_A_SLOT = 3
PATIENCE_S = 60.0


def explore(bench: Controller, planner: Planner) -> str:
    """Run until there is a reason to stop; returns which, in words."""
    bench.registrar.land()
    while True:
        block = _open_block(bench)
        if block is None and (end := _solved(bench)):
            return end
        if block is None and not bench.has_budget():
            return "the budget is spent"
        asked = len(bench.ledger.calls())
        block = block or _plan_block(bench, planner)
        if block is None and _is_silent(bench.ledger.calls()[asked:]):
            bench.view.say(f"no model answered; it is asked again in {PATIENCE_S:.0f} s")
            bench.wait(PATIENCE_S)
            continue
        if block is None:
            return "the planner has nothing new to propose"
        while wanted := _judge(bench, block):
            if not bench.run(wanted):
                return "the budget is spent"
        _learn(bench, planner, block)


def _is_silent(calls: Sequence[Call]) -> bool:
    """Whether a model was asked in vain: a server that is down at midnight may be up again at one."""
    return bool(calls) and not calls[-1].outcome.startswith(NOT_ASKED)


def _solved(bench: Controller) -> str | None:
    """Why nothing is left to improve, if so."""
    experiments = bench.ledger.experiments()
    leader = incumbent(experiments)
    line = standing(leader, bench.campaign.settings.fidelity) if leader else None
    if line is None or (limit := ceiling(line.experiment, bench.noise(experiments))) is None:
        return None
    return (
        f"{line.experiment.id} stands at {bench.objective} {line.score:.4f} over {line.seeds} seeds: no "
        f"experiment can lead it by more than the noise, {limit:.4f}, any more"
    )


def _open_block(bench: Controller) -> Block | None:
    """The block that is being worked on, if any: after an interruption there is one."""
    newest = bench.ledger.block()
    return newest if newest is not None and newest.summary is None else None


def _plan_block(bench: Controller, planner: Planner) -> Block | None:
    """Write down the next block, the baseline first; None if there is nothing new to try."""
    past = bench.ledger.experiments()
    if incumbent(past) is None:
        baseline = Decision("baseline", None, "the noise comes before anything is compared")
        bench.ledger.open_block(baseline, [bench.registrar.baseline()])
        return _open_block(bench)
    rungs = [rung for rung in planner.rungs if rung != "code" or bench.uncontained is None]
    decision: Decision | None = decide(bench.ledger.blocks(), past, rungs, bench.uncontained)
    tried: set[str] = set()
    while decision is not None and decision.rung not in tried:
        tried.add(decision.rung)
        if experiments := _propose(bench, planner, decision, past):
            bench.view.say(f"on the {decision.rung} rung: {decision.reason}")
            bench.ledger.open_block(decision, experiments)
            return _open_block(bench)
        decision = exhausted(decision, rungs)
    return None


def _propose(
    bench: Controller, planner: Planner, decision: Decision, past: Sequence[Experiment]
) -> Sequence[Experiment]:
    """Ask the planner for a block, and give what it proposes its identity."""
    count, left = EXPERIMENTS_A_SLOT * len(bench.executor.slots), bench.budget.experiments_left()
    fidelity = bench.campaign.settings.fidelity
    sigma = bench.noise(past)[fidelity].sigma
    roles = assign_roles(past, sigma, fidelity, count if left is None else min(count, left))
    proposals = planner.propose(bench.situation(decision.rung, roles))
    return bench.registrar.identify(proposals, planner.name, past)


def _judge(bench: Controller, block: Block) -> Sequence[tuple[str, int, str]]:
    """Give a verdict to every experiment of the block that has earned one; returns the trials still wanted.

    All climb side by side; of those at the top, the one that led by most is confirmed first: once it is accepted, the
    others have to beat it.
    """
    while True:
        experiments = bench.ledger.experiments()
        wanted: list[Wanted] = []
        for experiment in [e for e in experiments if e.block == block.number and e.verdict is None]:
            answer = _answer(bench, experiments, experiment)
            if isinstance(answer, Verdict):
                bench.ledger.add_verdict(experiment.id, answer)
                bench.registrar.land()
                bench.view.say(f"{experiment.id} {answer.verdict}: {answer.reason}")
                break  # a verdict may change the incumbent, the noise and the count of tests for all others
            wanted.append(answer)
        else:
            return _next_trials(wanted)


def _next_trials(wanted: Sequence[Wanted]) -> Sequence[tuple[str, int, str]]:
    climbing = [trial for each in wanted if each.lead is None for trial in each.trials]
    if climbing or not wanted:
        return list(dict.fromkeys(climbing))
    return max(wanted, key=lambda each: each.lead or 0.0).trials


def _answer(bench: Controller, experiments: Sequence[Experiment], candidate: Experiment) -> Wanted | Verdict:
    leader = incumbent(experiments)
    if leader is None:
        answer = judge_baseline(candidate, bench.fidelities)
        if isinstance(answer, Verdict) and answer.verdict == "failed":
            raise StoichloopError(
                f"the baseline does not train, so nothing can be compared with it: {answer.reason}; {START_ANEW}"
            )
        return answer
    simpler = bench.registrar.is_simpler(candidate, leader)
    return judge(candidate, leader, bench.noise(experiments), confirmations(experiments, leader), simpler=simpler)


def _learn(bench: Controller, planner: Planner, block: Block) -> None:
    """Close the block: its summary, what all evidence so far teaches, and the texts for people.

    The statistics say it; a planner that has a model may add words.
    """
    fidelity = bench.campaign.settings.fidelity
    experiments = bench.ledger.experiments()
    leader = incumbent(experiments)
    line = standing(leader, fidelity) if leader else None
    assert line is not None
    verdicts = [e.verdict.verdict if e.verdict else None for e in experiments if e.block == block.number]
    summary = (
        f"{verdicts_text(count_verdicts(verdicts))}; "
        f"incumbent {line.experiment.id} at {bench.objective} {line.score:.4f} over {line.seeds} seeds"
    )
    current, noise = bench.ledger.current_findings(), bench.noise(experiments)
    findings = find(experiments, current, noise, block.number, bench.objective)
    lesson = Lesson(block.number, summary, findings)
    if isinstance(planner, Explainer):
        lesson = planner.tell(bench.situation(block.rung, ()), lesson)
    bench.ledger.close_block(block.number, lesson.summary, lesson.findings)
    bench.ledger.keep_copy()
    bench.view.say(f"block {block.number} ({block.rung}): {summary}")
    bench.worktrees.clear()
    bench.write_texts()
