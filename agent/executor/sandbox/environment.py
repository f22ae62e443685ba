"""Environment variables of a process that runs an experiment's code, without the user's keys."""

from __future__ import annotations

import os
import re
from pathlib import Path

_SECRET = re.compile(r"KEY|TOKEN|SECRET|PASSW|CREDENTIAL", re.IGNORECASE)
_PASSED_ON = ("PATH", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH")


def trial_environment(gpu: str | None = None, scratch: Path | None = None) -> dict[str, str]:
    """Return a scrubbed environment; `gpu` is the one visible device, None for a trial on the CPU.

    `scratch` serves libraries as home and as folder for temporary files.
    """
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return environment | {
        "CUDA_VISIBLE_DEVICES": gpu or "",
        "OMP_NUM_THREADS": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        "PYTHONHASHSEED": "0",
        "USER": "trial",
        "LOGNAME": "trial",
        **({} if scratch is None else {"HOME": str(scratch), "TMPDIR": str(scratch)}),
    }


def environment_elsewhere() -> dict[str, str]:
    """Return the user's environment without secrets: schedulers write down the variables that they pass to jobs."""
    return {name: value for name, value in os.environ.items() if not _SECRET.search(name)}
