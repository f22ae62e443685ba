"""The load of the GPUs while trials run: the share of the time in which a kernel ran, sampled by `nvidia-smi`."""

from __future__ import annotations

import os
import statistics
import subprocess
from collections.abc import Collection
from contextlib import suppress

_EVERY_S = 2
_BYTES = 65_536


class GpuLoad:
    """Follows GPUs until it is closed. Without a GPU or `nvidia-smi`, nothing is known."""

    def __init__(self, gpus: Collection[str]) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        command = ["nvidia-smi", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits", f"--loop={_EVERY_S}"]
        if gpus:
            with suppress(OSError):
                self._process = subprocess.Popen(
                    [*command, f"--id={','.join(sorted(gpus))}"],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                )
        if self._process is not None and self._process.stdout is not None:
            os.set_blocking(self._process.stdout.fileno(), False)

    def sampled(self) -> float | None:
        """Return the mean share over all GPUs of the samples since the last call, None if there are none."""
        if self._process is None or self._process.stdout is None:
            return None
        words = list[bytes]()
        with suppress(BlockingIOError):  # nothing new
            words = os.read(self._process.stdout.fileno(), _BYTES).split()
        shares = [int(word) / 100.0 for word in words if word.isdigit()]
        return statistics.fmean(shares) if shares else None

    def close(self) -> None:
        """Stop following."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
