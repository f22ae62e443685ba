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

from gnn.tunable import ConfigurationError, checked, choice, integer, number

CHOSEN = Path(__file__).parent / "configuration.json"


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """The settings of one training run. The controller sets the seed and the number of steps."""

    starts: int = integer(64, 1, 64, "functions drawn at random to start from, at the most")
    explained: float = number(0.99, 0.9, 0.9999, "share of the variance of dc/dt that ends the starts", log=False)
    patience: int = integer(1, 0, 16, "tries in a row without a gain that end the regrowing of doubtful columns")
    few_frames: int = choice(160, [80, 160, 240, 320, 640], "frames of the first columns")
    last_frames: int = choice(960, [480, 960, 2880], "frames of the last columns")


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
