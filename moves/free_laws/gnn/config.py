"""The configuration of a training run and its search space, as this state of the code declares them.

    python -m gnn.config             prints each field with its value and its range, as JSON
    python -m gnn.config --resolve   reads changes as JSON on standard input, prints the whole configuration

`configuration.json` beside this file holds the values that an experiment has changed from the starting values.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from gnn.tunable import ConfigurationError, checked, integer, number

CHOSEN = Path(__file__).parent / "configuration.json"


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """The settings of one training run. The controller sets the seed and the number of steps."""

    wide_features: int = integer(5, 2, 12, "features of a rate while columns are undecided")
    near_features: int = integer(8, 3, 24, "features of a rate around the laws that come closest to it")
    passes: int = integer(3, 2, 8, "times that laws are bred towards the rates and all columns are judged again")
    drift: float = number(0.1, 1e-4, 100.0, "variance that laws leave over a time step, a reading's noise being 1")


def resolve(changes: dict[str, Any]) -> Configuration:
    """Return the starting values, overridden by `configuration.json`, then by `changes`.

    Raises `ConfigurationError` for a key or a value that is not allowed.
    """
    chosen = json.loads(CHOSEN.read_text(encoding="utf-8"))
    return Configuration(**{name: checked(Configuration, name, value) for name, value in {**chosen, **changes}.items()})


def describe() -> dict[str, dict[str, Any]]:
    """Return the value, kind, range and meaning of each field."""
    values = asdict(resolve({}))
    return {f.name: {"value": values[f.name], **f.metadata} for f in fields(Configuration)}


def main() -> None:
    """Run `python -m gnn.config`."""
    parser = argparse.ArgumentParser(prog="python -m gnn.config", description=__doc__)
    parser.add_argument("--resolve", action="store_true", help="print the configuration with the changes on stdin")
    try:
        if parser.parse_args().resolve:
            print(json.dumps(asdict(resolve(json.load(sys.stdin)))))
        else:
            print(json.dumps(describe()))
    except ConfigurationError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
