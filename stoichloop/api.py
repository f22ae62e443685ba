"""The Python interface: the command line's work as a few functions. docs/api.md has examples.

All functions work in the clone that contains the current folder, like the commands, and print nothing on standard
output. They raise a `StoichloopError` where a command would fail; its message is the command's sentence.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.base.campaign_request import CampaignRequest
from agent.executor.workspace import current_workspace
from agent.training.datasets import dataset_of

if TYPE_CHECKING:
    from agent.analyzer.scoring.estimate import Estimate
    from agent.campaign.folder import CampaignFolder
    from agent.campaign.status import Line, Status
    from agent.export.mlflow_runs import Tracked
    from agent.training.recovered_network import RecoveredNetwork
    from agent.training.run import Run
    from memory.ledger import Ledger
    from memory.records import Experiment, Finding, TrialResult
    from simulator.dataset import Dataset
    from simulator.measured.measurements import Measurements
    from simulator.measured_regime import Measured
    from simulator.regime import Regime


def regimes() -> list[Regime | Measured]:
    """Return the regimes: those that come with the program, then the user's own."""
    from simulator.measured_regime import all_known

    return all_known(current_workspace().data)


def data(regime: str, sibling: int | None = None) -> Dataset | Measurements:
    """Return the frozen data of a regime or its sibling: generated if absent, verified if present."""
    return dataset_of(regime, sibling, quiet=True)[0]


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
        out=None if out is None else Path(out),
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
    contained: bool = True,
) -> Campaign:
    """Start or resume a campaign and run it to the end of its budget; its name is the regime's unless given.

    `CampaignRequest` describes the keyword arguments; `model` and `without` are a text or several. `contained=False`
    runs code without a sandbox. Trials run on this machine; `stoichloop explore --executor parsl` runs them on a
    cluster. Raises `KeyboardInterrupt` after an
    interruption; everything is saved then, and the same call resumes.
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
    )
    workspace = current_workspace(contained=contained)
    check_request(request)
    flags = () if contained else ("--no-sandbox",)
    if run_campaign(workspace, data(regime), request, check=lambda: None, flags=flags, quiet=True):
        raise KeyboardInterrupt
    return Campaign(request.name)


def _several(value: str | Sequence[str] | None) -> tuple[str, ...]:
    """Return the values of an option that may be given more than once."""
    return (value,) if isinstance(value, str) else tuple(value or ())


class Campaign:
    """Read access to a campaign, finished or running. Every call reads the ledger again."""

    def __init__(self, name: str | None = None) -> None:
        """Open the campaign called `name`, or the one that was written to last."""
        from agent.campaign.folder import open_campaign

        self._workspace = current_workspace()  # stays valid when the program changes its current folder
        self._opened: CampaignFolder = open_campaign(self._workspace, name)

    @property
    def name(self) -> str:
        """The campaign's name."""
        return self._opened.settings.name

    @property
    def folder(self) -> Path:
        """The campaign's folder on disk; `TrialResult.folder` is relative to it."""
        return self._opened.folder

    def status(self) -> Status:
        """Return the running trials, the incumbent, the leaderboard, and the budget spent."""
        from agent.campaign.status import read_status

        with self._ledger() as ledger:
            return read_status(self._opened, ledger)

    def leaderboard(self) -> list[Line]:
        """Return the best experiments, twelve at most: the accepted, newest first, then the others by mean score."""
        return self.status().leaderboard

    def experiments(self) -> list[Experiment]:
        """Return all experiments with their trials and verdicts, oldest first.

        Trials on sibling networks, which only judging uses, are apart, in `sibling_trials`.
        """
        with self._ledger() as ledger:
            return ledger.experiments()

    def trials(self) -> list[TrialResult]:
        """Return all finished trials on the campaign's own network, by experiment."""
        return [trial for experiment in self.experiments() for trial in experiment.trials]

    def findings(self) -> list[Finding]:
        """Return the findings that hold on all evidence so far."""
        with self._ledger() as ledger:
            return ledger.current_findings()

    def estimate(self, experiment: str | None = None) -> Estimate:
        """Return the real-valued coefficients, rate constants and functions of an experiment, or of the incumbent.

        They come from its representative trial: among the completed trials at its highest fidelity, the one whose
        score is nearest to their mean.
        """
        from agent.training.recovered_network import estimate_of

        return estimate_of(self._workspace, self._opened, experiment)

    def network(self, experiment: str | None = None) -> RecoveredNetwork:
        """Return the named integer network that this estimate decodes to."""
        from agent.training.recovered_network import network_of_campaign

        return network_of_campaign(self._workspace, self._opened, experiment)

    def to_csv(self, folder: str | Path) -> dict[str, int]:
        """Write the tables of `stoichloop export --csv`; return the number of rows in each."""
        from agent.export.tables import write_tables

        return write_tables(self._opened, Path(folder))

    def to_mlflow(self, uri: str) -> Tracked:
        """Send trials to MLflow like `stoichloop export --mlflow`; return what was added."""
        from agent.export.mlflow_runs import track

        return track(self._opened, uri)

    def to_sbml(self, file: str | Path, experiment: str | None = None) -> None:
        """Write the network as SBML like `stoichloop export --sbml`."""
        from agent.export.sbml_file import write_sbml

        write_sbml(self.network(experiment), Path(file))

    @contextmanager
    def _ledger(self) -> Iterator[Ledger]:
        from memory.ledger import Ledger

        with Ledger(self._opened.ledger_path, readonly=True) as ledger:
            yield ledger


def campaign(name: str | None = None) -> Campaign:
    """Return the campaign called `name`, or the one that was written to last."""
    return Campaign(name)
