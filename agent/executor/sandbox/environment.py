"""The environment of a process that runs an experiment's code: what it needs, and no key of the user's."""

from __future__ import annotations

import os
import re
from pathlib import Path

_SECRET = re.compile(r"KEY|TOKEN|SECRET|PASSW|CREDENTIAL", re.IGNORECASE)
_PASSED_ON = ("PATH", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH")


def trial_environment(gpu: str | None = None, scratch: Path | None = None) -> dict[str, str]:
    """A scrubbed environment; `gpu` is the one device to be seen, None for a trial on the CPU.

    Libraries ask for a home, a user and a place for what they do not keep: that is all `scratch`.
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
    """The user's environment as it may be seen on other machines: schedulers write down what they pass on to jobs."""
    return {name: value for name, value in os.environ.items() if not _SECRET.search(name)}
