"""One trial: train the model on the observations, write `estimate.npz` and `curves.jsonl`.

    python -m gnn.train --observations F --config F --out FOLDER --seed N --steps N [--device auto]

The same seed on the same device gives the same bits.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import torch

from gnn.clock import Clock, NonFiniteLossError
from gnn.config import Configuration, resolve
from gnn.determinism import make_deterministic
from gnn.estimate import write_estimate
from gnn.observations import Observations, read_observations
from gnn.recover import recover
from gnn.recovered import Recovered

_NON_FINITE = 3  # exit status


def train(observations: Observations, config: Configuration, steps: int, seed: int, out: Path) -> Recovered:
    """Recover within `steps` optimiser steps of second order; writes `curves.jsonl` in `out` on the way."""
    with (out / "curves.jsonl").open("w", encoding="utf-8") as curves:
        return recover(observations, config, seed, Clock(steps, curves))


def main() -> None:
    """Entry point of `python -m gnn.train`."""
    parser = argparse.ArgumentParser(prog="python -m gnn.train", description=__doc__)
    parser.add_argument("--observations", type=Path, required=True)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--device", default="auto")
    arguments = parser.parse_args()

    make_deterministic()
    name = arguments.device
    device = torch.device(("cuda" if torch.cuda.is_available() else "cpu") if name == "auto" else name)

    observations = read_observations(arguments.observations, device)
    config = resolve(json.loads(arguments.config.read_text(encoding="utf-8")))
    try:
        found = train(observations, config, arguments.steps, arguments.seed, arguments.out)
    except NonFiniteLossError as failure:
        print(failure, file=sys.stderr)
        sys.exit(_NON_FINITE)
    write_estimate(found, observations, arguments.out)


if __name__ == "__main__":
    main()
