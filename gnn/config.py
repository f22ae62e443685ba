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

from gnn.loss import LossCoefficients
from gnn.tunable import ConfigurationError, checked, choice, integer, number

CHOSEN = Path(__file__).parent / "configuration.json"


@dataclass(frozen=True, kw_only=True)
class Configuration(LossCoefficients):
    """The settings of one training run. The controller sets the seed and the number of steps."""

    lr_S: float = number(3e-3, 1e-4, 1e-1, "learning rate of the stoichiometric coefficients")
    lr_k: float = number(3e-3, 1e-4, 1e-1, "learning rate of log_k, the log10 rate constants")
    lr_func: float = number(3e-3, 1e-4, 1e-1, "learning rate of both functions, gate, attention and exchange")
    width: int = choice(32, [16, 32, 64], "hidden units per layer in both functions")
    depth: int = integer(2, 1, 3, "hidden layers in both functions")
    activation: str = choice("tanh", ["tanh", "silu"], "non-linearity of both functions")
    message: str = choice(
        "substrates",
        ["substrates", "hypergraph"],
        "input of a rate: its substrates' messages, with hypergraph after an exchange among all its metabolites",
        swept=False,  # twice the time of a step, without a gain where it was measured: docs/notes/gate.md
    )
    laws: str = choice(
        "shared",
        ["shared", "own"],
        "functions of all rates: two that all reactions share, or a law of its own for each reaction",
        swept=False,  # a property of the regime, not a matter of degree; the move own_laws tries it
    )
    gate: str = choice("none", ["none", "sigmoid"], "gate on a substrate's message, by its concentration")
    attention: str = choice("none", ["none", "edge"], "learnable weight in [0, 1] on the message of each edge")
    message_activation: str = choice(
        "identity", ["identity", "relu", "gelu", "tanh"], "non-linearity of a substrate's message"
    )
    batch_frames: int = choice(128, [32, 64, 128, 256], "frames per mini-batch")
    schedule: str = choice("constant", ["constant", "cosine", "linear"], "decay of all learning rates", shared=False)
    init_scale_S: float = number(0.5, 0.05, 2.0, "standard deviation of the initial coefficients")


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
