"""The command `stoichloop show`."""

from __future__ import annotations

from agent.cli.options import CampaignOption, ExperimentName, Json
from agent.cli.output import print_json


def show(experiment: ExperimentName, campaign: CampaignOption = None, as_json: Json = False) -> None:
    """Show one experiment: hypothesis, diff, trials, verdict and plots."""
    from agent.base.console import Console
    from agent.campaign.folder import find_experiment, open_campaign
    from agent.executor.workspace import current_workspace
    from agent.screen.experiment_view import experiment_view, facts
    from memory.ledger import Ledger

    workspace = current_workspace()
    opened = open_campaign(workspace, campaign)
    with Ledger(opened.ledger_path, readonly=True) as ledger:
        record = find_experiment(opened, ledger, experiment)
        parent = ledger.experiment(record.parent) if record.parent else None
    if as_json:
        print_json(facts(workspace, record))
    else:
        Console().print(experiment_view(workspace, opened, record, parent), crop=False)
