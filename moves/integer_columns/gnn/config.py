"""The configuration of a training run, and its search space as this state of the code declares it.

    python -m gnn.config             prints every field with its value here and its range, as JSON
    python -m gnn.config --resolve   reads changes as JSON on standard input, prints the whole configuration

`configuration.json` beside this file holds what an experiment chose to differ from the starting values.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from gnn.tunable import choice, integer, number

CHOSEN = Path(__file__).parent / "configuration.json"


class ConfigurationError(Exception):
    """A value that the configuration cannot take; the message names the key, the value and the mend."""


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """One training run, except for its seed and its number of steps, which the controller sets."""

    starts: int = integer(64, 1, 64, "functions drawn at random to start from, at the most")
    explained: float = number(0.99, 0.9, 0.9999, "share of the variance of dc/dt that ends the starts", log=False)
    patience: int = integer(1, 0, 16, "tries in a row without a gain that end the regrowing of doubtful columns")
    few_frames: int = choice(160, [80, 160, 240, 320, 640], "frames of the first columns")
    last_frames: int = choice(960, [480, 960, 2880], "frames of the last columns")


def resolve(changes: dict[str, Any]) -> Configuration:
    """The starting values, then the chosen ones, then `changes`; raises `ConfigurationError`."""
    chosen = json.loads(CHOSEN.read_text(encoding="utf-8"))
    return Configuration(**{name: _checked(name, value) for name, value in {**chosen, **changes}.items()})


def describe() -> dict[str, dict[str, Any]]:
    """Each field's value in this state of the code, its kind, range and meaning."""
    values = asdict(resolve({}))
    return {f.name: {"value": values[f.name], **f.metadata} for f in fields(Configuration)}


def _checked(name: str, value: Any) -> Any:
    known = {field.name: field.metadata for field in fields(Configuration)}
    if name not in known:
        raise ConfigurationError(f"key '{name}' is not a field of the configuration; fields are {', '.join(known)}")
    kind = known[name]["kind"]
    if kind == "choice":
        choices = known[name]["choices"]
        if value not in choices or isinstance(value, bool):
            raise ConfigurationError(f"key '{name}' has value {value!r}, but must be one of {choices}")
        return choices[choices.index(value)]  # 32 for a given 32.0
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < math.inf:
        raise ConfigurationError(f"key '{name}' has value {value!r}, but must be a finite number of at least 0")
    if kind == "int":
        if value != int(value) or value < known[name]["low"]:
            raise ConfigurationError(
                f"key '{name}' has value {value!r}, but must be a whole number of at least {known[name]['low']}"
            )
        return int(value)
    return float(value)


def main() -> None:
    """Entry point of `python -m gnn.config`."""
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
