"""Sibling networks of a campaign: the same setting with other random networks, for trials that only judging uses.

A change that was fitted to one S, by its constants or by trial and error on its score, shows there. No planner gets
a score on a sibling.
"""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile

from agent.base.duration import format_duration
from agent.campaign.campaign_data import keep_data, kept_data, refuse_other_data
from agent.campaign.folder import CampaignFolder
from agent.executor.sandbox.bubblewrap import die_with_parent
from memory.formatting import counted
from simulator.dataset import FrozenData, check, prepare, read_manifest, verify
from simulator.freeze import REFUSED
from simulator.measured_regime import Measured
from simulator.network_settings import Network
from simulator.regime import Regime
from stoichloop.errors import DatasetError, RegimeError

COUNT = 4
# Sibling 1 of a campaign is sibling 1001 of its regime: `stoichloop verify`, `data` and `train` know those up to 999,
# so that no network on which a winner can be verified has had a part in its acceptance.
_FIRST = 1001
_COMMAND = sys.executable, "-m", "simulator.freeze"
_LIMIT_S = 1800  # of processor time: where others keep the processor busy, clock time says nothing about the process
_AGAIN_S = 60.0  # until a second try: memory or a disk may be short for a moment
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
    keeps a copy of what its trials are given, and goes on only with the same. One that cannot be made, or was tried
    twice in vain, is left out for good: half confirmed experiments of a resumed campaign need the same ones.

    Attributes:
        numbers: those that there are, frozen already or not.
    """

    def __init__(self, campaign: CampaignFolder, own: FrozenData, say: Callable[[str], None]) -> None:
        """Check those that the campaign has kept; raises `StoichloopError` if their data are other ones now."""
        self._campaign, self._own, self._root, self._say = campaign, own.regime, own.folder.parent, say
        self._data, self._said = {0: own}, False
        self._freezing: _Freezing | None = None
        self._again = dict[int, float]()  # the time of the second try, by sibling
        all_numbers = range(1, sibling_count(own.regime) + 1)
        self.numbers = tuple(number for number in all_numbers if not self._why_not(number).is_file())
        for number in self.numbers:
            if kept_data(campaign.folder, number).is_dir():
                self._data[number] = self._same(number, prepare(self._regime(number), self._root)[0])

    def freeze(self) -> None:
        """Take those that are frozen, and have the next one frozen; call it again until all are there."""
        if self._freezing is not None:
            if not self._freezing.done():
                return
            ended, self._freezing = self._freezing, None
            with self._second_chance(ended.number):
                ended.check()
        now = time.monotonic()
        for number in self.numbers:
            if number not in self._data and self._again.get(number, now) <= now:
                with self._second_chance(number):
                    self._take(number)

    def has(self, number: int) -> bool:
        """Return whether this sibling can be trained on now; if not, it is being frozen, so ask again until then."""
        if number not in self._data:
            self.freeze()
        return number in self._data

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

    def _take(self, number: int) -> None:
        """Take a sibling if it is frozen, else have it frozen unless another one is."""
        regime = self._regime(number)
        if (self._root / regime.name).is_dir():
            self._data[number] = self._same(number, verify(regime, self._root))
        elif self._freezing is None:
            self._freezing = _Freezing(number, regime, self._root)
            if not self._said:
                self._say(
                    f"freezing siblings of {self._own.name} in the background, on which changes of code are confirmed"
                )
            self._said = True

    @contextmanager
    def _second_chance(self, number: int) -> Iterator[None]:
        """Leave out a sibling that cannot be made; try once more where something else may be to blame."""
        try:
            yield
        except RegimeError as error:
            self._leave_out(number, error)
        except (OSError, DatasetError) as error:
            if number in self._again:
                self._leave_out(number, error)
                return
            self._again[number] = time.monotonic() + _AGAIN_S
            self._say(f"sibling {number} of {self._own.name} is not frozen, and will be tried once more: {error}")

    def _leave_out(self, number: int, error: Exception) -> None:
        """Do without a sibling from now on; say so, and write it down for the next controllers."""
        path = self._why_not(number)
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"{error}\n", encoding="utf-8")
        self.numbers = tuple(other for other in self.numbers if other != number)
        name = self._own.name
        where = f"{name} and {counted(len(self.numbers), 'sibling')} of it" if self.numbers else f"{name} alone"
        self._say(
            f"changes of code are confirmed on {where}, because sibling {number} is not available: {error}; remove "
            f"{path} to have it tried again when the campaign is resumed"
        )

    def _why_not(self, number: int) -> Path:
        """Return the file that says why the campaign does without a sibling."""
        return kept_data(self._campaign.folder, number).with_suffix(".txt")

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
    """A process that freezes the data of one sibling; see `simulator.freeze`. Data are frozen atomically."""

    def __init__(self, number: int, regime: Regime, root: Path) -> None:
        self.number, self._words = number, TemporaryFile()  # noqa: SIM115 - open until the process has ended
        with TemporaryFile() as told:
            told.write(regime.model_dump_json().encode())
            told.seek(0)
            self._process = subprocess.Popen(
                [*_COMMAND, str(root)],
                stdin=told,
                stdout=subprocess.DEVNULL,
                stderr=self._words,
                env=os.environ | _ONE_THREAD,
                process_group=0,  # a signal from our terminal is for us
                preexec_fn=partial(_bound, os.getpid()),  # noqa: PLW1509 - it takes no lock
            )

    def done(self) -> bool:
        """Return whether it has ended."""
        return self._process.poll() is not None

    def check(self) -> None:
        """Raise the error that has ended it, if there is one: `RegimeError` if the data cannot be made."""
        with self._words as file:
            file.seek(0)
            *_, last = ["it printed nothing", *file.read().decode(errors="replace").splitlines()]
        status = self._process.returncode
        if status == REFUSED:
            raise RegimeError(last)
        if status == -signal.SIGXCPU:
            raise DatasetError(f"that took more than {format_duration(_LIMIT_S)} of processor time")
        if status:
            how = f"signal {-status}" if status < 0 else f"exit status {status}"
            raise DatasetError(f"the process ended with {how}: {last}")

    def stop(self) -> None:
        """End it."""
        with self._words, self._process as running:
            running.terminate()


def _bound(parent: int) -> None:
    """Bound the new process, before it freezes anything, to its parent's life and to its time."""
    die_with_parent(parent)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (_LIMIT_S if hard == resource.RLIM_INFINITY else min(_LIMIT_S, hard), hard))
