"""Process that tells trackers of a campaign while it runs: `python -m agent.export.live_tracking FOLDER TARGET...`.

It reads the ledger, and tells what is new after every trial and verdict. When its standard input ends, the controller
has ended: it tells the rest, and ends too. Its output is a line for each failure. As a process of its own it can
neither hold up the loop nor take it down, whatever a tracker's client does.
"""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Callable
from pathlib import Path

from agent.campaign.folder import CampaignFolder, open_campaign
from agent.executor.workspace import find_workspace
from agent.export.track_targets import tracker_of
from agent.export.tracker import Tracker
from memory.ledger import Ledger
from stoichloop.errors import StoichloopError
from stoichloop.foreign_text import one_line

_LOOK_S = 5.0
_NICE = 10  # trials come first


def main(folder: str, *targets: str) -> None:
    """Tell the trackers until standard input ends."""
    os.nice(_NICE)
    said = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what clients print is for the log file
    campaign = open_campaign(find_workspace(Path(folder)), Path(folder).name)
    trackers = {target: tracker_of(target, campaign) for target in targets}
    seen: tuple[int, int] | None = None
    with Ledger(campaign.ledger_path, readonly=True) as ledger:
        while True:
            over = bool(select.select([sys.stdin], [], [], _LOOK_S)[0])
            now = _state(campaign, ledger)
            if now != seen or over:
                seen = now
                for target, tracker in trackers.items():
                    _tell(target, tracker, ledger, said.write)
            if over:
                return


def _state(campaign: CampaignFolder, ledger: Ledger) -> tuple[int, int]:
    """Return the numbers of finished trials and of verdicts."""
    lines = ledger.outlines(campaign.settings.fidelity)
    return sum(line.trials for line in lines), sum(line.verdict is not None for line in lines)


def _tell(target: str, tracker: Tracker, ledger: Ledger, say: Callable[[str], object]) -> None:
    record = ledger.campaign()
    assert record is not None
    try:
        tracker.tell(record, ledger.experiments())
    except StoichloopError as error:
        say(f"--track {target}: {one_line(str(error))}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
