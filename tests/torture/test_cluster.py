"""Nights on the workers of a cluster, against the same nights in as many slots of one machine."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import psutil
import pytest

from memory.ledger import Ledger
from memory.records import Experiment, TrialResult
from tests.torture.campaigns import Course, Night

pytestmark = pytest.mark.torture

Nights = Callable[..., Night]
InPeace = Callable[..., Course]
Count = Callable[[int, Course], None]

MOVES = ("--planner", "moves", "--experiments", "3", "--budget", "2h")
SLOTS = ("--workers", "4")


@pytest.fixture
def workers(tmp_path: Path) -> tuple[str, ...]:
    """Four workers of Parsl's on this machine."""
    path = tmp_path / "cluster.yaml"
    path.write_text("scheduler: local\nworkers_per_node: 4\n")
    return "--executor", "parsl", "--cluster", str(path)


def workers_of(night: Night) -> list[psutil.Process]:
    """Return the workers that run a trial now."""
    trials = [p for p in psutil.process_iter(["cmdline"]) if "gnn.train" in (p.info["cmdline"] or ())]
    ours = [p for p in trials if any(str(night.folder) in word for word in p.info["cmdline"])]
    known = {p.pid for p in ours}
    return [parent for p in ours if (parent := p.parent()) is not None and parent.pid not in known]


def trials(experiments: Sequence[Experiment]) -> list[TrialResult]:
    return [trial for e in experiments for trial in e.trials]


def has_more_than(before: int, ledger: Ledger) -> bool:
    return len(trials(ledger.experiments())) > before


def test_a_night_on_four_workers_is_the_night_in_four_slots_though_one_is_killed(
    night_of: Nights, in_peace: InPeace, count: Count, workers: tuple[str, ...]
) -> None:
    night = night_of(*MOVES, place=workers)
    night.start()
    night.wait_until(partial(has_more_than, 1))
    while not (busy := workers_of(night)):
        time.sleep(0.05)
    busy[0].kill()
    status, said = night.end()
    assert status == 0, said
    assert (night.folder / "log.md").read_text().count("lost with its worker") == 1
    night.check_end(in_peace(*MOVES, place=SLOTS))
    count(1, night.course())


def test_a_night_on_workers_goes_on_after_an_interruption_and_after_its_controller_was_killed(
    night_of: Nights, in_peace: InPeace, count: Count, workers: tuple[str, ...]
) -> None:
    night = night_of(*MOVES, place=workers)
    for how in (signal.SIGINT, signal.SIGKILL):
        before = len(trials(night.experiments()))
        night.start()
        night.wait_until(partial(has_more_than, before))
        while not workers_of(night):
            time.sleep(0.05)
        assert night.life is not None
        night.life.send_signal(how)
        said = night.life.communicate(timeout=60.0)[0]
        assert night.life.returncode == (130 if how == signal.SIGINT else -how), said
        deadline = time.monotonic() + 30.0
        while night.processes() and time.monotonic() < deadline:
            time.sleep(0.1)
        assert night.processes() == []
        night.look()
    night.go_on(in_peace(*MOVES, place=SLOTS))
    count(2, night.course())
