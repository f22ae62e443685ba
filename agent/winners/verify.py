"""Test of generalisation: an experiment and its base, retrained on sibling networks that it has never seen."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from agent.analyzer.judging.interval import GAIN, Interval, interval_of_mean
from agent.executor.trial import check_fidelity, steps_of
from agent.training.measurement import Laboratory, Task
from agent.winners.chain import Chain
from memory.formatting import counted, within
from memory.records import Generality, Measurement, SiblingResult, Verification
from simulator.dataset import FrozenData


def verify(
    laboratory: Laboratory, chain: Chain, siblings: Sequence[tuple[int, FrozenData]], *, seed: int, fidelity: str
) -> Verification:
    """Train the experiment and its campaign's base commit on each sibling, with the same seed.

    The result is recorded in the laboratory's ledger, if it has one.
    """
    name, tasks = chain.tip.experiment, []
    for number, dataset in siblings:
        steps = steps_of(fidelity, dataset.regime.training.full_steps)
        for what, commit in ((name, chain.tip.commit), ("base", chain.base)):
            tasks.append(Task(f"{what} on sibling {number}", commit, dataset, seed, steps))
    measured = laboratory.measure(tasks)
    results = tuple(
        _result(number, *pair)
        for (number, _), pair in zip(siblings, zip(measured[::2], measured[1::2], strict=True), strict=True)
    )
    gains = [result.gain for result in results if result.gain is not None]
    interval = interval_of_mean(gains, GAIN)
    verification = Verification(
        experiment=name,
        fidelity=fidelity,
        seed=seed,
        siblings=results,
        gain=float(np.mean(gains)) if gains else None,
        interval=interval,
        verdict=_verdict(results, interval),
        at=time.time(),
    )
    if laboratory.ledger:
        laboratory.ledger.add_verification(verification)
    return verification


def _result(number: int, ours: Measurement, base: Measurement) -> SiblingResult:
    baseline = (ours.scores or base.scores).get("baseline_exact")
    reasons = [f"{who} {m.reason}" for who, m in (("it", ours), ("base", base)) if m.reason]
    return SiblingResult(number, ours.score, base.score, baseline, "; ".join(reasons))


def _verdict(results: Sequence[SiblingResult], interval: Interval | None) -> Generality:
    if any(result.exact is None and result.base_exact is not None for result in results):
        return "does not generalise"  # it fails where the base commit trains
    if interval is None or interval[0] <= 0 <= interval[1]:
        return "not shown to generalise"
    return "generalises" if interval[0] > 0 else "does not generalise"


def fidelity_of(chain: Chain, asked: str | None) -> str:
    """Return the fidelity asked for, or the campaign's; raise `StoichloopError` for an unknown one."""
    return check_fidelity(asked or (chain.tip.score.fidelity if chain.tip.score else "full"))


def facts(chain: Chain, verification: Verification) -> dict[str, Any]:
    """Return the verification and the score on the experiment's own network, for `--json`."""
    siblings = [{**vars(s), "gain": s.gain} for s in verification.siblings]
    tip = chain.tip
    own = (
        {tip.score.objective: tip.score.mean, "interval": tip.score.interval, "seeds": list(tip.score.seeds)}
        if tip.score
        else None
    )
    place = {"campaign": tip.campaign, "regime": tip.regime, "commit": tip.commit, "base": chain.base, "own": own}
    return place | vars(verification) | {"siblings": siblings}


def describe(chain: Chain, verification: Verification) -> RenderableType:
    """Return the verification for the terminal: a line per sibling, the verdict, and the next command."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("network", "exact", "base commit", "trivial answer", "gain", ""):
        table.add_column(column, justify="left" if column in ("network", "") else "right")
    for s in verification.siblings:
        values = (s.exact, s.base_exact, s.baseline_exact)
        shown = ["none" if value is None else f"{value:.4f}" for value in values]
        table.add_row(f"sibling {s.sibling}", *shown, "" if s.gain is None else f"{s.gain:+z.4f}", Text(s.reason))
    gain = "no pair completed" if verification.gain is None else f"mean gain {verification.gain:+z.4f}"
    over = f"over {counted(len(verification.siblings), 'sibling')}"
    answer = (
        f"{verification.experiment} {verification.verdict}: {gain}{within(verification.interval, signed=True)} {over}"
    )
    own = f"on its own network, {chain.tip.regime}: {chain.tip.score or 'unknown'}"
    command = f"stoichloop pick {verification.experiment} --campaign {chain.tip.campaign}"
    next_step = [] if verification.verdict == "does not generalise" else [Text.assemble(("next: ", "dim"), command)]
    return Group(table, Text(answer, style="bold"), Text(own), *next_step)
