"""Freezing of data in a process of its own: `python -m simulator.freeze ROOT`, with the regime as JSON on its input.

Who starts other processes must not do linear algebra in a thread meanwhile: OpenBLAS ends its threads at every fork.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from simulator.dataset import prepare
from simulator.regime import Regime
from stoichloop.errors import RegimeError

# Measured beside another busy process on one core: 25 % of it. With 10 it was 10 %, with 19 it was 2 %, and the first
# candidate that is to be confirmed waited for siblings.
_NICE = 5
REFUSED = 2  # exit status for a regime whose data cannot be made; the reason is on standard error


def main() -> int:
    """Freeze the data of one regime, at a low priority; return the exit status."""
    os.nice(_NICE)
    try:
        prepare(Regime.model_validate_json(sys.stdin.read()), Path(sys.argv[1]))
    except RegimeError as error:
        print(error, file=sys.stderr)
        return REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(main())
