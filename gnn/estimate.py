"""The result of a trial: coefficients, rate constants, and both functions as tables.

`estimate.npz` holds, in float64:
    sto_all (E,), log_k (R,)
    substrate_func (C, M) at concentrations substrate_func_c (C,) and magnitudes |s| substrate_func_s (M,)
    rate_func (H,) at rate_func_h (H,)
`agent` reads and validates it. Tables serve any model whose messages depend on concentration and |s|. A message is
tabulated with gate, activation and the presence of a substrate of that magnitude. The reader sends a message along an
edge of known role unless its coefficient is 0, and along an edge of unknown role if its coefficient is negative.

The laws of `laws: own` are not functions that reactions share. The tables then state constant rates, whose root mean
squares are 10^log_k.

Two parts of a message depend on more than concentration and |s|, so the table leaves them out:
- attention differs between edges: the table has its mean;
- the exchange of `message: hypergraph` depends on all metabolites of a reaction: the table is without it.
Rollouts and held-out errors, which are computed from the table, are then approximate. Coefficients are not affected.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from gnn.model import MetabolismPropagation
from gnn.observations import Observations

_POINTS_C, _POINTS_S, _POINTS_H = 257, 31, 513
_ONE = math.log(math.e - 1.0)  # softplus of it is 1
_SIZES = (1e-11, 1e11)  # least and largest rate constant


@torch.no_grad()
def write_estimate(model: MetabolismPropagation, observations: Observations, folder: Path) -> None:
    """Write `estimate.npz` into `folder`, atomically."""
    sto_all = model.sto_all
    tables = _functions(model, observations, sto_all) if model.laws is None else _constants(model, observations)
    arrays = {"sto_all": sto_all, **tables}
    draft = folder / "estimate.partial.npz"
    np.savez(draft, allow_pickle=False, **{name: array.double().cpu().numpy() for name, array in arrays.items()})
    draft.replace(folder / "estimate.npz")


def _functions(model: MetabolismPropagation, observations: Observations, sto_all: Tensor) -> dict[str, Tensor]:
    """Return the rate constants, and both functions on grids."""
    device = observations.concentration.device
    c = torch.linspace(0.0, 1.2 * float(observations.concentration.max()), _POINTS_C, device=device)
    # The magnitudes of the estimate are grid points, so that the table is exact there.
    used = sto_all[observations.graph.sub_to_all].abs().cpu().numpy()
    beyond = max(observations.constraints.alphabet) + 1.0
    s = torch.from_numpy(np.union1d(np.linspace(0.0, beyond, _POINTS_S, dtype=np.float32), used)).to(device)
    scaled = (c - model.shift) / model.width
    substrate = model.aggregation.typical_message(scaled[:, None].expand(-1, len(s)), s[None, :].expand(len(c), -1))

    drive = model.drive(observations.concentration)
    low, high = float(drive.min()), float(drive.max())
    margin = 0.1 * (high - low) + 1e-6
    h = torch.linspace(low - margin, high + margin, _POINTS_H, device=device)
    return {
        "log_k": model.log_k,
        "substrate_func_c": c,
        "substrate_func_s": s,
        "substrate_func": model.presence(-s) * substrate,
        "rate_func_h": h,
        "rate_func": model.rate_func(h),
    }


def _constants(model: MetabolismPropagation, observations: Observations) -> dict[str, Tensor]:
    """Return the sizes of the rates, and functions that give rates of 1 everywhere."""
    size = model.rates(observations.species).double().square().mean(1).sqrt()
    largest = (max(1e-6, float(observations.concentration.max())), max(observations.constraints.alphabet))
    c, s = (torch.tensor([0.0, 1.2 * limit]) for limit in largest)
    return {
        "log_k": size.clamp(*_SIZES).log10(),
        "substrate_func_c": c,
        "substrate_func_s": s,
        "substrate_func": torch.zeros(2, 2),
        "rate_func_h": torch.tensor([-1.0, 1.0]),
        "rate_func": torch.full((2,), _ONE),
    }
