"""Ablation of the messages in the model, `python -m benchmarks ablation`: message x gate x attention x activation.

Each trial is a `stoichloop train REGIME` of the starting formulation with one level of each factor, in a process of
its own. A finished trial is a line of the results file and is not run again while the code that its score depends on is
unchanged (`trials.code_of`). A seed starts all arms from the same values, so arms are compared seed by seed. For arms
with attention or with `message=hypergraph`, rollouts and held-out errors are approximate (see `gnn/estimate.py`);
scores of coefficients are exact. Prints one JSON document; progress goes to standard error.
"""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer
from pydantic import BaseModel, ConfigDict

from agent.executor.code.code_state import CodeState
from agent.executor.workspace import Workspace, find_workspace, head_commit
from benchmarks.machine import Machine, this_machine
from benchmarks.measure import measure, refuse_failures
from benchmarks.summary import Group, group
from benchmarks.trials import BenchmarkRun, Failed, Finished, code_of
from simulator.regime import find_regime
from stoichloop.errors import StoichloopError

# Field of the configuration -> option of the command.
FACTORS = {
    "message": "--message",
    "gate": "--gate",
    "attention": "--attention",
    "message_activation": "--activation",
}

Arm = tuple[str, ...]  # the setting of each factor, as `--set` takes it


class ArmReport(BaseModel):
    """The scores of an arm, and its median lead in `exact` over the reference on the same seeds.

    The lead counts the seeds that finished in both arms; it is None if there are none.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    settings: Arm
    exact_lead: float | None
    seeds: Group


class AblationReport(BaseModel):
    """The document that `python -m benchmarks ablation` prints; the first arm is the reference."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    machine: Machine
    commit: str
    regime: str
    code: str
    steps: int
    arms: tuple[ArmReport, ...]


def arms_of(workspace: Workspace, asked: Mapping[str, Sequence[str] | None]) -> list[Arm]:
    """Return every combination of the requested levels; None stands for all that the workspace's code declares.

    Raises `StoichloopError` for an unknown level.
    """
    fields, settings = CodeState(workspace.root, workspace.sandbox).fields, []
    for name, levels in asked.items():
        known = [str(level) for level in fields[name].choices]
        for level in levels or known:
            if level not in known:
                raise StoichloopError(f"{FACTORS[name]} {level}: levels of '{name}' are {', '.join(known)}")
        settings.append([f"{name}={level}" for level in levels or known])
    return list(itertools.product(*settings))


def compare(arms: Mapping[Arm, Sequence[Finished | Failed]]) -> tuple[ArmReport, ...]:
    """Return the scores of each arm over its seeds, compared with the first arm, the reference."""
    exact = {
        arm: {trial.trial.seed: trial.scores["exact"] for trial in trials if isinstance(trial, Finished)}
        for arm, trials in arms.items()
    }
    reference = exact[next(iter(arms))]
    leads = {arm: [own[seed] - reference[seed] for seed in own if seed in reference] for arm, own in exact.items()}
    return tuple(
        ArmReport(settings=arm, exact_lead=statistics.median(leads[arm]) if leads[arm] else None, seeds=group(trials))
        for arm, trials in arms.items()
    )


def ablation(
    regime: Annotated[str, typer.Argument(metavar="REGIME")] = "pde_m1",
    message: Annotated[list[str] | None, typer.Option(help="A level; repeatable. Default: all.")] = None,
    gate: Annotated[list[str] | None, typer.Option(help="A level; repeatable. Default: all.")] = None,
    attention: Annotated[list[str] | None, typer.Option(help="A level; repeatable. Default: all.")] = None,
    activation: Annotated[list[str] | None, typer.Option(help="A level; repeatable. Default: all.")] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Training seeds of each arm, from 0.")] = 3,
    steps: Annotated[
        int | None, typer.Option(min=1, help="Optimiser steps; default: the regime's full length.")
    ] = None,
    results: Annotated[
        Path | None, typer.Option(help="JSON lines, one per finished trial. [default: runs/ablation.jsonl]")
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Trials to run at once.")] = 1,
) -> None:
    """Measure the effect of message, gate, attention and activation on the scores and print it as JSON."""
    workspace = find_workspace(Path.cwd())
    setting = find_regime(regime, workspace.data)
    code, budget = code_of(workspace, regime), steps or setting.training.full_steps
    arms = arms_of(workspace, dict(zip(FACTORS, (message, gate, attention, activation), strict=True)))

    def trial(arm: Arm, seed: int) -> BenchmarkRun:
        return BenchmarkRun(regime=regime, sibling=None, seed=seed, recipe=None, settings=arm, steps=budget, code=code)

    # All arms of a seed before the next seed: an interrupted run compares them all.
    trials = [trial(arm, seed) for seed in range(seeds) for arm in arms]
    done = measure(trials, workspace, results or workspace.runs / "ablation.jsonl", jobs)
    found = AblationReport(
        machine=this_machine(),
        commit=head_commit(workspace),
        regime=regime,
        code=code,
        steps=budget,
        arms=compare({arm: [done[trial(arm, seed)] for seed in range(seeds)] for arm in arms}),
    )
    print(found.model_dump_json(indent=1))
    refuse_failures(list(done.values()))
