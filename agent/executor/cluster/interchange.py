"""Parsl's interchange as a child of the broker, which it must not outlive: `python -m` this module.

Without an interchange, workers end by themselves.
"""

from __future__ import annotations

import os
import runpy

from agent.executor.sandbox.bubblewrap import die_with_parent


def main() -> None:
    """Run Parsl's interchange until it ends or the broker is killed."""
    die_with_parent(os.getppid())
    runpy.run_module("parsl.executors.high_throughput.interchange", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
