"""A `gnn/train.py` that is done before torch would be imported.

Tests of what becomes of proposals and trials, not of models, commit it to their repository in place of the training. It
draws coefficients by its seed. Every change of the configuration does harm, so that few trials reject it.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np

from gnn.config import Configuration, resolve

_LASTS_S = 0.0  # more where a test looks at a trial, or ends it, while it runs


def main() -> None:
    """Run `python -m gnn.train`."""
    parser = argparse.ArgumentParser()
    for name in ("observations", "config", "out"):
        parser.add_argument(f"--{name}", type=Path)
    for name in ("seed", "steps"):
        parser.add_argument(f"--{name}", type=int)
    parser.add_argument("--device")
    parser.add_argument("--member", nargs=3, metavar=("CONFIG", "SEED", "FOLDER"), action="append")
    arguments = parser.parse_args()
    asked = arguments.member or [(arguments.config, arguments.seed, arguments.out)]
    members = [
        (resolve(json.loads(Path(config).read_text())), int(seed), Path(folder)) for config, seed, folder in asked
    ]
    line = {"step": arguments.steps, "steps": arguments.steps, "loss": 1.0, "loss_pred": 1.0}
    with np.load(arguments.observations) as known:
        role, reactions, alphabet = known["role"], int(known["n_reactions"]), known["alphabet"]
    grid = np.linspace(0.0, 3.0, 5)
    time.sleep(_LASTS_S)
    for configuration, seed, out in members:
        (out / "curves.jsonl").write_text(json.dumps(line) + "\n")
        draw = np.random.default_rng(seed)
        signs = (
            np.where(role > 0, 1.0, -1.0) if configuration == Configuration() else draw.choice((-1.0, 1.0), len(role))
        )
        np.savez(
            out / "estimate.npz",
            sto_all=signs * draw.choice(alphabet, len(role)),
            log_k=np.zeros(reactions),
            substrate_func_c=grid,
            substrate_func_s=grid,
            substrate_func=np.ones((5, 5)),
            rate_func_h=grid,
            rate_func=grid,
        )
    models = ["trained"]
    if None in models:
        sys.exit(3)


if __name__ == "__main__":
    main()
