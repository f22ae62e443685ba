"""The number of rows that count as one.

Errors of the laws follow each other along a trajectory, and are large where much happens. The evidence takes rows for
independent. Where they are not, it counts each as the share of an independent one that it is worth.
"""

from __future__ import annotations

import numpy as np

from gnn.observations import Floats

_MOST = 0.98  # autocorrelation
_KURTOSIS = 3.0  # of a normal distribution


def dispersion(left: Floats, lengths: tuple[int, ...]) -> float:
    """Return the number of rows that count as one, at least 1, from what is `left` unexplained (n, N) in trajectories.

    For errors with an autocorrelation of r from row to row it is (1 + r) / (1 - r) (Bayley & Hammersley 1946), the more
    so the fewer rows hold most of the error; the median over metabolites counts. Independent errors count in full,
    however they are distributed.
    """
    size = np.sqrt(np.mean(left**2, axis=0))
    errors = left[:, size > 0.0] / size[size > 0.0]
    pairs = sum(length - 1 for length in lengths)
    if not pairs or not errors.size:
        return 1.0
    along = np.zeros(errors.shape[1])
    for part in np.split(errors, np.cumsum(lengths)[:-1]):
        along += np.sum(part[1:] * part[:-1], axis=0)
    correlation = np.clip(along / pairs, 0.0, _MOST)
    tails = np.maximum(np.mean(errors**4, axis=0) / _KURTOSIS, 1.0)
    excess = (1.0 + correlation) / (1.0 - correlation) - 1.0
    return float(np.median(1.0 + excess * tails))
