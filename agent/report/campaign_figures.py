"""The figures of a campaign for Python, drawn from the same data as those of the report."""

from __future__ import annotations

from agent.campaign.folder import CampaignFolder
from agent.report.course import course_panels, paint_course
from agent.report.experiment_row import experiment_rows
from agent.report.fields import influences
from agent.report.importance_figure import paint_importances, panel_rows
from agent.report.notebook_figure import NotebookFigure, figure_of
from agent.report.reconstruction import reconstruction_of
from agent.report.recovered_coefficients import decoded_by_seeds, recovery_of
from agent.report.recovery_figure import paint_recovery
from agent.report.tree_figure import TreeFigure
from agent.report.tree_layout import draw_tree
from memory.leaderboard import incumbent, lineage
from memory.ledger import Ledger
from memory.records import Experiment
from simulator.dataset import FrozenData
from stoichloop.errors import StoichloopError

_PIXELS = 100.0  # of the page, in an inch
_BAR = 0.26  # inches


def course_figure(campaign: CampaignFolder, ledger: Ledger) -> NotebookFigure:
    """Draw the score of each experiment and of the incumbent, a panel for each fidelity."""
    experiments, blocks, settings = ledger.experiments(), ledger.blocks(), campaign.settings
    return figure_of(
        lambda figure: paint_course(figure, experiments, blocks, settings.fidelity, objective=settings.objective),
        8.6,
        4.2 * course_panels(experiments, settings.fidelity),
    )


def tree_figure(ledger: Ledger) -> NotebookFigure:
    """Draw the tree of experiments, a column for each block."""
    experiments = ledger.experiments()
    leader = incumbent(experiments)
    line = [e.id for e in lineage(experiments, leader)] if leader else []
    tree = TreeFigure(draw_tree(experiment_rows(experiments, ledger.blocks()), line), line)
    width, height = tree.size
    return figure_of(tree.paint, width / _PIXELS, height / _PIXELS)


def importances_figure(campaign: CampaignFolder, ledger: Ledger) -> NotebookFigure:
    """Draw the importance of each field, a panel for each state of the code."""
    studies = influences(ledger.experiments())
    height = 0.5 + _BAR * (sum(map(panel_rows, studies)) or 3)
    return figure_of(lambda figure: paint_importances(figure, studies, campaign.settings.objective), 7.2, height)


def recovery_figure(campaign: CampaignFolder, experiment: Experiment, data: FrozenData) -> NotebookFigure:
    """Draw the S that an experiment recovered; raise `StoichloopError` if none of its trials left an estimate."""
    shown = reconstruction_of(campaign, experiment, data)
    if shown is None:
        raise StoichloopError(
            f"no trial of {experiment.id} at {campaign.settings.fidelity} has left an estimate; "
            "choose another experiment"
        )
    recovery = recovery_of(shown, decoded_by_seeds(campaign, experiment, shown))
    return figure_of(lambda figure: paint_recovery(figure, shown, recovery, experiment.id), 9.6, 4.2)
