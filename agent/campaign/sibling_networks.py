"""Sibling networks of a campaign: the same setting with other random networks, for trials that only judging sees.

A change that was fitted to one S, by its constants or by trial and error on its score, shows there. No planner is told
a score on a sibling.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryFile

from agent.campaign.campaign_data import keep_data, kept_data, refuse_other_data
from agent.campaign.folder import CampaignFolder
from simulator.dataset import FrozenData, check, prepare, read_manifest, verify
from simulator.freeze import REFUSED
from simulator.measured_regime import Measured
from simulator.regime import Network, Regime
from stoichloop.errors import RegimeError, StoichloopError

COUNT = 4
# Sibling 1 of a campaign is sibling 1001 of its regime: `stoichloop verify`, `data` and `train` know those up to 999,
# so that no network on which a winner can be verified has had a part in its acceptance.
_FIRST = 1001


def sibling_count(regime: Regime | Measured) -> int:
    """Return how many siblings a campaign on this regime has: none unless its network is drawn.

    A measured network has no truth to score against, and siblings of an imported one have the same S.
    """
    return COUNT if isinstance(regime, Regime) and isinstance(regime.network, Network) else 0


class SiblingNetworks:
    """The siblings of one campaign's regime, by their numbers from 1; 0 is the campaign's own network.

    One is frozen when it is first wanted, like any data of the workspace. From then on the campaign keeps a copy of
    what its trials are given, and goes on only with the same. `count` falls to 0 once one cannot be made.
    """

    def __init__(self, campaign: CampaignFolder, own: FrozenData, say: Callable[[str], None]) -> None:
        """Check those that the campaign has used; raises `StoichloopError` if their data are other ones now."""
        self.count = sibling_count(own.regime)
        self._campaign, self._own, self._root, self._say = campaign, own.regime, own.folder.parent, say
        self._data, self._freezing = {0: own}, dict[int, _Freezing]()
        for number in range(1, self.count + 1):
            if kept_data(campaign.folder, number).is_dir():
                self._data[number] = self._same(number, prepare(self._regime(number), self._root)[0])

    def has(self, number: int) -> bool:
        """Return whether this sibling can be trained on now.

        If it is wanted for the first time, a process freezes it, for half a minute or so; ask again until then.
        """
        if number not in self._data and self.count:
            self._look_for(number)
        return number in self._data and (number == 0 or self.count > 0)

    def checked(self, number: int) -> FrozenData:
        """Return the data of a sibling that there is; raise `DatasetError` if they are not as they were frozen."""
        data = self._data[number]
        check(data.regime, data.folder.parent)
        return data

    def observations(self, number: int) -> Path:
        """Return the data file that a trial on this sibling reads."""
        return self._data[number].observations_path

    def stop(self) -> None:
        """End what is being frozen."""
        for freezing in self._freezing.values():
            freezing.stop()

    def _look_for(self, number: int) -> None:
        """Take a sibling that is frozen, or see to it that it will be, one at a time."""
        regime, freezing = self._regime(number), self._freezing.get(number)
        try:
            if freezing is not None:
                if not freezing.done():
                    return
                freezing.check()
            if (self._root / regime.name).is_dir():
                self._data[number] = self._same(number, verify(regime, self._root))
            elif all(other.done() for other in self._freezing.values()):
                self._say(f"freezing sibling {number} of {self._own.name}, to confirm changes of code on")
                self._freezing[number] = _Freezing(regime, self._root)
        except RegimeError as error:
            self.count = 0
            self._say(f"changes are confirmed on {self._own.name} alone, for it has no siblings: {error}")

    def _regime(self, number: int) -> Regime:
        sibling = self._own.sibling(_FIRST + number - 1)
        assert isinstance(sibling, Regime)
        return sibling

    def _same(self, number: int, data: FrozenData) -> FrozenData:
        """Return the data of a sibling, of which the campaign keeps a copy; raise `StoichloopError` for other ones."""
        folder = self._campaign.folder
        if (kept := kept_data(folder, number)).is_dir():
            before = read_manifest(kept, f"restore it, or remove {kept}", partial=True)
            refuse_other_data(folder, before.fingerprint(), data, number)
        else:
            keep_data(data, folder, number)
        return data


class _Freezing:
    """A process that freezes the data of one regime; see `simulator.freeze`. Data are frozen atomically."""

    def __init__(self, regime: Regime, root: Path) -> None:
        with TemporaryFile() as told:
            told.write(regime.model_dump_json().encode())
            told.seek(0)
            command = [sys.executable, "-m", "simulator.freeze", str(root)]
            self._process = subprocess.Popen(
                command, stdin=told, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace"
            )

    def done(self) -> bool:
        """Return whether it has ended."""
        return self._process.poll() is not None

    def check(self) -> None:
        """Raise the error that has ended it, if there is one: `RegimeError` if the data cannot be made."""
        with self._process as ended:
            words = ended.stderr.read() if ended.stderr else ""
        if ended.returncode:
            *_, last = ["it printed nothing", *words.splitlines()]
            raise (RegimeError if ended.returncode == REFUSED else StoichloopError)(last)

    def stop(self) -> None:
        """End it."""
        with self._process as running:
            running.terminate()
