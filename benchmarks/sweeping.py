"""Campaigns that only sweep: `python -m benchmarks sweeping`.

Each campaign is the command that a user would run, `stoichloop explore REGIME sweeping-N --planner sweep --seed N
--until GOAL`, one after the other. An interrupted campaign is resumed, a finished one is read again. Prints one JSON
document: the score of the incumbent after each verdict, and the experiments that it took to reach the goal.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from pydantic import BaseModel, ConfigDict

from agent.base.campaign_request import CampaignRequest
from agent.base.console import Console
from agent.base.interruption import Interruption
from agent.campaign.budget import experiments_done
from agent.campaign.folder import open_campaign
from agent.executor.workspace import Workspace, find_workspace, head_commit
from agent.loop.explore import run_campaign
from benchmarks.machine import Machine, this_machine
from benchmarks.measure import dataset_of
from memory.leaderboard import standing
from memory.ledger import Ledger
from memory.records import Experiment

_BUDGET = "1000h"  # the number of experiments ends a campaign


class SweptCampaign(BaseModel):
    """One campaign: the incumbent's mean score after each verdict, and when it reached the goal, None if it did not."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    campaign: str
    seed: int
    changes: dict[str, float | int | str]
    scores: tuple[float, ...]
    trials: int
    reached_after: int | None


class SweepingReport(BaseModel):
    """The document that `python -m benchmarks sweeping` prints; `median` is that of the last scores."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    machine: Machine
    commit: str
    regime: str
    fidelity: str
    experiments: int
    goal: float
    median: float
    met: bool
    campaigns: tuple[SweptCampaign, ...]


def campaign_of(name: str, seed: int, experiments: Sequence[Experiment], fidelity: str, goal: float) -> SweptCampaign:
    """Return the figures of a campaign from its ledger, in the order of verdicts."""
    judged = sorted(
        ((e.verdict.number, e) for e in experiments if e.verdict is not None), key=lambda verdict: verdict[0]
    )
    leader, scores = judged[0][1], list[float]()
    for _, e in judged[1:]:
        leader = e if e.accepted else leader
        line = standing(leader, fidelity)
        scores.append(line.score if line else 0.0)
    start = judged[0][1].configuration
    return SweptCampaign(
        campaign=name,
        seed=seed,
        changes={field: value for field, value in leader.configuration.items() if start.get(field) != value},
        scores=tuple(scores),
        trials=sum(len(e.trials) for e in experiments),
        reached_after=next((count for count, score in enumerate(scores, 1) if score >= goal), None),
    )


def sweeping(
    regime: Annotated[str, typer.Argument(help="The regime to sweep.")] = "pde_m1",
    campaigns: Annotated[int, typer.Option(min=1, help="Campaigns, with seeds from 0.")] = 5,
    experiments: Annotated[int, typer.Option(min=1, help="Experiments of each campaign.")] = 60,
    fidelity: Annotated[str, typer.Option(help="Fidelity of the campaigns: probe, half or full.")] = "probe",
    goal: Annotated[float, typer.Option(help="Score that the median campaign should reach.")] = 0.75,
    workers: Annotated[int | None, typer.Option(min=1, help="Trials at a time. [default: one per core]")] = None,
) -> None:
    """Run campaigns that only sweep, and print their scores as JSON."""
    workspace, found = find_workspace(Path.cwd()), list[SweptCampaign]()
    for seed in range(campaigns):
        request = CampaignRequest(
            name=f"sweeping-{regime}-{fidelity}-{seed}",
            budget=_BUDGET,
            experiments=experiments,
            planner="sweep",
            fidelity=fidelity,
            until=goal,
            seed=seed,
            workers=workers,
        )
        found.append(campaign_of(request.name, seed, _run(workspace, regime, request), fidelity, goal))
        Console(stderr=True).print(f"{request.name}: {found[-1].scores[-1]:.4f}")
    median = statistics.median(each.scores[-1] for each in found)
    report = SweepingReport(
        machine=this_machine(),
        commit=head_commit(workspace),
        regime=regime,
        fidelity=fidelity,
        experiments=experiments,
        goal=goal,
        median=median,
        met=median >= goal,
        campaigns=tuple(found),
    )
    print(report.model_dump_json(indent=1))


def _run(workspace: Workspace, regime: str, request: CampaignRequest) -> Sequence[Experiment]:
    """Run a campaign to its end unless it has ended, and return its experiments."""
    done = _experiments(workspace, request.name)
    if experiments_done(done) >= (request.experiments or 0):
        return done
    with Interruption() as interruption:
        if run_campaign(workspace, dataset_of(workspace, regime), request, check=interruption.check, quiet=True):
            raise KeyboardInterrupt
    return _experiments(workspace, request.name)


def _experiments(workspace: Workspace, name: str) -> Sequence[Experiment]:
    """Return the experiments of a campaign, none before it has begun."""
    if not (workspace.runs / name).is_dir():
        return ()
    with Ledger(open_campaign(workspace, name).ledger_path, readonly=True) as ledger:
        return ledger.experiments()
