"""A campaign as an element of HTML, for notebooks: its state, its leaderboard, and what to do next."""

from __future__ import annotations

from agent.campaign.folder import CampaignFolder
from agent.campaign.status import read_status
from agent.report.template_environment import TEMPLATES
from memory.ledger import Ledger


def campaign_card(campaign: CampaignFolder, ledger: Ledger) -> str:
    """Return the element; a notebook gives it its own style."""
    return TEMPLATES.get_template("card.html.j2").render(status=read_status(campaign, ledger))
