"""The number of trials that a budget buys, printed before a campaign starts or continues."""

from __future__ import annotations

from contextlib import suppress

from agent.base.duration import format_duration
from agent.campaign.budget import Budget, experiments_done, usual_s
from agent.campaign.folder import CampaignFolder, open_campaign
from agent.executor.trial import LOWEST
from agent.executor.workspace import Workspace
from memory.formatting import counted
from memory.ledger import Ledger
from stoichloop.errors import StoichloopError


def forecast(workspace: Workspace, campaign: CampaignFolder, ledger: Ledger, budget: Budget, slots: int) -> str:
    """Return a sentence on the rest of a budget: time, trials, experiments.

    A `PayingPlanner` has one on tokens and dollars. Trials are counted at the lowest fidelity, in the time of former
    trials on the same data.
    """
    experiments, left_s = ledger.experiments(), budget.left_s()
    parts = [f"{format_duration(left_s)} on {counted(slots, 'slot')}"]
    each_s, source = usual_s(experiments, LOWEST), "this campaign"
    if each_s is None:
        each_s, source = _of_another(workspace, campaign)
    if each_s is None:
        parts.append("the number of trials will be known once the baseline has run")
    else:
        count = max(1, round(slots * left_s / each_s))
        trials = "1 trial" if count == 1 else f"{count:,} trials"
        parts.append(f"about {trials} at {LOWEST}, which took {each_s:.1f} s each in {source}")
    if (granted := budget.grant.experiments) is not None:
        parts.append(f"at most {counted(max(0, granted - experiments_done(experiments)), 'experiment')}")
    return f"the budget buys {'; '.join(parts)}"


def _of_another(workspace: Workspace, campaign: CampaignFolder) -> tuple[float | None, str]:
    """Return the usual time of a trial in another campaign on the same data, and that campaign's name."""
    for name in workspace.campaign_names:
        with suppress(StoichloopError):  # one that cannot be read
            other = open_campaign(workspace, name)
            if other.settings.dataset == campaign.settings.dataset and other.folder != campaign.folder:
                with Ledger(other.ledger_path, readonly=True) as ledger:
                    if (each_s := usual_s(ledger.experiments(), LOWEST)) is not None:
                        return each_s, f"campaign {other.settings.name}"
    return None, ""
