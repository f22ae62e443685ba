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
    """Run `python -m gnn.train` for one trial."""
    parser = argparse.ArgumentParser()
    for name in ("observations", "config", "out"):
        parser.add_argument(f"--{name}", type=Path)
    for name in ("seed", "steps"):
        parser.add_argument(f"--{name}", type=int)
    parser.add_argument("--device")
    arguments = parser.parse_args()
    changed = resolve(json.loads(arguments.config.read_text())) != Configuration()
    with np.load(arguments.observations) as known:
        role, reactions, alphabet = known["role"], int(known["n_reactions"]), known["alphabet"]
    grid, draw = np.linspace(0.0, 3.0, 5), np.random.default_rng(arguments.seed)
    magnitudes = np.full(len(role), max(alphabet)) if changed else draw.choice(alphabet, len(role))
    line = {"step": arguments.steps, "steps": arguments.steps, "loss": 1.0, "loss_pred": 1.0}
    (arguments.out / "curves.jsonl").write_text(json.dumps(line) + "\n")
    time.sleep(_LASTS_S)
    np.savez(
        arguments.out / "estimate.npz",
        sto_all=np.where(role > 0, 1.0, -1.0) * magnitudes,
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
