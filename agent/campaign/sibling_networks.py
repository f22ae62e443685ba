"""Sibling networks of a campaign: the same setting with other random networks, for trials that only judging sees.

A change that was fitted to one S, by its constants or by trial and error on its score, shows there. No planner is told
a score on a sibling.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from agent.campaign.campaign_data import keep_data, refuse_other_data
from agent.campaign.folder import CampaignFolder
from simulator.dataset import FrozenData, check, prepare, read_manifest
from simulator.measured_regime import Measured
from simulator.regime import Network, Regime
from stoichloop.errors import RegimeError

COUNT = 4
# Sibling 1 of a campaign is sibling 1001 of its regime: `stoichloop verify`, `data` and `train` know those up to 999, so
# that no network on which a winner can be verified has had a part in its acceptance.
_FIRST = 1001


def sibling_count(regime: Regime | Measured) -> int:
    """Return how many siblings a campaign on this regime has: none unless its network is drawn.

    A measured network has no truth to score against, and siblings of an imported one have the same S.
    """
    return COUNT if isinstance(regime, Regime) and isinstance(regime.network, Network) else 0


class SiblingNetworks:
    """The siblings of one campaign's regime, by their numbers from 1.

    One is frozen when it is first wanted, like any data of the workspace. From then on the campaign keeps a copy of what
    its trials are given, and goes on only with the same. `count` falls to 0 once one cannot be made.
    """

    def __init__(self, campaign: CampaignFolder, own: FrozenData, say: Callable[[str], None]) -> None:
        """Check those that the campaign has used; raises `StoichloopError` if their data are other ones now."""
        self.count = sibling_count(own.regime)
        self._campaign, self._regime, self._root, self._say = campaign, own.regime, own.folder.parent, say
        self._data = {0: own}
        for number in range(1, self.count + 1):
            if self._kept(number).is_dir():
                self._data[number] = self._frozen(number)

    def has(self, number: int) -> bool:
        """Return whether this sibling can be trained on, 0 being the campaign's own network; freeze it if it is new."""
        if number not in self._data and self.count:
            self._say(f"freezing sibling {number} of {self._regime.name}, for confirmations")
            try:
                self._data[number] = self._frozen(number)
            except RegimeError as error:
                self.count = 0
                self._say(f"changes are confirmed on {self._regime.name} alone, for it has no siblings: {error}")
        return number in self._data and (number == 0 or self.count > 0)

    def checked(self, number: int) -> FrozenData:
        """Return the data of a sibling that there is; raise `DatasetError` if they are not as they were frozen."""
        data = self._data[number]
        check(data.regime, data.folder.parent)
        return data

    def observations(self, number: int) -> Path:
        """Return the data file that a trial on this sibling reads, 0 being the campaign's own network."""
        return self._data[number].observations_path

    def _kept(self, number: int) -> Path:
        return self._campaign.data / f"sibling{number}"

    def _frozen(self, number: int) -> FrozenData:
        regime = self._regime.sibling(_FIRST + number - 1)
        assert isinstance(regime, Regime)
        data, kept = prepare(regime, self._root)[0], self._kept(number)
        if kept.is_dir():
            before = read_manifest(kept, f"restore it, or remove {kept}", partial=True)
            refuse_other_data(self._campaign.folder.name, kept, before.fingerprint(), data)
            return data
        draft = kept.with_name(f".{kept.name}")
        shutil.rmtree(draft, ignore_errors=True)  # of a process that was killed
        keep_data(data, draft)
        draft.rename(kept)
        return data
