"""The functions of the Python interface: the command line's work, called. docs/api.md has examples.

All but `open` work in the clone that contains the current folder, like the commands. They print nothing on standard
output. They raise a `StoichloopError` where a command would fail; its message is the command's sentence.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.base.campaign_request import CampaignRequest
from agent.executor.workspace import current_workspace, find_workspace
from agent.training.datasets import find_data
from stoichloop.campaign_interface import Campaign

if TYPE_CHECKING:
    from agent.campaign.campaign_list import CampaignLine
    from agent.training.run import Run
    from simulator.dataset import Dataset
    from simulator.measured.measurements import Measurements
    from simulator.measured_regime import Measured
    from simulator.regime import Regime


def regimes() -> list[Regime | Measured]:
    """Return the regimes: those that come with the program, then the user's own."""
    from simulator.measured_regime import all_known

    return all_known(current_workspace().data)


def data(
    regime: str | None = None,
    sibling: int | None = None,
    *,
    csv: str | Path | None = None,
    network: str | Path | None = None,
    sbml: str | Path | None = None,
) -> Dataset | Measurements:
    """Return frozen data: generated or imported if absent, verified if present.

    Args:
        regime: name of the regime; or else one of the next three.
        sibling: number of the sibling network, None for the regime itself.
        csv: your own concentrations; `network` goes with it. The regime is called like the file.
        network: the reactions of `csv`, a YAML or SBML file. docs/real-data.md describes both files.
        sbml: a network without data, which is simulated as PDE_M1.
    """
    return find_data(regime, _path(sbml), _path(csv), _path(network), sibling, quiet=True)[0]


def train(
    regime: str,
    changes: Mapping[str, Any] | None = None,
    *,
    seed: int = 0,
    steps: int | None = None,
    sibling: int | None = None,
    recipe: str | None = None,
    out: str | Path | None = None,
    contained: bool = True,
) -> Run:
    """Train the `gnn/` of the working tree once, or the committed `gnn/` with a recipe applied, and score it.

    Args:
        regime: name of the regime.
        changes: configuration fields to change.
        seed: random seed of the training.
        steps: number of optimiser steps, None for the regime's full length.
        sibling: number of the sibling network to train on, None for the regime itself.
        recipe: `best` for the regime's own recipe, or the path of a recipe file.
        out: new folder for the trial's files; None keeps none of them.
        contained: False runs the code without a sandbox.
    """
    from agent.training.run import train_regime

    return train_regime(
        current_workspace(contained=contained),
        regime,
        dict(changes or {}),
        sibling=sibling,
        seed=seed,
        steps=steps,
        recipe=recipe,
        out=_path(out),
        quiet=True,
        check=lambda: None,
        note=warnings.warn,
    )


def explore(
    regime: str,
    campaign: str | None = None,
    *,
    budget: str = CampaignRequest.budget,
    experiments: int | None = CampaignRequest.experiments,
    planner: str = CampaignRequest.planner,
    fidelity: str = CampaignRequest.fidelity,
    seed: int = CampaignRequest.seed,
    workers: int | None = CampaignRequest.workers,
    model: str | Sequence[str] | None = CampaignRequest.model,
    program: str | None = CampaignRequest.program,
    tokens: int | None = CampaignRequest.tokens,
    dollars: float = CampaignRequest.dollars,
    context: int = CampaignRequest.context,
    patience: str | None = CampaignRequest.patience,
    without: str | Sequence[str] = CampaignRequest.without,
    until: float | None = CampaignRequest.until,
    notify: str | None = CampaignRequest.notify,
    track: str | Sequence[str] = CampaignRequest.track,
    contained: bool = True,
) -> Campaign:
    """Start or resume a campaign and run it to the end of its budget; its name is the regime's unless given.

    Trials run on this machine; `stoichloop explore --executor parsl` runs them on a cluster. Ctrl-C raises
    `KeyboardInterrupt`; everything is saved then, `campaign(name)` reads it, and the same call resumes.

    Args:
        regime: name of the regime.
        campaign: the campaign's name.
        budget: wall-clock time to spend, like 8h or 90m.
        experiments: the largest number of experiments to judge, None for no limit.
        planner: the name of the planner that proposes experiments.
        fidelity: training length at which candidates are finally compared: probe (1/8), half or full.
        seed: random seed of the planner.
        workers: number of trials at a time, None for two per GPU or, without a GPU, one per core.
        model: language models to ask, like `anthropic:claude-sonnet-4-5`: one, or several of which the next is asked
            where one fails.
        program: agent program to ask.
        tokens: limit on the tokens of all requests to models, None for one that follows the budget.
        dollars: limit on the price of all requests to models, in US dollars.
        context: size of the model's context window, in tokens of input and output together.
        patience: longest wait for one answer, like 5m.
        without: names of moves that are not to be proposed, one or several.
        until: score at which to end, once the incumbent's mean reaches it.
        notify: command that gets a line of JSON when the campaign ends, is stuck or accepts something.
        track: trackers that are told of the campaign while it runs, `mlflow:URI` or `wandb:PROJECT`, one or several.
        contained: False runs code without a sandbox.
    """
    from agent.loop.explore import check_request, run_campaign

    request = CampaignRequest(
        name=regime if campaign is None else campaign,
        budget=budget,
        experiments=experiments,
        planner=planner,
        fidelity=fidelity,
        seed=seed,
        workers=workers,
        model=_several(model),
        program=program,
        tokens=tokens,
        dollars=dollars,
        context=context,
        patience=patience,
        without=_several(without),
        until=until,
        notify=notify,
        track=_several(track),
    )
    workspace = current_workspace(contained=contained)
    check_request(request)
    flags = () if contained else ("--no-sandbox",)
    if run_campaign(workspace, data(regime), request, check=lambda: None, flags=flags, quiet=True):
        raise KeyboardInterrupt(f"everything is saved: stoichloop.campaign('{request.name}') reads it")
    return Campaign(request.name)


def _path(given: str | Path | None) -> Path | None:
    return None if given is None else Path(given).expanduser()


def _several(value: str | Sequence[str] | None) -> tuple[str, ...]:
    """Return the values of an option that may be given more than once."""
    return (value,) if isinstance(value, str) else tuple(value or ())


def campaign(name: str | None = None) -> Campaign:
    """Return the campaign called `name`, or the one that was written to last."""
    return Campaign(name)


def campaigns() -> list[CampaignLine]:
    """Return the campaigns, the one written to last first: name, state, best experiment, score, gain, time spent.

    One that cannot be read says so in its `state`.
    """
    from agent.campaign.campaign_list import list_campaigns

    return list_campaigns(current_workspace())


def open(path: str | Path) -> Campaign:
    """Return the campaign in the folder `runs/NAME` of any clone; of a clone, the one that was written to last."""
    folder = Path(path).expanduser().absolute()
    workspace = find_workspace(folder)
    inside = folder.resolve().relative_to(workspace.root).parts
    name = inside[1] if len(inside) > 1 and workspace.root / inside[0] == workspace.runs else None
    return Campaign(name, workspace)
