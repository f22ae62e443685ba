"""The report page: reads a campaign once and fills the template."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from markupsafe import Markup

from agent.campaign.campaign_state import read_state
from agent.campaign.folder import CampaignFolder
from agent.campaign.status import read_status
from agent.executor.workspace import Workspace
from agent.report.course import draw_course
from agent.report.course_points import course_points
from agent.report.experiment_networks import ExperimentNetwork, network_of_row, pack_networks
from agent.report.experiment_row import ExperimentRow, experiment_rows
from agent.report.failures import failures
from agent.report.field_plots import FieldSlice, ParallelPlot, parallel_plot, slices_of
from agent.report.fields import Influence, influences
from agent.report.main_answers import answers_of, badge
from agent.report.packed_sheets import PLAIN, pack_sheets
from agent.report.panels import Panel, panels_of
from agent.report.reconstruction import Reconstruction, reconstruction_of
from agent.report.recovered_coefficients import Recovery, decoded_by_seeds, recovery_of
from agent.report.s_matrix import DrawnMatrix, draw_matrices
from agent.report.sheet import sheet_of
from agent.report.spend import spend_of
from agent.report.template_environment import TEMPLATES
from agent.report.theme import inline
from agent.report.tree_layout import draw_tree
from agent.winners.overview import read_winners
from memory.leaderboard import incumbent, lineage
from memory.ledger import Ledger
from memory.records import Experiment
from memory.render import write_atomically
from simulator.dataset import Dataset, FrozenData
from stoichloop.errors import StoichloopError

_GROWN = 1.02  # growth of the number of scored experiments after which importances are computed again


@dataclass(frozen=True)
class FieldStudy:
    """Importances on one state of the code, drawn; without drawings if all scores are equal."""

    influence: Influence
    slices: list[FieldSlice]
    parallel: ParallelPlot | None


@dataclass(frozen=True)
class RecoveredFigures:
    """The recovered network, drawn once per trial and set of seeds."""

    recovery: Recovery
    matrices: list[DrawnMatrix]
    panels: list[Panel]


@dataclass
class Report:
    """Renders a campaign repeatedly; caches the figures of a trial and the pages of unchanged experiments."""

    workspace: Workspace
    campaign: CampaignFolder
    data: FrozenData
    _recovered: tuple[object, RecoveredFigures | None] = field(default=(None, None), init=False)
    _studies: tuple[int, list[FieldStudy]] = field(default=(0, []), init=False)
    _sheets: dict[str, tuple[tuple[object, ...], Markup]] = field(default_factory=dict, init=False)
    _networks: dict[str, tuple[object, ExperimentNetwork | None]] = field(default_factory=dict, init=False)

    def write(self) -> Path:
        """Write the page into the campaign's folder and return its path; raise `StoichloopError` if that fails."""
        path = self.campaign.report_path
        with Ledger(self.campaign.ledger_path, readonly=True) as ledger:
            try:
                drawn = self.html(ledger)
            except (ValueError, ArithmeticError, LookupError, TypeError) as error:
                fault = f"{type(error).__name__}: {error}"
                raise StoichloopError(f"{path}: the report cannot be drawn: {fault}") from error
        write_atomically(path, drawn)
        return path

    def html(
        self, ledger: Ledger, *, follow: float | None = None, campaigns: Mapping[str, str] = MappingProxyType({})
    ) -> str:
        """Return the whole page. With `follow`, the time of rendering, the page polls its server for changes.

        `campaigns` has the addresses of the pages of all campaigns at that server, by name.
        """
        settings, experiments = self.campaign.settings, ledger.experiments()
        blocks, leader = ledger.blocks(), incumbent(experiments)
        rows, by_name = experiment_rows(experiments, blocks), {e.id: e for e in experiments}
        status, spend = read_status(self.campaign, ledger), spend_of(ledger, experiments)
        winners = read_winners(self.workspace, self.campaign, ledger, leader) if leader else None
        reconstruction = reconstruction_of(self.campaign, leader, self.data) if leader else None
        networks = {row.experiment.id: found for row in rows if (found := self._network(row))}
        packed_networks = pack_networks(rows, networks)
        return TEMPLATES.get_template("page.html.j2").render(
            follow=follow,
            campaigns=campaigns,
            at=time.time(),
            settings=settings,
            regime=self.data.regime,
            brief=self.campaign.brief(),
            status=status,
            badge=badge(read_state(self.campaign, ledger, ledger.outlines(settings.fidelity))),
            winners=winners,
            summary=answers_of(winners, experiments[0], leader, status, spend) if winners and leader else None,
            leader=leader,
            spend=spend,
            course=inline(
                draw_course(
                    experiments, blocks, settings.fidelity, objective=settings.objective, width=8.6, height=4.6
                ),
                "course",
                "Score of every experiment and of the incumbent, and where the loop changed from sweeps to code.",
            ),
            points=course_points(settings.name, rows, settings.fidelity, settings.objective),
            tree=draw_tree(rows, [e.id for e in lineage(experiments, leader)] if leader else ()),
            blocks=blocks,
            events=ledger.events(),
            findings=ledger.current_findings(),
            studies=self._field_studies(experiments),
            reconstruction=reconstruction,
            known=isinstance(self.data, Dataset),
            recovered=self._figures(leader, reconstruction),
            rows=rows,
            names=by_name.keys(),
            sheets=pack_sheets(
                [(row.experiment, self._sheet(row, rows, by_name)) for row in rows], PLAIN - len(packed_networks)
            ),
            networks=packed_networks,
            failures=failures(experiments),
        )

    def _sheet(self, row: ExperimentRow, rows: Sequence[ExperimentRow], by_name: dict[str, Experiment]) -> Markup:
        """Return an experiment's page, rendered again only if the experiment or its neighbours have changed."""
        e = row.experiment
        before = rows[row.number - 2].experiment.id if row.number > 1 else None
        after = rows[row.number].experiment.id if row.number < len(rows) else None
        known = self._sheets.get(e.id)
        if known is None or known[0] != (e, after):
            text = TEMPLATES.get_template("sheet.html.j2").render(
                sheet=sheet_of(self.campaign, e),
                row=row,
                parent=by_name.get(e.parent or ""),
                before=before,
                after=after,
                network=self._network(row),
                campaign=self.campaign.settings.name,
                objective=self.campaign.settings.objective,
            )
            known = self._sheets[e.id] = ((e, after), Markup(text))
        return known[1]

    def _network(self, row: ExperimentRow) -> ExperimentNetwork | None:
        """Return what an experiment recovered, decoded again only after further trials."""
        e = row.experiment
        if (known := self._networks.get(e.id)) is None or known[0] != e.trials:
            known = self._networks[e.id] = (e.trials, network_of_row(self.campaign, row, self.data))
        return known[1]

    def _figures(self, leader: Experiment | None, reconstruction: Reconstruction | None) -> RecoveredFigures | None:
        """Return the drawings of the recovered network."""
        if reconstruction is None or leader is None:
            return None
        drawn_from = (reconstruction.trial.trial, leader.trials)
        if self._recovered[0] != drawn_from:
            recovery = recovery_of(reconstruction, decoded_by_seeds(self.campaign, leader, reconstruction))
            figures = RecoveredFigures(recovery, draw_matrices(reconstruction), panels_of(reconstruction))
            self._recovered = (drawn_from, figures)
        return self._recovered[1]

    def _field_studies(self, experiments: Sequence[Experiment]) -> list[FieldStudy]:
        """Return each field's importance and drawings, computed again when enough experiments were added."""
        scored = sum(1 for e in experiments if e.trials)
        if scored > _GROWN * self._studies[0]:
            self._studies = (scored, [_studied(each) for each in influences(experiments)])
        return self._studies[1]


def _studied(influence: Influence) -> FieldStudy:
    if not influence.importance:
        return FieldStudy(influence, [], None)
    return FieldStudy(influence, slices_of(influence), parallel_plot(influence))
