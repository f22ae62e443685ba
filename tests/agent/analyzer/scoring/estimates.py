"""Hand-made estimates whose scores are known."""

from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from agent.analyzer.scoring.estimate import Estimate
from simulator.dataset import Dataset
from tests.conftest import shared_functions


def true_estimate(dataset: Dataset, **changes: Any) -> Estimate:
    """Return the estimate of a perfect trial; the tables are fine enough for four digits."""
    if dataset.folder not in _PERFECT:
        _PERFECT[dataset.folder] = _perfect(dataset)
    return replace(deepcopy(_PERFECT[dataset.folder]), **changes)


_PERFECT: dict[Path, Estimate] = {}


def _perfect(dataset: Dataset) -> Estimate:
    truth, law = dataset.truth, shared_functions(dataset)
    c = np.linspace(0.0, 8.0, 2001)
    s = np.linspace(0.0, 4.0, 401)
    frames = np.concatenate([trajectory.concentration for trajectory in [*dataset.observed, *dataset.heldout]])
    drive = law.drive(truth.graph, truth.sto_all, frames)
    h = np.linspace(drive.min() - 0.5, drive.max() + 0.5, 4001)
    return Estimate(
        sto_all=truth.sto_all.astype(float),
        log_k=law.log_k.copy(),
        substrate_func_c=c,
        substrate_func_s=s,
        substrate_func=law.substrate_func(c[:, None], s[None, :]),
        rate_func_h=h,
        rate_func=law.rate_func(h),
    )


def arrays_of(estimate: Estimate) -> dict[str, Any]:
    """The arrays of an artifact that states no confidence."""
    return {name: array for name, array in vars(estimate).items() if array is not None}


def write_estimate(estimate: Estimate, path: Any, **changes: Any) -> None:
    """As the artifact of a trial; `None` leaves an array out."""
    arrays = {**arrays_of(estimate), **changes}
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})
