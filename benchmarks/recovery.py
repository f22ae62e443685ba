"""Recovery of S by the recipes, compared with the required levels: `python -m benchmarks recovery`.

Each trial is the command that a user would run, `stoichloop train REGIME --recipe best --seed S`, in a process
of its own. A finished trial is a line of the results file and is not run again while the code that its score
depends on is unchanged (`trials.code_of`). Prints one JSON document; progress goes to standard error.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from pydantic import BaseModel, ConfigDict

from agent.executor.workspace import Workspace, find_workspace, head_commit
from benchmarks.bars import BARS, BarResult, all_met, judge_bar
from benchmarks.baselines import BaselineResult, answers
from benchmarks.machine import Machine, this_machine
from benchmarks.measure import dataset_of, measure, refuse_failures
from benchmarks.summary import Group, group
from benchmarks.trials import BenchmarkRun, Failed, Finished, code_of
from simulator.dataset import Dataset
from simulator.regime import find_regime
from stoichloop.errors import StoichloopError

RECIPE = "best"
_SIBLING_SEED = 0


class _RecoverySection(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RecoveryRegime(_RecoverySection):
    """Figures of a regime. `met` is null without bars, or while too few trials were measured to decide."""

    regime: str
    code: str
    met: bool | None
    bars: tuple[BarResult, ...]
    seeds: Group
    siblings: Group | None
    baselines: dict[str, BaselineResult | Group] | None


class RecoveryReport(_RecoverySection):
    """The document that `python -m benchmarks recovery` prints."""

    machine: Machine
    commit: str
    regimes: tuple[RecoveryRegime, ...]


class Plan(_RecoverySection):
    """The trials of a regime."""

    regime: str
    seeds: tuple[BenchmarkRun, ...]
    siblings: tuple[BenchmarkRun, ...]
    free_sign: tuple[BenchmarkRun, ...]

    @property
    def trials(self) -> tuple[BenchmarkRun, ...]:
        """Return all trials of the regime."""
        return self.seeds + self.siblings + self.free_sign


def regimes_with_recipes(workspace: Workspace) -> list[str]:
    """Return the regimes that have a recipe in recipes/; raises `StoichloopError` if there is none."""
    names = sorted(path.stem for path in (workspace.root / "recipes").glob("*.yaml"))
    if not names:
        raise StoichloopError(f"{workspace.root / 'recipes'}: there is no recipe; name the regimes to measure")
    return names


def plan(workspace: Workspace, regime: str, seeds: int, siblings: int, *, baselines: bool) -> Plan:
    """Return all trials that the figures of a regime need; raises `RegimeError` if there is no such regime."""
    name = find_regime(regime, workspace.data).name
    code = {recipe: code_of(workspace, name, recipe) for recipe in (RECIPE, *([None] if baselines else []))}

    def trial(seed: int, *, sibling: int | None = None, recipe: str | None = RECIPE) -> BenchmarkRun:
        return BenchmarkRun(regime=regime, sibling=sibling, seed=seed, recipe=recipe, code=code[recipe])

    return Plan(
        regime=regime,
        seeds=tuple(trial(seed) for seed in range(seeds)),
        siblings=tuple(trial(_SIBLING_SEED, sibling=number) for number in range(1, siblings + 1)),
        free_sign=tuple(trial(seed, recipe=None) for seed in range(seeds if baselines else 0)),
    )


def report(plan: Plan, done: dict[BenchmarkRun, Finished | Failed], dataset: Dataset | None) -> RecoveryRegime:
    """Return the figures of a regime, with its baselines if a dataset is given."""
    seeds, siblings, free_sign = (
        group([done[trial] for trial in trials]) for trials in (plan.seeds, plan.siblings, plan.free_sign)
    )
    bars = tuple(
        judge_bar(bar, (siblings if bar.over == "each sibling" else seeds).values(bar.score))
        for bar in BARS
        if bar.regime == plan.regime
    )
    return RecoveryRegime(
        regime=plan.regime,
        code=plan.seeds[0].code,
        met=all_met(bars),
        bars=bars,
        seeds=seeds,
        siblings=siblings if plan.siblings else None,
        baselines={**answers(dataset), "free_sign": free_sign} if dataset else None,
    )


def recovery(
    regimes: Annotated[
        list[str] | None, typer.Argument(metavar="[REGIME]...", help="Default: every regime with a recipe.")
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Training seeds of each regime, from 0.")] = 5,
    siblings: Annotated[int, typer.Option(min=0, max=999, help="Sibling networks of each regime, from 1.")] = 0,
    baselines: Annotated[bool, typer.Option("--baselines", help="Measure simple methods beside the recipes.")] = False,
    results: Annotated[
        Path | None, typer.Option(help="JSON lines, one a finished trial. [default: runs/recovery.jsonl]")
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Trials to run at once.")] = 1,
) -> None:
    """Measure the recovery of the recipes and print it as JSON."""
    workspace = find_workspace(Path.cwd())
    plans = [
        plan(workspace, name, seeds, siblings, baselines=baselines)
        for name in regimes or regimes_with_recipes(workspace)
    ]
    trials = [trial for plan in plans for trial in plan.trials]
    done = measure(trials, workspace, results or workspace.runs / "recovery.jsonl", jobs)
    found = RecoveryReport(
        machine=this_machine(),
        commit=head_commit(workspace),
        regimes=tuple(report(plan, done, dataset_of(workspace, plan.regime) if baselines else None) for plan in plans),
    )
    print(found.model_dump_json(indent=1))
    refuse_failures(list(done.values()))
