"""The ladder: the choice between sweeping configurations and changing code. A rung is left when it stops paying.

The plateau. Of the last n experiments on this rung, since it was entered or last improved on the incumbent, none
improved on it by more than the noise (that is what an acceptance says). Under Jeffreys' prior for the share of
experiments that improve, Beta(1/2, 1/2), the chance that the next one does is

    (0 + 1/2) / (n + 1)

(Laplace's rule of succession with Jeffreys' prior; Gelman et al., Bayesian Data Analysis, 2013, section 2.8.)
Below `PLATEAU` the rung is a plateau, and the loop goes to the other one. An accepted change of code opens a fresh
sweep on top of it at once; a sweep that improves goes on sweeping.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import takewhile

from agent.planner.contract import Rung
from memory.formatting import counted
from memory.records import Block, Decision, Experiment

PLATEAU = 0.07


def chance_of_improvement(failures: int) -> float:
    """Return the chance that the next experiment improves, after `failures` in a row that did not."""
    return 0.5 / (failures + 1)


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
    entered = next((block.number + 1 for block in reversed(blocks) if block.rung != rung), 0)
    run = _failures(entered, experiments)
    chance, tried = chance_of_improvement(run), counted(run, f"{rung} experiment")
    if rung == "code" and any(e.accepted for e in experiments if e.block >= entered):
        return Decision("sweep", None, "a change of code was accepted: a fresh sweep on top of it")
    if chance < PLATEAU:
        reason = f"plateau: {tried} in a row improved nothing, so the next does with chance {chance:.3f}"
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


def _failures(entered: int, experiments: Sequence[Experiment]) -> int:
    """Count the judged candidates of this stay on a rung since the last accepted one of any, by order of verdicts.

    `entered` is the first block of the stay.
    """
    candidates = [e for e in experiments if e.verdict and e.kind == "candidate"]
    candidates.sort(key=lambda e: e.verdict.number if e.verdict else 0)
    since = list(takewhile(lambda e: not e.accepted, reversed(candidates)))
    return sum(e.block >= entered and e.idea is None for e in since)
