"""Cores as cgroups grant them, of both versions, along the hierarchy."""

import os
from pathlib import Path

import pytest

from agent.executor.sandbox.granted import granted_cores

CORES = len(os.sched_getaffinity(0))


@pytest.mark.parametrize(
    ("listing", "files", "cores"),
    [
        ("0::/a/b", {"a/b/cpu.max": "100000 100000"}, 1),
        ("0::/a/b", {"a/cpu.max": "50000 100000", "a/b/cpu.max": "max 100000"}, 1),
        ("0::/a/b", {"a/b/cpu.max": "max 100000"}, CORES),
        ("0::/elsewhere", {"cpu.max": "100000 100000"}, 1),
        ("3:cpu,cpuacct:/a", {"cpu/a/cpu.cfs_quota_us": "50000", "cpu/a/cpu.cfs_period_us": "100000"}, 1),
        ("3:cpu:/a/b", {"cpu/a/cpu.cfs_quota_us": "150000", "cpu/a/cpu.cfs_period_us": "100000"}, 1),
        ("3:cpu:/a", {"cpu/a/cpu.cfs_quota_us": "-1", "cpu/a/cpu.cfs_period_us": "100000"}, CORES),
        ("0::/a", {"a/cpu.max": "99900000 100000"}, CORES),
        ("4:memory:/a", {}, CORES),
    ],
)
def test_cores_are_what_the_lowest_quota_comes_to(
    tmp_path: Path, listing: str, files: dict[str, str], cores: int
) -> None:
    (tmp_path / "listing").write_text(f"{listing}\n")
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"{text}\n")
    for folder in ("a/b", "cpu/a/b"):
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
    assert granted_cores(tmp_path / "listing", tmp_path) == cores


def test_a_machine_without_cgroups_grants_all_its_cores(tmp_path: Path) -> None:
    assert granted_cores(tmp_path / "listing", tmp_path) == CORES
