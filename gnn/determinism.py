"""The settings of torch under which the same training gives the same bits."""

from __future__ import annotations

import os

import torch


def make_deterministic() -> None:
    """Let this process give the same bits for the same training, or refuse an operation that would not."""
    # One thread per trial: more threads would reduce in another order and give other bits.
    torch.set_num_threads(1)
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    # As torch.use_deterministic_algorithms(True), which also imports the compiler: 1 s of every trial.
    torch.set_deterministic_debug_mode("error")
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]  # never read
