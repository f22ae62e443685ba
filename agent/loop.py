"""The loop. First the baseline, at several seeds, to measure the noise; then blocks of experiments until the
budget is spent: a planner proposes on top of the incumbent, the executor trains, the analyzer scores and
judges, and the ledger remembers. Everything is decided from the ledger, so a killed loop goes on where it was.
"""

from __future__ import annotations

from collections.abc import Sequence

from agent.analyzer.acceptance import Wanted, judge, judge_baseline, measure_noise, was_confirmed
from agent.analyzer.findings import find
from agent.bench import START_ANEW, Bench
from agent.errors import StoichloopError
from agent.planner import Planner
from memory.records import Block, Experiment, Verdict
from memory.render import verdicts_text
from memory.standing import count_verdicts, current, incumbent, standing

EXPERIMENTS_A_SLOT = 3


def explore(bench: Bench, planner: Planner) -> str:
    """Run until the budget is spent or the planner has nothing new to propose; returns which, in words."""
    while bench.has_budget():
        block = _open_block(bench) or _plan_block(bench, planner)
        if block is None:
            return "the planner has nothing new to propose"
        while wanted := _judge(bench, block):
            if not bench.run(wanted):
                return "the budget is spent"
        _learn(bench, block)
    return "the budget is spent"


def _open_block(bench: Bench) -> Block | None:
    """The block that is being worked on, if any: after an interruption there is one."""
    return next((block for block in bench.ledger.blocks() if block.summary is None), None)


def _plan_block(bench: Bench, planner: Planner) -> Block | None:
    """Write down the next block, the baseline first; None if there is nothing new to try."""
    past = bench.ledger.experiments()
    leader = incumbent(past)
    if leader is None:
        experiments, rung = [bench.baseline()], "baseline"
    else:
        count = EXPERIMENTS_A_SLOT * len(bench.executor.slots)
        left = bench.budget.experiments_left()
        proposals = planner.propose(
            count if left is None else min(count, left),
            leader,
            bench.state_of(leader),
            past,
            bench.novelty(leader, past),
        )
        experiments, rung = bench.identify(proposals, leader, planner.name, past), planner.name
    if not experiments:
        return None
    bench.ledger.open_block(rung, experiments)
    return _open_block(bench)


def _judge(bench: Bench, block: Block) -> Sequence[tuple[str, int]]:
    """Give a verdict to every experiment of the block that has earned one; returns the trials still wanted."""
    wanted: dict[tuple[str, int], None] = {}
    experiments = bench.ledger.experiments()
    for name in [e.id for e in experiments if e.block == block.number and e.verdict is None]:
        answer = _answer(experiments, name, bench.campaign.settings.fidelity)
        if isinstance(answer, Verdict):
            bench.ledger.add_verdict(name, answer)
            # A verdict may change the incumbent, the noise and the count of tests for those after it.
            experiments = bench.ledger.experiments()
            bench.view.say(f"{name} {answer.verdict}: {answer.reason}")
        else:
            wanted |= dict.fromkeys(answer)
    return list(wanted)


def _answer(experiments: Sequence[Experiment], name: str, fidelity: str) -> Wanted | Verdict:
    candidate = next(e for e in experiments if e.id == name)
    leader = incumbent(experiments)
    if leader is None:
        answer = judge_baseline(candidate, fidelity)
        if isinstance(answer, Verdict) and answer.verdict == "failed":
            raise StoichloopError(
                f"the baseline does not train, so nothing can be compared with it: {answer.reason}; {START_ANEW}"
            )
        return answer
    confirmed = sum(was_confirmed(e) for e in experiments)
    return judge(candidate, leader, measure_noise(experiments, fidelity), confirmed, fidelity)


def _learn(bench: Bench, block: Block) -> None:
    """Close the block: its summary, what all evidence so far teaches, and the texts for people."""
    fidelity = bench.campaign.settings.fidelity
    experiments = bench.ledger.experiments()
    leader = incumbent(experiments)
    line = standing(leader, fidelity) if leader else None
    assert line is not None
    summary = (
        f"{verdicts_text(count_verdicts([e for e in experiments if e.block == block.number]))}; "
        f"incumbent {line.experiment.id} at exact {line.exact:.4f} over {line.seeds} seeds"
    )
    noise = measure_noise(experiments, fidelity)
    bench.ledger.close_block(
        block.number, summary, find(experiments, current(bench.ledger.findings()), noise, fidelity, block.number)
    )
    bench.view.say(f"block {block.number} ({block.rung}): {summary}")
    bench.worktrees.clear()
    bench.write_texts()
