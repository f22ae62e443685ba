"""Live status view in a terminal, for `explore` and `status --watch`; plain lines when output is not a terminal."""

from __future__ import annotations

import time
from types import TracebackType

from rich.live import Live
from rich.text import Text

from agent.base.best_effort import BestEffort
from agent.base.console import Console
from agent.base.interruption import Interruption
from agent.campaign.folder import CampaignFolder
from agent.campaign.status import read_status
from agent.screen.status_view import status_view
from memory.ledger import Ledger
from stoichloop.errors import StoichloopError

_EVERY_S, _SHARE = 1.0, 0.03  # between two drawings of the live view, and the share of time that they may take


class LiveView:
    """The controller's screen. Single-threaded: the executor calls `tick` while it waits."""

    def __init__(self, console: Console, campaign: CampaignFolder, ledger: Ledger) -> None:
        self._console, self._campaign, self._ledger = console, campaign, ledger
        self._live = Live(console=console, auto_refresh=False, transient=True) if console.is_terminal else None
        self._effort, self._due = BestEffort(self.say), 0.0

    def __enter__(self) -> LiveView:
        if self._live:
            self._live.start()
            self.tick()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()

    def tick(self) -> None:
        """Draw again if it is time: trials need the cores more than the screen does."""
        begun = time.monotonic()
        if self._live and begun > self._due:
            self._effort.attempt("the live view", self._draw, None)
            self._due = begun + max(_EVERY_S, (time.monotonic() - begun) / _SHARE)

    def _draw(self) -> None:
        assert self._live is not None
        status = read_status(self._campaign, self._ledger)
        self._live.update(status_view(status, self._console.height - 1), refresh=True)

    def say(self, message: str, *, quiet: bool = False) -> None:
        """Print one line that stays. `quiet` lines are omitted where the live view shows the same."""
        if not (quiet and self._live):
            clock = time.strftime("%H:%M:%S")
            self._console.print(Text(f"{clock} {message}"), soft_wrap=True)


def watch(console: Console, campaign: CampaignFolder, ledger: Ledger) -> None:
    """Show the status full-screen, drawn again every second, until Ctrl-C."""
    if not console.is_terminal:
        raise StoichloopError("--watch needs a terminal; use --json for a file or a program")
    with Interruption() as interruption, Live(console=console, auto_refresh=False, screen=True) as live:
        try:
            while True:
                live.update(status_view(read_status(campaign, ledger), console.height), refresh=True)
                time.sleep(_EVERY_S)
                interruption.check()
        except KeyboardInterrupt:
            return
