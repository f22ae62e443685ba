"""Names of the visible GPUs, and the device files that a process needs to use one of them and no other."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

_DEVICES, _KNOWN = Path("/dev"), Path("/proc/driver/nvidia/gpus")


def visible_gpus() -> list[str]:
    """Return the NVIDIA devices that this process may use, as CUDA_VISIBLE_DEVICES names them or by UUID."""
    if (allotted := os.environ.get("CUDA_VISIBLE_DEVICES")) is not None:
        return [name.strip() for name in allotted.split(",") if name.strip() not in ("", "-1", "NoDevFiles")]
    try:
        listing = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return []
    return re.findall(r"^GPU \d+: .*\(UUID: (GPU-[\w-]+)\)", listing.stdout if listing.returncode == 0 else "", re.M)


def device_files(gpu: str, devices: Path = _DEVICES, known: Path = _KNOWN) -> list[Path]:
    """Return the files of one GPU and of its driver; of all GPUs if its own file is unknown.

    The driver knows a GPU by its UUID. A scheduler that assigns GPUs by number hides the others itself.
    """
    files = [*sorted(devices.glob("nvidia*")), devices / "dxg"]
    minor = _minor(gpu, known)
    if minor is None:
        return files
    return [file for file in files if file.name == f"nvidia{minor}" or not re.fullmatch(r"nvidia\d+", file.name)]


def _minor(gpu: str, known: Path) -> str | None:
    """Return the number in the name of a GPU's device file, None if it is unknown."""
    for path in known.glob("*/information"):
        facts = dict(re.findall(r"^([^:\n]+):[ \t]*(.*?)[ \t]*$", path.read_text(encoding="utf-8"), re.M))
        if facts.get("GPU UUID") == gpu:
            return facts.get("Device Minor")
    return None
