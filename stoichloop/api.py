"""What the command line does, as a few calls; `import stoichloop` has them. docs/api.md shows them at work.

All of them work in the clone that holds the current folder, as the commands do, and print nothing on standard output.
What they raise has the sentence for its message that the command would end with: a `StoichloopError`, or an error of
the regime, the data or the ledger.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
    from simulator.measured.measured_regime import Measured
    from simulator.measured.measurements import Measurements
    from simulator.regime import Regime


def regimes() -> list[Regime | Measured]:
    """The regimes: those that come with the program, then the user's own."""
    from simulator.measured.measured_regime import all_known

    return all_known(current_workspace().data)


def data(regime: str, sibling: int | None = None) -> Dataset | Measurements:
    """The frozen data of a regime or its sibling: generated if absent, verified if present."""
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
    """One scored training run of the `gnn/` in the working tree, or of the committed one with a recipe on it.

    `changes` are fields of the configuration, `steps` the regime's full budget unless given; `recipe` is `best` or a
    file, `out` a new folder to keep what the trial left. `contained=False` renounces the sandbox.
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
    budget: str = "8h",
    experiments: int | None = None,
    planner: str = "auto",
    fidelity: str = "full",
    workers: int | None = None,
    seed: int = 0,
    contained: bool = True,
) -> Campaign:
    """Start or resume a campaign, named like the regime unless named, and lead it to the end of its budget.

    Raises `KeyboardInterrupt` if it was interrupted; everything is saved then, and the same call goes on. Planners
    that ask a model or a program are had at the command line.
    """
    from agent.executor.trial import LOWEST
    from agent.loop.explore import run_campaign
    from agent.planner.contract import Options

    name = regime if campaign is None else campaign
    interrupted = run_campaign(
        current_workspace(contained=contained),
        data(regime),
        name=name,
        budget=budget,
        experiments=experiments,
        planner=planner,
        options=Options(seed, LOWEST),
        fidelity=fidelity,
        workers=workers,
        check=lambda: None,
        quiet=True,
    )
    if interrupted:
        raise KeyboardInterrupt
    return Campaign(name)


class Campaign:
    """A campaign, to be read, also while it runs. Each call reads its ledger anew."""

    def __init__(self, name: str | None = None) -> None:
        """The campaign of that name, or the one that was written to last."""
        from agent.campaign.folder import open_campaign

        self._workspace = current_workspace()  # wherever the program goes from now on
        self._found: CampaignFolder = open_campaign(self._workspace, name)

    @property
    def name(self) -> str:
        """Its name."""
        return self._found.settings.name

    @property
    def folder(self) -> Path:
        """Where it is on disk; the folder of a trial is named relative to it."""
        return self._found.folder

    def status(self) -> Status:
        """What runs now, the incumbent, the leaderboard, spend against budget."""
        from agent.campaign.status import read_status

        with self._ledger() as ledger:
            return read_status(self._found, ledger)

    def leaderboard(self) -> list[Line]:
        """The first eight: accepted experiments, newest first, then the others by mean score."""
        return self.status().leaderboard

    def experiments(self) -> list[Experiment]:
        """All experiments with their trials and verdicts, oldest first."""
        with self._ledger() as ledger:
            return ledger.experiments()

    def trials(self) -> list[TrialResult]:
        """All finished trials, by experiment."""
        return [trial for experiment in self.experiments() for trial in experiment.trials]

    def findings(self) -> list[Finding]:
        """What holds on all evidence so far."""
        with self._ledger() as ledger:
            return ledger.current_findings()

    def estimate(self, experiment: str | None = None) -> Estimate:
        """The real coefficients, rate constants and functions of an experiment, or of the incumbent.

        Of its trials that completed at its highest fidelity it is that whose score is nearest to their mean.
        """
        from agent.training.recovered_network import estimate_of

        return estimate_of(self._workspace, self._found, experiment)

    def network(self, experiment: str | None = None) -> RecoveredNetwork:
        """The integers that such an estimate decodes to, with their names."""
        from agent.training.recovered_network import network_of_campaign

        return network_of_campaign(self._workspace, self._found, experiment)

    def to_csv(self, folder: str | Path) -> dict[str, int]:
        """`stoichloop export --csv`; returns how many lines each table has."""
        from agent.export.tables import write_tables

        return write_tables(self._found, Path(folder))

    def to_mlflow(self, uri: str) -> Tracked:
        """`stoichloop export --mlflow`."""
        from agent.export.mlflow_runs import track

        return track(self._found, uri)

    def to_sbml(self, file: str | Path, experiment: str | None = None) -> None:
        """`stoichloop export --sbml`."""
        from agent.export.sbml_file import write_sbml

        write_sbml(self.network(experiment), Path(file))

    @contextmanager
    def _ledger(self) -> Iterator[Ledger]:
        from memory.ledger import Ledger

        with Ledger(self._found.ledger_path, readonly=True) as ledger:
            yield ledger


def campaign(name: str | None = None) -> Campaign:
    """The campaign of that name, or the one that was written to last."""
    return Campaign(name)
