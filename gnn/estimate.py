"""The result of a trial: coefficients, rate constants, and both functions as tables.

`estimate.npz` holds, in float64:
    sto_all (E,), log_k (R,)
    substrate_func (C, M) at concentrations substrate_func_c (C,) and magnitudes |s| substrate_func_s (M,)
    rate_func (H,) at rate_func_h (H,)
`agent` reads and validates it. Tables serve any model whose messages depend on concentration and |s|. A message is
tabulated with gate, activation and the presence of a substrate of that magnitude. The reader sends a message along an
edge of known role unless its coefficient is 0, and along an edge of unknown role if its coefficient is negative.

Two parts of a message depend on more than concentration and |s|, so the table leaves them out:
- attention differs between edges: the table has its mean;
- the exchange of `message: hypergraph` depends on all metabolites of a reaction: the table is without it.
Rollouts and held-out errors, which are computed from the table, are then approximate. Coefficients are not affected.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from gnn.model import MetabolismPropagation
from gnn.observations import Observations

_POINTS_C, _POINTS_S, _POINTS_H = 257, 31, 513


@torch.no_grad()
def write_estimate(model: MetabolismPropagation, observations: Observations, folder: Path) -> None:
    """Write `estimate.npz` into `folder`, atomically."""
    device = observations.concentration.device
    c = torch.linspace(0.0, 1.2 * float(observations.concentration.max()), _POINTS_C, device=device)
    # The magnitudes of the model are grid points, so that the table is exact there.
    used = model.sto_all[observations.graph.sub_to_all].abs().cpu().numpy()
    beyond = max(observations.constraints.alphabet) + 1.0
    s = torch.from_numpy(np.union1d(np.linspace(0.0, beyond, _POINTS_S, dtype=np.float32), used)).to(device)
    scaled = (c - model.shift) / model.width
    substrate = model.aggregation.typical_message(scaled[:, None].expand(-1, len(s)), s[None, :].expand(len(c), -1))
    substrate = model.presence(-s) * substrate

    drive = model.drive(observations.concentration)
    low, high = float(drive.min()), float(drive.max())
    margin = 0.1 * (high - low) + 1e-6
    h = torch.linspace(low - margin, high + margin, _POINTS_H, device=device)

    arrays = {
        "sto_all": model.sto_all,
        "log_k": model.log_k,
        "substrate_func_c": c,
        "substrate_func_s": s,
        "substrate_func": substrate,
        "rate_func_h": h,
        "rate_func": model.rate_func(h),
    }
    draft = folder / "estimate.partial.npz"
    np.savez(draft, allow_pickle=False, **{name: array.double().cpu().numpy() for name, array in arrays.items()})
    draft.replace(folder / "estimate.npz")
