"""Memory and cores that this process may use: those of the machine, or fewer where a scheduler or container says so."""

from __future__ import annotations

import os
from pathlib import Path

import psutil

_LISTING, _MOUNTED = Path("/proc/self/cgroup"), Path("/sys/fs/cgroup")


def granted_memory() -> int:
    """Return the bytes of memory of this machine, or the lowest limit of the cgroups of this process."""
    limits = [_text(folder / name) for folder in cgroup_folders("memory") for name in _MEMORY_LIMITS]
    return min([psutil.virtual_memory().total, *(int(limit) for limit in limits if limit.isdigit())])


def granted_cores(listing: Path = _LISTING, mounted: Path = _MOUNTED) -> int:
    """Return the number of cores of this process, or what the lowest quota of its cgroups comes to, at least 1."""
    quotas = [_quota(folder) for folder in cgroup_folders("cpu", listing, mounted)]
    return max(1, int(min([len(os.sched_getaffinity(0)), *(quota for quota in quotas if quota is not None)])))


def cgroup_folders(kind: str, listing: Path = _LISTING, mounted: Path = _MOUNTED) -> list[Path]:
    """Return the cgroups that limit this process in `kind`, memory or cpu: of each hierarchy the nearest first."""
    found: list[Path] = []
    for line in _text(listing).splitlines():
        _, kinds, place = line.split(":", 2)
        if kinds and kind not in kinds.split(","):
            continue
        root = mounted / kind if kinds else mounted  # version 1 has a hierarchy for each kind, version 2 one for all
        nearest = root / place.lstrip("/")
        found += [folder for folder in (nearest, *nearest.parents) if folder.is_relative_to(root) and folder.is_dir()]
    return found


_MEMORY_LIMITS = ("memory.max", "memory.limit_in_bytes")  # of version 2, and of version 1


def _quota(folder: Path) -> float | None:
    """Return how many cores' time a cgroup grants, None if it says nothing."""
    quota, _, period = _text(folder / "cpu.max").partition(" ")
    if not quota:
        quota, period = _text(folder / "cpu.cfs_quota_us"), _text(folder / "cpu.cfs_period_us")
    return int(quota) / int(period) if quota.isdigit() and period.isdigit() and int(period) else None


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except OSError:
        return ""
