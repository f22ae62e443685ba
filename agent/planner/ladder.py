"""The ladder: the choice between sweeping configurations and changing code. A rung is left when it stops paying.

The plateau. Let s of the judged experiments on a rung have been accepted and f not. Experiments on
earlier incumbents count less: each change of the incumbent halves their weight (a power prior; Ibrahim and Chen,
Statistical Science 15, 2000). Under Jeffreys' prior for the share of experiments that improve, Beta(1/2, 1/2), the
chance that the next one does is

    (s + 1/2) / (s + f + 1)

(Gelman et al., Bayesian Data Analysis, 2013, section 2.8). Below `PLATEAU` the rung is a plateau, and the loop goes to
the other one. So a rung that never paid is tried for a shorter time on each new incumbent, and one that paid for a
longer one. An accepted change of code opens a fresh sweep on top of it at once; a sweep that improves goes on sweeping.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import takewhile

from agent.planner.contract import Rung
from memory.formatting import counted
from memory.records import Block, Decision, Experiment

PLATEAU = 0.07


def chance_of_improvement(accepted: float, failed: float) -> float:
    """Return the chance that the next experiment improves, given the weights of those that did and did not."""
    return (accepted + 0.5) / (accepted + failed + 1.0)


def decide(
    blocks: Sequence[Block], experiments: Sequence[Experiment], rungs: Sequence[Rung], only: str | None = None
) -> Decision:
    """Return the rung of the next block; `only` is the reason where `rungs` has one.

    A user's idea is on no rung: it moves the ladder only where it is accepted.
    """
    of_user = {e.block for e in experiments if e.idea is not None}
    blocks = [block for block in blocks if block.number not in of_user]
    last = blocks[-1]
    if len(rungs) == 1:
        return Decision(rungs[0], None, only or f"this planner knows the {rungs[0]} only")
    if last.rung not in rungs:
        return Decision("sweep", None, "a configuration is cheaper to try than code: the sweep comes first")
    rung: Rung = "code" if last.rung == "code" else "sweep"
    other: Rung = "sweep" if rung == "code" else "code"
    if rung == "code" and _improved(blocks, experiments):
        return Decision("sweep", None, "a change of code was accepted: a fresh sweep on top of it")
    chance, failures = _chance_on(rung, blocks, experiments)
    tried = counted(failures, f"{rung} experiment")
    if chance < PLATEAU and failures:
        reason = f"plateau: {tried} on this incumbent improved nothing, so the next does with chance {chance:.3f}"
        return Decision(other, chance, reason)
    reason = f"{tried} since the last improvement: the next one improves with chance {chance:.3f}"
    return Decision(rung, chance, reason)


def as_proposed(decision: Decision, experiments: Sequence[Experiment]) -> Decision:
    """Return a decision with the rung of the proposals: a model may choose another one than was decided."""
    return replace(decision, rung="code" if any(e.patch for e in experiments) else "sweep")


def exhausted(decision: Decision, rungs: Sequence[Rung]) -> Decision | None:
    """Return the other rung when nothing new is proposed on the decided one, or None without another."""
    others = [rung for rung in rungs if rung != decision.rung]
    if not others:
        return None
    return Decision(others[0], decision.chance, f"nothing new to propose on the {decision.rung} rung")


def _improved(blocks: Sequence[Block], experiments: Sequence[Experiment]) -> bool:
    """Return whether an experiment was accepted in the blocks since the loop came to this rung."""
    stay = [block.number for block in takewhile(lambda block: block.rung == blocks[-1].rung, reversed(blocks))]
    return any(e.accepted for e in experiments if e.block >= stay[-1])


def _chance_on(rung: Rung, blocks: Sequence[Block], experiments: Sequence[Experiment]) -> tuple[float, int]:
    """Return the chance that the next experiment on a rung improves, and how many failed there on the incumbent."""
    on_rung = {block.number for block in blocks if block.rung == rung}
    candidates = [e for e in experiments if e.verdict and e.kind == "candidate"]
    candidates.sort(key=lambda e: e.verdict.number if e.verdict else 0, reverse=True)
    accepted, failed, failures, weight = 0.0, 0.0, 0, 1.0
    for e in candidates:
        if e.accepted:
            weight /= 2.0  # this one, and all before it, met an earlier incumbent
        if e.block in on_rung:
            accepted += weight * e.accepted
            failed += weight * (not e.accepted)
            failures += weight == 1.0
    return chance_of_improvement(accepted, failed), failures
