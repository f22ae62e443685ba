"""One trial: train the model on the observations, write `estimate.npz` and `curves.jsonl`.

    python -m gnn.train --observations F --config F --out FOLDER --seed N --steps N [--device auto]

The same seed on the same device gives the same bits.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import torch
from torch.optim.lr_scheduler import LambdaLR

from gnn.config import Configuration, resolve
from gnn.estimate import write_estimate
from gnn.loss import penalty, prediction_error
from gnn.model import MetabolismPropagation
from gnn.observations import Observations, read_observations

_CURVE_POINTS = 100
_NON_FINITE = 3  # exit status


class NonFiniteLossError(Exception):
    """The loss became infinite or not a number."""


def learning_rate_factor(schedule: str, progress: float) -> float:
    """The share of the learning rate that is left at `progress` in [0, 1]."""
    if schedule == "cosine":
        return 0.5 * (1.0 + math.cos(math.pi * progress))
    return 1.0 - progress if schedule == "linear" else 1.0


def mini_batches(frames: int, size: int, generator: torch.Generator) -> Iterator[torch.Tensor]:
    """Frame indices for ever, each epoch in a new order; a remainder shorter than `size` is dropped."""
    size = min(size, frames)
    while True:
        order = torch.randperm(frames, generator=generator)
        yield from order[: frames - frames % size].view(-1, size)


def train(observations: Observations, config: Configuration, steps: int, seed: int, out: Path) -> MetabolismPropagation:
    """Train for `steps` optimiser steps; appends to `curves.jsonl` in `out` on the way."""
    torch.manual_seed(seed)
    device = observations.concentration.device
    model = MetabolismPropagation(observations, config).to(device)
    functions = [p for p in model.parameters() if p is not model.sto_all and p is not model.log_k]
    optimiser = torch.optim.Adam(
        [
            {"params": [model.sto_all], "lr": config.lr_S},
            {"params": [model.log_k], "lr": config.lr_k},
            {"params": functions, "lr": config.lr_func},
        ]
    )
    scheduler = LambdaLR(optimiser, lambda step: learning_rate_factor(config.schedule, min(step / steps, 1.0)))
    scale = float(observations.dcdt.square().mean().sqrt())
    batches = mini_batches(observations.dcdt.shape[1], config.batch_frames, torch.Generator().manual_seed(seed))
    every = max(1, steps // _CURVE_POINTS)
    with (out / "curves.jsonl").open("w", encoding="utf-8") as curves:
        for step in range(1, steps + 1):
            frames = next(batches).to(device)
            error = prediction_error(model(observations.concentration[:, frames]), observations.dcdt[:, frames], scale)
            loss = error + penalty(model.sto_all, observations.graph, config)
            optimiser.zero_grad()
            torch.autograd.backward(loss)
            optimiser.step()
            scheduler.step()
            if not torch.isfinite(loss):
                raise NonFiniteLossError(f"the loss became {float(loss)} at step {step} of {steps}")
            if step % every == 0 or step == steps:
                point = {"step": step, "steps": steps, "loss": float(loss.detach()), "loss_pred": float(error.detach())}
                curves.write(json.dumps(point) + "\n")
                curves.flush()
    return model


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

    # Reductions in another order would give other bits: one thread a trial, as many trials as cores.
    torch.set_num_threads(1)
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True)
    name = arguments.device
    device = torch.device(("cuda" if torch.cuda.is_available() else "cpu") if name == "auto" else name)

    observations = read_observations(arguments.observations, device)
    config = resolve(json.loads(arguments.config.read_text(encoding="utf-8")))
    try:
        model = train(observations, config, arguments.steps, arguments.seed, arguments.out)
    except NonFiniteLossError as failure:
        print(failure, file=sys.stderr)
        sys.exit(_NON_FINITE)
    write_estimate(model, observations, arguments.out)


if __name__ == "__main__":
    main()
