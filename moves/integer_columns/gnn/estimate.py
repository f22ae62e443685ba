"""The output of a trial: coefficients, rate constants, and both functions as tables.

`estimate.npz` holds, in float64:
    sto_all (E,), log_k (R,)
    substrate_func (C, M) at concentrations substrate_func_c (C,) and magnitudes |s| substrate_func_s (M,)
    rate_func (H,) at rate_func_h (H,)
The tables fit any model whose messages depend on concentration and |s|. An edge of known role sends a message unless
its coefficient is 0, any other edge if its coefficient is negative.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from gnn.observations import Observations
from gnn.recovered import Recovered

_POINTS_C, _POINTS_S, _POINTS_H = 257, 31, 513


@torch.no_grad()
def write_estimate(found: Recovered, observations: Observations, folder: Path) -> None:
    """Write `estimate.npz` into `folder`; it appears there complete or not at all."""
    alphabet, sto_all = observations.constraints.alphabet, found.sto_all
    highest = 1.2 * float(observations.concentration.max())
    c = torch.linspace(0.0, highest, _POINTS_C, dtype=sto_all.dtype, device=sto_all.device)
    # The magnitudes in use are grid points themselves, so that reading the table there is exact.
    used = sto_all[observations.graph.sub_to_all].abs().cpu().numpy()
    grid = np.union1d(np.linspace(0.0, max(alphabet) + 1.0, _POINTS_S, dtype=np.float32), used)
    s = torch.from_numpy(grid).to(sto_all)
    margin = 0.1 * (found.high - found.low) + 1e-6
    h = torch.linspace(found.low - margin, found.high + margin, _POINTS_H, dtype=sto_all.dtype, device=sto_all.device)

    arrays = {
        "sto_all": sto_all,
        "log_k": found.log_k,
        "substrate_func_c": c,
        "substrate_func_s": s,
        "substrate_func": found.substrate_func(c, s, alphabet),
        "rate_func_h": h,
        "rate_func": found.rate_func(h),
    }
    draft = folder / "estimate.partial.npz"
    np.savez(draft, allow_pickle=False, **{name: array.double().cpu().numpy() for name, array in arrays.items()})
    draft.replace(folder / "estimate.npz")
