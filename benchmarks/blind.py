"""Rank correlation of the blind score with the true one, `python -m benchmarks blind`: real data have no true score.

On each regime configurations are drawn from the search space and trained for a short budget, half of them in the
starting formulation and half with signs tied to roles; every trial is scored both ways. Each is a `stoichloop train
REGIME`, in a process of its own. A finished trial is a line of the results file and is not run again while the code
that its score depends on is unchanged (`trials.code_of`). Prints one JSON document; progress goes to standard error.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from pydantic import BaseModel, ConfigDict
from scipy import stats

from agent.executor.code.code_state import CodeState
from agent.executor.code.search_space import Field
from agent.executor.workspace import Workspace, find_workspace, head_commit
from benchmarks.machine import Machine, this_machine
from benchmarks.measure import measure
from benchmarks.trials import BenchmarkRun, Failed, Finished, code_of
from simulator.regime import find_regime

LADDER = ("pde_m1_tiny", "pde_m1", "pde_m1_noise", "pde_m1_unbalanced", "pde_m1_few", "ecoli_core")
TIED = "benchmarks/sign_tied.yaml"
PARTS = ("blind_dcdt_error", "blind_integer_distance", "blind_mass_imbalance", "test_pearson")
_Z = 1.959963984540054  # of a 95 % interval


class Arms(StrEnum):
    """Trials that are ranked among each other."""

    EVERY = "every"
    FREE = "starting formulation"
    TIED = "signs tied"


class _BlindSection(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Ranking(_BlindSection):
    """Agreement of scores on the order of trials.

    `rho` is Spearman's correlation of `blind` and `exact`, `parts` that of others with it.
    `best` is the largest `exact` of all, `chosen` that of the trial with the largest `blind`, `median` that of all.
    None where there are too few trials, or all are equal.
    """

    trials: int
    rho: float | None
    interval: tuple[float, float] | None
    parts: dict[str, float | None]
    best: float
    chosen: float
    median: float


class BlindRegime(_BlindSection):
    """A regime: the rankings of all its trials and of those that start alike, and how many did not complete."""

    regime: str
    code: str
    rankings: dict[Arms, Ranking]
    failed: int
    points: tuple[tuple[str, float, float], ...]


class BlindReport(_BlindSection):
    """The document that `python -m benchmarks blind` prints."""

    machine: Machine
    commit: str
    steps: int
    regimes: tuple[BlindRegime, ...]


def draw(fields: Mapping[str, Field], rng: np.random.Generator) -> tuple[str, ...]:
    """Draw a configuration from the whole space, as `--set` takes it; log-uniform if the field says so."""
    return tuple(f"{name}={_value(field, rng)}" for name, field in sorted(fields.items()))


def _value(field: Field, rng: np.random.Generator) -> Any:
    if field.kind == "choice":
        return field.choices[int(rng.integers(len(field.choices)))]
    assert field.low is not None
    assert field.high is not None
    if field.kind == "int":
        return int(rng.integers(int(field.low), int(field.high) + 1))
    if field.log:
        return f"{math.exp(rng.uniform(math.log(field.low), math.log(field.high))):.3g}"
    return f"{rng.uniform(field.low, field.high):.3g}"


def plan(workspace: Workspace, regime: str, draws: int, steps: int, recipes: Sequence[str]) -> list[BenchmarkRun]:
    """Return the trials of a regime: the same draws on all regimes, each with its own seed, and recipes."""
    name = find_regime(regime).name
    code = {recipe: code_of(workspace, name, recipe) for recipe in (None, TIED, *recipes)}
    fields, rng = CodeState(workspace.root, workspace.sandbox).fields, np.random.default_rng(0)
    trials = [
        BenchmarkRun(
            regime=regime,
            sibling=None,
            seed=seed,
            recipe=(recipe := None if seed % 2 else TIED),
            settings=draw(fields, rng),
            steps=steps,
            code=code[recipe],
        )
        for seed in range(draws)
    ]
    return trials + [
        BenchmarkRun(regime=regime, sibling=None, seed=0, recipe=name, code=code[name]) for name in recipes
    ]


def rank(scores: Sequence[Mapping[str, float]]) -> Ranking:
    """Rank at least one trial by its scores."""
    exact, blind = ([each[name] for each in scores] for name in ("exact", "blind"))
    rho = _correlation(blind, exact)
    return Ranking(
        trials=len(scores),
        rho=rho,
        interval=None if rho is None else interval(rho, len(scores)),
        parts={name: _correlation([each[name] for each in scores], exact) for name in PARTS},
        best=max(exact),
        chosen=exact[blind.index(max(blind))],
        median=statistics.median(exact),
    )


def _correlation(ours: Sequence[float], theirs: Sequence[float]) -> float | None:
    if len(ours) < 4 or len(set(ours)) < 2 or len(set(theirs)) < 2:
        return None
    return float(stats.spearmanr(ours, theirs).statistic)


def interval(rho: float, count: int) -> tuple[float, float]:
    """Return the 95 % interval of rank correlation over `count` > 3 pairs (Bonett & Wright, Psychometrika 65, 2000)."""
    z, reach = math.atanh(max(-0.999999, min(0.999999, rho))), _Z * math.sqrt((1.0 + rho**2 / 2.0) / (count - 3))
    return math.tanh(z - reach), math.tanh(z + reach)


def report(regime: str, outcomes: Sequence[Finished | Failed]) -> BlindRegime | None:
    """Return the figures of a regime; None if no trial completed."""
    done = [outcome for outcome in outcomes if isinstance(outcome, Finished)]
    arms = {
        Arms.EVERY: [outcome.scores for outcome in done],
        Arms.FREE: [outcome.scores for outcome in done if outcome.trial.recipe is None],
        Arms.TIED: [outcome.scores for outcome in done if outcome.trial.recipe == TIED],
    }
    if not done:
        return None
    return BlindRegime(
        regime=regime,
        code=done[0].trial.code,
        rankings={arm: rank(scores) for arm, scores in arms.items() if scores},
        failed=len(outcomes) - len(done),
        points=tuple((o.trial.recipe or "none", o.scores["blind"], o.scores["exact"]) for o in done),
    )


def blind(
    regimes: Annotated[list[str] | None, typer.Argument(metavar="[REGIME]...", help="Default: six of them.")] = None,
    draws: Annotated[int, typer.Option(min=4, help="Configurations to draw.")] = 12,
    steps: Annotated[int, typer.Option(min=1, help="Optimiser steps of those.")] = 500,
    recipe: Annotated[
        list[str] | None, typer.Option(help="A recipe to train beside them at the full length; repeatable.")
    ] = None,
    results: Annotated[
        Path | None, typer.Option(help="JSON lines, one a finished trial. [default: runs/blind.jsonl]")
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Trials to run at once.")] = 1,
) -> None:
    """Measure the rank correlation of the blind score with the true one and print it as JSON."""
    workspace = find_workspace(Path.cwd())
    found = []
    for regime in regimes or LADDER:
        trials = plan(workspace, regime, draws, steps, recipe or ())
        done = measure(trials, workspace, results or workspace.runs / "blind.jsonl", jobs)
        if (told := report(regime, list(done.values()))) is not None:
            found.append(told)
    document = BlindReport(machine=this_machine(), commit=head_commit(workspace), steps=steps, regimes=tuple(found))
    print(document.model_dump_json(indent=1))
