"""What a trial hands back: coefficients, rate constants, and both functions as tables.

`estimate.npz` holds, in float64:
    sto_all (E,), log_k (R,)
    substrate_func (C, M) at concentrations substrate_func_c (C,) and magnitudes |s| substrate_func_s (M,)
    rate_func (H,) at rate_func_h (H,)
Tables speak for any model whose messages depend on concentration and |s|, however it computes them. A message is
tabulated as the reaction hears it: with gate and activation, and weighted by the presence of a substrate of that
magnitude. An edge whose role is told speaks unless its coefficient is 0, any other if its coefficient is negative.
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
    """Write `estimate.npz` into `folder`, all at once."""
    device = observations.concentration.device
    c = torch.linspace(0.0, 1.2 * float(observations.concentration.max()), _POINTS_C, device=device)
    # The magnitudes in use are grid points themselves, so that reading the table there is exact.
    used = model.sto_all[observations.graph.sub_to_all].abs().cpu().numpy()
    beyond = max(observations.constraints.alphabet) + 1.0
    s = torch.from_numpy(np.union1d(np.linspace(0.0, beyond, _POINTS_S, dtype=np.float32), used)).to(device)
    scaled = (c - model.shift) / model.width
    # One table cannot hold a share of attention for each edge: it has the mean share, so what is computed from the
    # table (rollouts, held-out error) is approximate for a model with attention. The coefficients are what they are.
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
