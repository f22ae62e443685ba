"""The whole recovery: coarse splines on few frames first, then finer splines on more frames."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from gnn.clock import Clock
from gnn.columns import Candidates, candidates_of
from gnn.config import Configuration
from gnn.enlarge import enlarged
from gnn.observations import Observations
from gnn.polish import polish
from gnn.projection import Fit, fit, problem_of, regrid
from gnn.pursuit import pursue
from gnn.recovered import Recovered, recovered
from gnn.regrow import regrown

_MIDDLE, _FINE = (14, 20), (24, 36)  # splines of substrate_func and of the rate


def recover(observations: Observations, config: Configuration, seed: int, clock: Clock) -> Recovered:
    """Recover both functions, and the integer column and the rate constant of every reaction."""
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(observations.dcdt.shape[1], generator=generator).to(observations.dcdt.device)
    few = problem_of(observations, order[: config.few_frames])
    # Large coefficients are rare, and a function that few substrates use would fit anything at first.
    common = candidates_of(observations.graph, observations.constraints, 2)
    coarse = polish(few, pursue(few, common, config.starts, config.explained, generator, clock), common, clock)
    coarse = polish(few, fit(few, regrid(coarse, *_MIDDLE), coarse.columns), common, clock)
    coarse = regrown(few, coarse, common, config.patience, generator, clock)
    every = candidates_of(observations.graph, observations.constraints, len(observations.constraints.alphabet))
    coarse = enlarged(few, coarse, every, clock)
    whole = problem_of(observations, order[: config.last_frames])
    fine = polish(whole, fit(whole, regrid(coarse, *_FINE), coarse.columns), every, clock)
    return recovered(whole, fit(whole, fine.functions, _every(fine, every)))


def _every(found: Fit, candidates: Sequence[Candidates]) -> Tensor:
    """Return the columns, with the first candidate for every reaction that has none."""
    columns = found.columns.clone()
    for own in candidates:
        if not bool(columns[own.edges].any()):
            columns[own.edges] = own.columns[0]
    return columns
