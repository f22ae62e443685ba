"""The command `stoichloop restore`."""

from __future__ import annotations

from dataclasses import asdict

from agent.cli.options import CampaignName, Json
from agent.cli.output import print_json, say


def restore(campaign: CampaignName = None, as_json: Json = False) -> None:
    """Replace a damaged ledger by its last good copy. The damaged files are kept beside it."""
    from agent.campaign.folder import open_campaign
    from agent.campaign.restore import restore as restore_ledger
    from agent.executor.workspace import current_workspace
    from memory.formatting import counted, moment

    opened = open_campaign(current_workspace(), campaign)
    restored = restore_ledger(opened)
    if as_json:
        print_json({**asdict(restored), "kept": [str(path) for path in restored.kept]})
        return
    held = f"{counted(restored.experiments, 'experiment')} and {counted(restored.trials, 'trial')}"
    say(
        f"{opened.ledger_path}: restored to {held} as of "
        f"{moment(restored.copied_at)}; the damaged files are kept as {', '.join(path.name for path in restored.kept)}"
    )
