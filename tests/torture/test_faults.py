"""Faults are injected into nights; each must come to an end like the night to which nothing happened."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import command_line
from tests.torture.campaigns import Course, Night, check_alike, trials_of

pytestmark = pytest.mark.torture

Nights = Callable[..., Night]
InPeace = Callable[..., Course]
Count = Callable[[int, Course], None]

KILLS = 100
SWEEP = ("--planner", "sweep", "--experiments", "4", "--budget", "2h")
MOVES = ("--planner", "moves", "--experiments", "3", "--budget", "2h")


@pytest.mark.parametrize(("asked", "kills"), [(SWEEP, KILLS // 2), (MOVES, KILLS // 2)], ids=["sweep", "moves"])
def test_the_controller_is_killed_at_random_moments(
    night_of: Nights, in_peace: InPeace, count: Count, tmp_path: Path, asked: tuple[str, ...], kills: int
) -> None:
    draw, done, nights = random.Random(0), 0, 0
    while done < kills:
        nights += 1
        seeded = (*asked, "--seed", str(nights))
        night = night_of(*seeded, under=tmp_path / str(nights))
        running = True
        while running and done < kills:
            night.start()
            running = night.kill(after_s=draw.uniform(0.0, 12.0))
            done += running
            assert night.is_quiet()
            night.look()
        if running:
            night.start()
            assert night.end()[0] == 0
        night.check_end(in_peace(*seeded))
        count(0, night.course())
    count(done, {})


def test_trials_are_killed(night_of: Nights, in_peace: InPeace, count: Count) -> None:
    night = night_of(*SWEEP)
    night.start()
    killed: set[str] = set()
    draw = random.Random(1)
    while len(killed) < 5:
        time.sleep(draw.uniform(0.5, 3.0))
        assert night.life is not None
        assert night.life.poll() is None, "the night ended before enough of its trials were killed"
        for words, trial in trials_of(night):
            place = words[words.index("--out") + 1]
            if "." not in Path(place).name and place not in killed:  # a second kill would be a result
                trial.kill()
                killed.add(place)
                break
    status, said = night.end()
    assert status == 0, said
    assert (night.folder / "log.md").read_text().count("it will be tried once more") == len(killed)
    night.check_end(in_peace(*SWEEP))
    count(len(killed), night.course())


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a disk of 2 GiB in memory."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2g", "tmpfs", str(place)], capture_output=True, text=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip(f"no disk can be mounted here: {mounted.stderr.strip()}")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill(disk: Path, leaving: int) -> Path:
    """Write a file that takes all room of a disk but so many bytes."""
    ballast = disk / "ballast"
    with ballast.open("wb") as file:
        try:
            while shutil.disk_usage(disk).free > leaving:
                file.write(b"\0" * min(2**20, shutil.disk_usage(disk).free - leaving))
                file.flush()
        except OSError:
            assert leaving == 0
    return ballast


def test_on_a_disk_with_little_room_trials_wait_until_there_is_more(
    night_of: Nights, in_peace: InPeace, count: Count, small_disk: Path
) -> None:
    night = night_of(*SWEEP, under=small_disk)
    night.start()
    night.wait_until(lambda ledger: ledger.running())
    ballast = fill(small_disk, leaving=2**28)
    time.sleep(10.0)
    before = len([t for e in night.experiments() for t in e.trials])
    time.sleep(5.0)
    assert len([t for e in night.experiments() for t in e.trials]) == before
    ballast.unlink()
    status, said = night.end()
    assert status == 0
    assert "trials wait: only 0.2 GiB are free" in said
    night.check_end(in_peace(*SWEEP))
    count(1, night.course())


@pytest.mark.parametrize("after_trials", [0, 3, 6])
def test_a_disk_that_is_full_costs_nothing_that_was_done(
    night_of: Nights, in_peace: InPeace, count: Count, small_disk: Path, after_trials: int
) -> None:
    night = night_of(*SWEEP, under=small_disk)
    night.start()
    night.wait_until(lambda ledger: sum(len(e.trials) for e in ledger.experiments()) >= after_trials)
    ballast = fill(small_disk, leaving=0)
    try:
        status, said = night.end()
    finally:
        ballast.unlink()
    assert status == 1
    assert "full" in said.splitlines()[-1] or "No space left" in said.splitlines()[-1]
    assert night.is_quiet()
    night.look()
    night.go_on(in_peace(*SWEEP))
    count(1, night.course())


@pytest.mark.parametrize("harm", ["truncate", "overwrite"])
def test_a_damaged_ledger_is_found_out_and_its_copy_goes_on(
    night_of: Nights, in_peace: InPeace, count: Count, harm: str, tmp_path: Path
) -> None:
    night = night_of(*SWEEP)
    night.start()
    night.wait_until(lambda ledger: len(ledger.experiments()) > 1 and ledger.running())
    assert night.kill(after_s=0.5)
    path = night.folder / "memory.db"
    content = bytearray(path.read_bytes())
    path.write_bytes(content[: len(content) // 2] if harm == "truncate" else content[:4096] + b"\x5a" * 40_000)
    (night.folder / "memory.db-wal").unlink(missing_ok=True)
    night.start()
    status, said = night.end()
    assert status == 1
    assert "'stoichloop restore night' goes back to its last good copy" in " ".join(said.split())
    subprocess.run(command_line("restore", "night"), cwd=night.workspace.root, check=True)
    night.go_on(in_peace(*SWEEP))
    assert (night.folder / "broken-memory.db").is_file()
    count(1, night.course())


BACKWARDS = """
import time
real, began = time.time, time.monotonic()
time.time = lambda: real() - (3600.0 if time.monotonic() > began + 8.0 else 0.0)
from agent.cli.main import main
main()
"""


def test_the_clock_is_set_back(night_of: Nights, in_peace: InPeace, count: Count) -> None:
    night = night_of(*SWEEP)
    night.start(BACKWARDS)
    status, said = night.end()
    assert status == 0, said
    night.check_end(in_peace(*SWEEP))
    count(1, night.course())


def test_the_user_works_in_the_clone_meanwhile(night_of: Nights, in_peace: InPeace, count: Count) -> None:
    """Another branch, commits, a locked index, edits, deleted branches and refs of the loop's."""
    night = night_of(*MOVES)
    repo, root = night.workspace.repo, night.workspace.root
    night.start()
    night.wait_until(lambda ledger: ledger.running())
    repo.git.checkout("-b", "mine")
    (root / "notes.txt").write_text("changed\n")
    repo.git.commit("--all", "--message=mine")
    (root / "gnn" / "train.py").write_text("broken = (\n")
    (root / ".git" / "index.lock").touch()
    night.wait_until(lambda ledger: any(e.landed for e in ledger.experiments()))
    for ref in str(repo.git.for_each_ref("--format=%(refname)", "refs/heads/exp")).splitlines():
        repo.git.update_ref("-d", ref)
    status, said = night.end()
    assert status == 0, said
    (root / ".git" / "index.lock").unlink()
    check_alike(night.course(), in_peace(*MOVES))
    assert repo.active_branch.name == "mine"
    assert str(repo.git.status("--porcelain")).split() == ["M", "gnn/train.py"]
    assert (root / "gnn" / "train.py").read_text() == "broken = (\n"
    assert len(str(repo.git.worktree("list")).splitlines()) == 1
    assert night.is_quiet()
    count(5, night.course())


def test_a_second_controller_is_turned_away(night_of: Nights, in_peace: InPeace, count: Count) -> None:
    night = night_of(*SWEEP)
    night.start()
    night.wait_until(lambda ledger: ledger.running())
    second = Night(night.workspace, night.arguments)
    second.start()
    status, said = second.end()
    assert status == 1
    assert "is already run by another controller" in said
    assert night.end()[0] == 0
    night.check_end(in_peace(*SWEEP))
    count(1, night.course())


@pytest.mark.parametrize("file", ["observations.npz", "sealed/truth.npz"])
def test_data_that_go_away_in_mid_campaign_are_missed(
    night_of: Nights, in_peace: InPeace, count: Count, tmp_path: Path, file: str
) -> None:
    night = night_of(*SWEEP)
    night.start()
    night.wait_until(lambda ledger: len(ledger.experiments()) > 1 and ledger.running())
    path = night.workspace.data / "pde_m1_tiny" / file
    path.rename(tmp_path / "gone")
    status, said = night.end()
    assert status == 1
    assert f"{Path(file).name}: the file is missing from the frozen dataset" in " ".join(said.split())
    (tmp_path / "gone").rename(path)
    night.go_on(in_peace(*SWEEP))
    count(1, night.course())


def test_a_planner_that_stalls_for_ever_is_given_up(night_of: Nights, count: Count) -> None:
    program = f"{sys.executable} -c 'import time; time.sleep(10**6)'"
    night = night_of("--planner", "command", "--program", program, "--patience", "3s", "--budget", "40s")
    night.start()
    began = time.monotonic()
    status, said = night.end()
    assert status == 0, said
    assert time.monotonic() - began < 60.0
    assert "stalled: no answer in 3 s" in (night.folder / "log.md").read_text() or "no usable answer" in said
    assert night.is_quiet()
    count(1, night.course())
