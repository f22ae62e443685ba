"""A campaign as Python sees it: what it found, as records, data frames and figures, and what a user does with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.executor.workspace import Workspace, current_workspace
from memory.experiment_id import full_id
from memory.formatting import decimal

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from pandas import DataFrame

    from agent.analyzer.scoring.estimate import Estimate
    from agent.campaign.folder import CampaignFolder
    from agent.campaign.status import Line, Status
    from agent.export.data_frames import TableName
    from agent.export.mlflow_runs import Tracked
    from agent.training.recovered_network import RecoveredNetwork
    from agent.winners.overview import Winners
    from agent.winners.pick import Picked
    from memory.ledger import Ledger
    from memory.records import Experiment, Finding, TrialResult, Verification
    from simulator.dataset import Dataset
    from simulator.measured.measurements import Measurements


class Campaign:
    """A campaign, finished or running. Every call reads the ledger again.

    `campaign["e0015"]` is one experiment, `"e0015" in campaign` tells whether there is one, and a loop over the
    campaign is one over all its experiments. An experiment may be written `e0015`, `"15"` or 15. Where a method takes
    an experiment and gets none, it takes the incumbent. A notebook shows a campaign as its leaderboard.
    """

    def __init__(self, name: str | None = None, workspace: Workspace | None = None) -> None:
        """Open the campaign called `name`, or the one that was written to last, in the current folder's clone."""
        from agent.campaign.folder import open_campaign

        self._workspace = workspace or current_workspace()  # valid when the program changes its current folder
        self._opened: CampaignFolder = open_campaign(self._workspace, name)

    def __repr__(self) -> str:
        status = self.status()
        best = status.incumbent
        led = f"best {best.experiment}, {status.objective} {decimal(best.score)}" if best else "no score yet"
        return f"<Campaign {self.name} on {status.regime}: {led}; {status.state}>"

    def _repr_html_(self) -> str:
        from agent.report.card import campaign_card

        with self._ledger() as ledger:
            return campaign_card(self._opened, ledger)

    def __getitem__(self, experiment: str | int) -> Experiment:
        """Return an experiment with its trials and its verdict; raise `StoichloopError` if there is no such one."""
        from agent.campaign.folder import find_experiment

        with self._ledger() as ledger:
            return find_experiment(self._opened, ledger, full_id(str(experiment)))

    def __iter__(self) -> Iterator[Experiment]:
        return iter(self.experiments())

    def __contains__(self, experiment: object) -> bool:
        return full_id(str(experiment)) in {known.id for known in self.experiments()}

    @property
    def name(self) -> str:
        """The campaign's name."""
        return self._opened.settings.name

    @property
    def folder(self) -> Path:
        """The campaign's folder on disk; `TrialResult.folder` is relative to it."""
        return self._opened.folder

    @property
    def best(self) -> Experiment:
        """The incumbent, the experiment accepted last; raises `StoichloopError` before the baseline is measured."""
        from agent.winners.overview import accepted

        with self._ledger() as ledger:
            return accepted(ledger, None)

    @property
    def best_score(self) -> float:
        """The incumbent's mean score over its seeds at the campaign's fidelity, from 0 to 1."""
        scores = self.best.scores(self._opened.settings.fidelity).values()
        return sum(scores) / len(scores)

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

    def frame(self, table: TableName = "experiments") -> DataFrame:
        """Return `experiments`, `trials` or `findings` as a data frame; raise `StoichloopError` without pandas.

        Columns are those of `to_csv`. Times are UTC timestamps, each score of a trial is a column, and each field of a
        configuration is a column `configuration_NAME`. Experiments and trials are indexed by their ids.
        """
        from agent.export.data_frames import read_frame

        return read_frame(self._opened, table)

    def diff(self, experiment: str | int | None = None) -> str:
        """Return the change of an experiment as a unified diff; empty for the baseline."""
        from agent.screen.experiment_view import diff

        return diff(self._workspace, self._experiment(experiment))

    def estimate(self, experiment: str | int | None = None) -> Estimate:
        """Return the real-valued coefficients, rate constants and functions of an experiment.

        They come from its representative trial: among the completed trials at its highest fidelity, the one whose
        score is nearest to their mean.
        """
        from agent.training.recovered_network import estimate_of

        return estimate_of(self._workspace, self._opened, _id(experiment))

    def network(self, experiment: str | int | None = None) -> RecoveredNetwork:
        """Return the named integer network that this estimate decodes to."""
        from agent.training.recovered_network import network_of_campaign

        return network_of_campaign(self._workspace, self._opened, _id(experiment))

    def plot_course(self) -> Figure:
        """Draw the score of each experiment and of the incumbent, a panel for each fidelity."""
        from agent.report.campaign_figures import course_figure

        with self._ledger() as ledger:
            return course_figure(self._opened, ledger)

    def plot_tree(self) -> Figure:
        """Draw the experiments by block, with score and gain over the parent; thick lines lead to the incumbent."""
        from agent.report.campaign_figures import tree_figure

        with self._ledger() as ledger:
            return tree_figure(ledger)

    def plot_importances(self) -> Figure:
        """Draw the importance of each field for the score, with its uncertainty, for each state of the code."""
        from agent.report.campaign_figures import importances_figure

        with self._ledger() as ledger:
            return importances_figure(self._opened, ledger)

    def plot_recovery(self, experiment: str | int | None = None) -> Figure:
        """Draw the S that an experiment recovered, and the confusion of its integers where the truth is known.

        Raises `StoichloopError` if none of its trials at the campaign's fidelity left an estimate.
        """
        from agent.report.campaign_figures import recovery_figure

        return recovery_figure(self._opened, self._experiment(experiment), self._data())

    def report(self) -> Path:
        """Write the report into the campaign's folder, one HTML file, and return its path."""
        from agent.report.page import Report

        return Report(self._workspace, self._opened, self._data()).write()

    def winners(self, experiment: str | int | None = None) -> Winners:
        """Return the accepted experiments with their evidence, those behind the incumbent, or `experiment`, first."""
        from agent.winners.overview import accepted, read_winners

        with self._ledger() as ledger:
            leader = accepted(ledger, _id(experiment))
            return read_winners(self._workspace, self._opened, ledger, leader)

    def ablate(self, experiment: str | int | None = None, *, seeds: int = 2, contained: bool = True) -> Winners:
        """Measure the worth of each change behind an accepted experiment by training without it; return `winners`.

        Each is trained on `seeds` fresh seeds, two at least. `contained=False` runs the code without a sandbox.
        """
        from agent.base.console import Console
        from agent.winners.retraining import ablate_changes

        workspace, quiet = replace(self._workspace, contained=contained), Console(stderr=True, quiet=True)
        ablate_changes(workspace, self._opened, _id(experiment), seeds, console=quiet, check=lambda: None)
        return self.winners(experiment)

    def verify(
        self,
        experiment: str | int | None = None,
        *,
        siblings: int = 3,
        seed: int = 0,
        fidelity: str | None = None,
        force: bool = False,
        contained: bool = True,
    ) -> Verification:
        """Retrain an accepted experiment and its base commit on sibling networks that it has never seen.

        Args:
            experiment: id of the experiment, None for the incumbent.
            siblings: number of sibling networks, 1 to 999; each is trained on twice.
            seed: random seed of the trainings.
            fidelity: training length: probe (1/8), half or full; None for the campaign's.
            force: take the experiment even if it was not accepted.
            contained: False runs the code without a sandbox.
        """
        from agent.base.console import Console
        from agent.winners.local_campaign import chosen_chain
        from agent.winners.retraining import verify_on_siblings
        from agent.winners.verify import fidelity_of

        workspace, quiet = replace(self._workspace, contained=contained), Console(stderr=True, quiet=True)
        chain = chosen_chain(workspace, self._experiment(experiment).id, self.name, force=force)
        length = fidelity_of(chain, fidelity)
        return verify_on_siblings(
            workspace, chain, siblings, seed=seed, fidelity=length, console=quiet, check=lambda: None
        )

    def pick(
        self,
        experiment: str | int | None = None,
        *,
        everything: bool = False,
        force: bool = False,
        contained: bool = True,
    ) -> Picked:
        """Cherry-pick an accepted experiment's commits onto the current branch of the clone.

        The result tells the command that undoes it. Raises `StoichloopError`, with nothing changed, if a commit does
        not fit.

        Args:
            experiment: id of the experiment, None for the incumbent.
            everything: also pick the changes that an ablation did not show to matter.
            force: take the experiment even if it was not accepted.
            contained: False runs the code without a sandbox.
        """
        from agent.winners.local_campaign import chosen_chain, idle_changes
        from agent.winners.pick import pick

        workspace = replace(self._workspace, contained=contained)
        chain = chosen_chain(workspace, self._experiment(experiment).id, self.name, force=force)
        return pick(workspace, chain, [] if everything else idle_changes(workspace, chain))

    def idea(self, words: str, changes: Mapping[str, Any] | None = None, *, patch: str = "") -> str:
        """Queue an idea of yours, and return in a sentence what becomes of it.

        With `changes` of configuration fields, or a `patch`, a unified diff of `gnn/`, it is the next experiment;
        without either, language models are told. Raises `StoichloopError` for an idea that cannot be tried.
        """
        from agent.campaign.intervene import intervene

        done = intervene(self._workspace, self._opened, "idea", words=words, changes=changes, patch=patch)
        return done.words

    def to_csv(self, folder: str | Path) -> dict[str, int]:
        """Write the tables of `stoichloop export --csv`; return the number of rows in each."""
        from agent.export.tables import write_tables

        return write_tables(self._opened, Path(folder))

    def to_mlflow(self, uri: str) -> Tracked:
        """Send trials to MLflow like `stoichloop export --mlflow`; return what was added."""
        from agent.export.mlflow_runs import track

        return track(self._opened, uri)

    def to_wandb(self, project: str) -> Tracked:
        """Send experiments to Weights & Biases like `stoichloop export --wandb`; return what was added."""
        from agent.export.wandb_runs import track_wandb

        return track_wandb(self._opened, project)

    def to_sbml(self, file: str | Path, experiment: str | int | None = None) -> None:
        """Write the network as SBML like `stoichloop export --sbml`."""
        from agent.export.sbml_file import write_sbml

        write_sbml(self.network(experiment), Path(file))

    def _experiment(self, experiment: str | int | None) -> Experiment:
        return self.best if experiment is None else self[experiment]

    def _data(self) -> Dataset | Measurements:
        from agent.training.datasets import dataset_of

        return dataset_of(self._opened.settings.regime, quiet=True, root=self._workspace.data)[0]

    @contextmanager
    def _ledger(self) -> Iterator[Ledger]:
        from memory.ledger import Ledger

        with Ledger(self._opened.ledger_path, readonly=True) as ledger:
            yield ledger


def _id(experiment: str | int | None) -> str | None:
    return None if experiment is None else full_id(str(experiment))
