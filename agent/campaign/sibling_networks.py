"""Sibling networks of a campaign: the same setting with other random networks, for trials that only judging sees.

A change that was fitted to one S, by its constants or by trial and error on its score, shows there. No planner is told
a score on a sibling.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile

from agent.campaign.campaign_data import keep_data, kept_data, refuse_other_data
from agent.campaign.folder import CampaignFolder
from agent.executor.sandbox.bubblewrap import die_with_parent
from memory.formatting import counted
from simulator.dataset import FrozenData, check, prepare, read_manifest, verify
from simulator.freeze import REFUSED
from simulator.measured_regime import Measured
from simulator.regime import Network, Regime
from stoichloop.errors import RegimeError, StoichloopError

COUNT = 4
# Sibling 1 of a campaign is sibling 1001 of its regime: `stoichloop verify`, `data` and `train` know those up to 999,
# so that no network on which a winner can be verified has had a part in its acceptance.
_FIRST = 1001
# A thread for each core would take turns with the trials, and every library of linear algebra reads its own name.
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def sibling_count(regime: Regime | Measured) -> int:
    """Return how many siblings a campaign on this regime has: none unless its network is drawn.

    A measured network has no truth to score against, and siblings of an imported one have the same S.
    """
    return COUNT if isinstance(regime, Regime) and isinstance(regime.network, Network) else 0


class SiblingNetworks:
    """The siblings of one campaign's regime, by their numbers from 1; 0 is the campaign's own network.

    They are frozen in the background, one after the other, like any data of the workspace. From then on the campaign
    keeps a copy of what its trials are given, and goes on only with the same. `count` falls to 0 once one cannot be
    made.
    """

    def __init__(self, campaign: CampaignFolder, own: FrozenData, say: Callable[[str], None]) -> None:
        """Check those that the campaign has kept; raises `StoichloopError` if their data are other ones now."""
        self.count = sibling_count(own.regime)
        self._campaign, self._own, self._root, self._say = campaign, own.regime, own.folder.parent, say
        self._data, self._said = {0: own}, False
        self._freezing: _Freezing | None = None
        for number in range(1, self.count + 1):
            if kept_data(campaign.folder, number).is_dir():
                self._data[number] = self._same(number, prepare(self._regime(number), self._root)[0])

    def freeze(self) -> None:
        """Take those that are frozen, and have the next one frozen; call it again until all are there."""
        try:
            if self._freezing is not None:
                if not self._freezing.done():
                    return
                ended, self._freezing = self._freezing, None
                ended.check()
            missing = [n for n in range(1, self.count + 1) if n not in self._data and not self._take(n)]
            if missing:
                self._tell(missing)
                self._freezing = _Freezing(self._regime(missing[0]), self._root)
        except RegimeError as error:
            self.count = 0
            self._say(f"changes are confirmed on {self._own.name} alone, for it has no siblings: {error}")

    def has(self, number: int) -> bool:
        """Return whether this sibling can be trained on now; if not, it is being frozen, so ask again until then."""
        if number not in self._data:
            self.freeze()
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
        if self._freezing is not None:
            self._freezing.stop()

    def _take(self, number: int) -> bool:
        """Take a sibling if it is frozen; return whether it is."""
        regime = self._regime(number)
        if not (self._root / regime.name).is_dir():
            return False
        self._data[number] = self._same(number, verify(regime, self._root))
        return True

    def _tell(self, missing: Sequence[int]) -> None:
        """Say once that siblings are being frozen."""
        if not self._said:
            networks = counted(len(missing), "sibling network")
            self._say(f"freezing {networks} of {self._own.name} in the background, to confirm changes of code on")
        self._said = True

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
            self._process = subprocess.Popen(
                [sys.executable, "-m", "simulator.freeze", str(root)],
                stdin=told,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env=os.environ | _ONE_THREAD,
                process_group=0,  # a signal from our terminal is for us
                preexec_fn=partial(die_with_parent, os.getpid()),  # noqa: PLW1509 - it takes no lock
                text=True,
                errors="replace",
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
