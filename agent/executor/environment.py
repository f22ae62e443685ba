"""The environment of a process that runs an experiment's code: what it needs, and no key of the user's."""

from __future__ import annotations

import os

_PASSED_ON = ("PATH", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH")


def trial_environment(gpu: str | None = None) -> dict[str, str]:
    """A scrubbed environment; `gpu` is the one device to be seen, None for a trial on the CPU."""
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return environment | {
        "CUDA_VISIBLE_DEVICES": gpu or "",
        "OMP_NUM_THREADS": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        "PYTHONHASHSEED": "0",
    }
