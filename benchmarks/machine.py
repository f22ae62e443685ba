"""The machine that figures were measured on, so that seconds can be compared."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from agent.executor.sandbox.gpu import visible_gpus


class Machine(BaseModel):
    """The properties of a machine that decide the speed and the bits of a trial."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    system: str
    cpu: str
    cores: int
    gpus: tuple[str, ...]
    python: str
    torch: str


def this_machine() -> Machine:
    """Return the machine and interpreter of this process; `cores` are those that it may use."""
    return Machine(
        system=f"{platform.system()} {platform.release()}",
        cpu=_cpu(),
        cores=len(os.sched_getaffinity(0)),
        gpus=_gpus(),
        python=platform.python_version(),
        torch=version("torch"),
    )


def _cpu() -> str:
    """Return the name of the processor as Linux gives it, or else the architecture."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return next(iter(names), platform.machine())


def _gpus() -> tuple[str, ...]:
    """Return the names of the devices that trials may use."""
    if not (visible := visible_gpus()):
        return ()
    command = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader", "--id=" + ",".join(visible)]
    listing = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    return tuple(listing.stdout.splitlines()) if listing.returncode == 0 else tuple(visible)
