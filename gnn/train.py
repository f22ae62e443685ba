"""One trial, or several of one shape together: train on observations, write `estimate.npz` and `curves.jsonl`.

    python -m gnn.train --observations F --steps N [--device auto] --config F --seed N --out FOLDER
    python -m gnn.train --observations F --steps N [--device auto] --member CONFIG SEED FOLDER --member ...

The same seed on the same device gives the same bits; on a CPU also among other trials.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from gnn.adam import Adam
from gnn.config import Configuration, resolve
from gnn.curves import Curves
from gnn.determinism import make_deterministic
from gnn.estimate import write_estimate
from gnn.loss import PENALTIES, penalty, prediction_error
from gnn.members import Members
from gnn.model import MetabolismPropagation
from gnn.observations import Observations, read_observations
from gnn.recorded import RecordedStep

# Besides torch's own error, what libraries say where another process has taken the memory of the GPU.
_NO_MEMORY = "out of memory", "CUBLAS_STATUS_ALLOC_FAILED", "CUBLAS_STATUS_NOT_INITIALIZED"
_NON_FINITE = 3  # exit status; `agent` never imports gnn, so its executor states the number again


@dataclass(frozen=True)
class Member:
    """One model to train, and the folder for its results."""

    config: Configuration
    seed: int
    out: Path


def learning_rate_factor(config: Configuration, progress: float) -> float:
    """Return the factor on all learning rates at `progress` in [0, 1]."""
    if config.schedule == "cosine":
        return 0.5 * (1.0 + math.cos(math.pi * progress))
    return 1.0 - progress if config.schedule == "linear" else 1.0


def learning_rate(parameter: str, config: Configuration) -> float:
    """Return the initial learning rate of the parameter of this name."""
    return {"sto_all": config.lr_S, "log_k": config.lr_k}.get(parameter, config.lr_func)


def penalty_weight(name: str, config: Configuration, progress: float) -> float:
    """Return the weight of a penalty at `progress` in [0, 1]."""
    return float(getattr(config, name))


def mini_batches(
    frames: int, size: int, generators: Sequence[torch.Generator], device: torch.device
) -> Iterator[Tensor]:
    """Yield frame indices (M, B) for ever, each epoch in a new order per member; drop a shorter remainder."""
    size = min(size, frames)
    while True:
        order = torch.stack([torch.randperm(frames, generator=generator) for generator in generators])
        yield from order[:, : frames - frames % size].view(len(order), -1, size).to(device).unbind(1)


def train(observations: Observations, members: Sequence[Member], steps: int) -> list[MetabolismPropagation | None]:
    """Train members for `steps` optimiser steps; their configurations agree on all shared fields.

    Appends to `curves.jsonl` of each. Returns the model of each member, or None if its loss became infinite or not a
    number; the other members are unaffected. Raises `RuntimeError` if the models cannot be trained together.
    """
    device, models, generators = observations.concentration.device, [], []
    for member in members:
        torch.manual_seed(member.seed)
        models.append(MetabolismPropagation(observations, member.config).to(device))
        generators.append(torch.Generator().manual_seed(member.seed))
    together = Members(models)
    parameters = together.parameters
    scale = float(observations.dcdt.square().mean().sqrt())

    # Schedules are tabulated on the device before training, so that no step waits for a copy from the host.
    def course(value: Callable[..., float], *name: str) -> Tensor:
        rows = [[value(*name, member.config, step / steps) for member in members] for step in range(steps + 1)]
        return torch.tensor(rows, device=device)

    weights = {name: course(penalty_weight, name) for name in PENALTIES}
    factors = course(learning_rate_factor)
    rates = [torch.tensor([learning_rate(name, member.config) for member in members]) for name in parameters]
    optimiser = Adam(parameters.values(), [rate.to(device) for rate in rates])
    species = observations.species

    def losses(model: MetabolismPropagation, frames: Tensor, weight: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        known, dcdt = (part.index_select(1, frames) for part in (species, observations.dcdt))
        error = prediction_error(model(known), dcdt, scale)
        return error + penalty(model.sto_all, observations.graph, weight), error

    def advance(frames: Tensor, weight: dict[str, Tensor], factor: Tensor) -> tuple[Tensor, Tensor]:
        loss, error = together.each(losses, frames, weight)
        # A choice in the configuration may leave parameters unused: their gradient is zero.
        gradients = torch.autograd.grad(loss.sum(), list(parameters.values()), materialize_grads=True)
        optimiser.step(gradients, factor)
        return loss.detach(), error.detach()

    batches = mini_batches(observations.dcdt.shape[1], members[0].config.batch_frames, generators, device)

    @torch.no_grad()
    def penalties(step: int) -> dict[str, Tensor]:
        def terms(model: MetabolismPropagation, own: dict[str, Tensor]) -> dict[str, Tensor]:
            return {name: own[name] * term(model.sto_all, observations.graph) for name, term in PENALTIES.items()}

        found: dict[str, Tensor] = together.each(terms, {name: weights[name][step] for name in PENALTIES})
        return found

    curves = Curves([member.out for member in members], steps, penalties)
    take_step = RecordedStep(advance, [*parameters.values(), *optimiser.state])
    for step in range(1, steps + 1):
        weight = {name: weights[name][step] for name in PENALTIES}
        sound = curves.follow(step, *take_step(next(batches), weight, factors[step - 1]))
        if not sound:
            break
    for member, lost_at in zip(members, curves.lost_at(), strict=True):
        if lost_at:
            print(
                f"{member.out.name}: the loss became infinite or not a number at step {lost_at} of {steps}",
                file=sys.stderr,
            )
    return [None if lost_at else model for model, lost_at in zip(models, curves.lost_at(), strict=True)]


def train_what_fits(
    observations: Observations, members: Sequence[Member], steps: int
) -> list[MetabolismPropagation | None]:
    """Call `train`, halving the batch while the device is out of memory; on a CPU, train one member at a time."""
    if observations.concentration.device.type == "cpu":
        return [model for member in members for model in train(observations, [member], steps)]
    try:
        return train(observations, members, steps)
    except RuntimeError as error:
        if len(members) == 1 or not any(words in str(error) for words in _NO_MEMORY):
            raise
    torch.cuda.empty_cache()
    half = len(members) // 2
    return [model for part in (members[:half], members[half:]) for model in train_what_fits(observations, part, steps)]


def main() -> None:
    """Run `python -m gnn.train`."""
    parser = argparse.ArgumentParser(prog="python -m gnn.train", description=__doc__)
    parser.add_argument("--observations", type=Path, required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--config", type=Path)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--member", nargs=3, metavar=("CONFIG", "SEED", "FOLDER"), action="append")
    arguments = parser.parse_args()
    asked = arguments.member or [(arguments.config, arguments.seed, arguments.out)]
    members = [
        Member(resolve(json.loads(Path(config).read_text(encoding="utf-8"))), int(seed), Path(out))
        for config, seed, out in asked
    ]

    make_deterministic()
    name = arguments.device
    device = torch.device(("cuda" if torch.cuda.is_available() else "cpu") if name == "auto" else name)

    observations = read_observations(arguments.observations, device)
    models = train_what_fits(observations, members, arguments.steps)
    for member, model in zip(members, models, strict=True):
        if model is not None:
            write_estimate(model, observations, member.out)
    if None in models:
        sys.exit(_NON_FINITE)


if __name__ == "__main__":
    main()
