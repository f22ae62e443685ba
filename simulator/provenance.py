"""The versions and the processor that data were made with: their last bits depend on them."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Any, cast

import numpy as np
import scipy

_CPUINFO = Path("/proc/cpuinfo")


def made_with() -> dict[str, str]:
    """Return what numbers depend on beside the settings: interpreter, libraries, processor and its instructions."""
    build = cast(dict[str, Any], np.show_config(mode="dicts"))
    blas = build.get("Build Dependencies", {}).get("blas", {})
    instructions = build.get("SIMD Extensions", {}).get("found", [])
    return {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "blas": f"{blas.get('name', 'unknown')} {blas.get('version', '')}".strip(),
        "processor": _processor(),
        "instructions": " ".join(instructions) or "unknown",
    }


def _processor() -> str:
    lines = _CPUINFO.read_text(encoding="utf-8", errors="replace").splitlines() if _CPUINFO.is_file() else []
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    return f"{platform.machine()} {model}".strip()
