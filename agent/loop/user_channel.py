"""The channel between the user and a controller: interventions come in, notifications and news for trackers go out."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from agent.campaign.folder import CampaignFolder
from agent.campaign.inbox import Inbox
from agent.campaign.steering import Steering, read_steering
from agent.loop.notifier import Notifier, Occasion
from agent.loop.tracking_process import TrackingProcess
from memory.ending import Ending
from memory.formatting import moment
from memory.ledger import Ledger
from memory.records import Experiment, Verdict

STUCK_AFTER = 3  # pauses in a row without a usable answer


class UserChannel:
    """The interventions that a controller takes up, and the notifications that it sends.

    `command` gets the notifications, and the trackers `track` are told of the campaign.
    """

    def __init__(
        self,
        campaign: CampaignFolder,
        ledger: Ledger,
        note: Callable[[str], None],
        command: str | None,
        track: Sequence[str] = (),
    ) -> None:
        self._campaign, self._ledger, self._note = campaign, ledger, note
        self._inbox, self._notifier = Inbox(campaign.inbox_path), Notifier(command, note)
        self._tracking = TrackingProcess(campaign, track, note)
        self._stuck = set[str]()

    @property
    def has_mail(self) -> bool:
        """Return whether an intervention waits to be taken up."""
        return bool(self._inbox.waiting())

    def steering(self, experiments: Sequence[Experiment]) -> Steering:
        """Return what the user asks for now."""
        return read_steering(self._ledger.interventions(), experiments)

    def take_up(self) -> None:
        """Move what has come in into the ledger."""
        self._inbox.take_up(self._ledger, self._note)

    def poll(self) -> None:
        """Look after notifications that are under way, and after the trackers."""
        self._notifier.poll()
        self._tracking.poll()

    def tell_verdict(self, experiment: Experiment, verdict: Verdict) -> None:
        """Notify the user of an acceptance; of no other verdict, and not of the baseline's."""
        if verdict.verdict == "accepted" and experiment.parent is not None:
            facts = {"experiment": experiment.id, "title": experiment.headline, "author": experiment.author or None}
            self._tell("accepted", f"{experiment.id} is accepted: {verdict.reason}", **facts)

    def tell_stuck(self, why: str) -> None:
        """Notify the user that the campaign does not get on, once for each reason."""
        if why and why not in self._stuck:
            self._stuck.add(why)
            self._tell("stuck", f"stuck: {why}")

    def close(self, ending: Ending) -> None:
        """Notify the user of the end, and wait for what is under way."""
        self._tell("ended", str(ending), kind=ending.kind)
        self._tracking.close()
        self._notifier.close()

    def _tell(self, occasion: Occasion, message: str, **facts: str | None) -> None:
        name = self._campaign.settings.name
        said = {"campaign": name, "at": moment(time.time()), "message": f"{name}: {message}", **facts}
        self._notifier.tell(occasion, said)
