"""Check every move as it stands once applied to today's `gnn/`.

python -m moves               lint, types and unit tests of all moves
python -m moves lint types    some of these checks
"""

from __future__ import annotations

import argparse
import sys

from agent.planner.move_catalogue import move_names
from moves.check import CHECKS, assembled, complaints
from stoichloop.errors import StoichloopError


def main() -> None:
    """Entry point of `python -m moves`."""
    parser = argparse.ArgumentParser(prog="python -m moves", description="Check every move as it stands once applied.")
    parser.add_argument("checks", nargs="*", help=f"all of {', '.join(CHECKS)} unless some are named")
    checks = parser.parse_args().checks or list(CHECKS)
    if unknown := set(checks) - set(CHECKS):
        parser.error(f"{', '.join(sorted(unknown))}: checks are {', '.join(CHECKS)}")
    failed = [name for name in move_names() if _fails(name, checks)]
    sys.exit(bool(failed))


def _fails(name: str, checks: list[str]) -> bool:
    try:
        with assembled(name) as folder:
            words = complaints(folder, checks)
    except StoichloopError as error:
        words = f"{error}\n"
    print(f"{name}: {'failed' if words else 'ok'}", words, sep="\n" if words else "", flush=True)
    return bool(words)


if __name__ == "__main__":
    main()
