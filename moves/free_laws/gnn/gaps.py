"""Missing readings: the regression leaves them out, and rates are evaluated at fitted concentrations in their place.

Each row mixes readings of one metabolite along a trajectory. A change of the missing ones moves its rows within a
subspace, which is projected out of the regression. The fit of each pass gives the concentrations of the next one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gnn.observations import Floats, Ints, Observations


class Gap(NamedTuple):
    """Missing readings in one trajectory, of metabolites (K,) that lack the same ones.

    Attributes:
        frames: true for the G missing ones, shape (F,). rows: those of the trajectory.
        effect: of a change of these readings on the rows, shape (rows, G). basis: orthonormal, of all such effects.
    """

    trajectory: int
    frames: NDArray[np.bool_]
    metabolites: Ints
    rows: slice
    effect: Floats
    basis: Floats


def gaps_of(observations: Observations, matrices: Sequence[Floats], told: NDArray[np.bool_]) -> tuple[Gap, ...]:
    """Return the gaps of metabolites that are `told`, (N,), by the matrix from frames to rows of each trajectory."""
    found, start = list[Gap](), 0
    for trajectory, (missing, matrix) in enumerate(zip(observations.gaps, matrices, strict=True)):
        rows, start = slice(start, start + len(matrix)), start + len(matrix)
        for frames in np.unique(missing[:, told & missing.any(axis=0)], axis=1).T:
            own = np.flatnonzero(told & (missing == frames[:, None]).all(axis=0))
            effect = matrix[:, frames]
            basis = np.linalg.svd(effect, full_matrices=False)[0]
            found.append(Gap(trajectory, frames, own, rows, effect, basis))
    return tuple(found)


def seen(gaps: Sequence[Gap], left: Floats) -> Floats:
    """Project out the directions in which missing readings could change the rows `left`, (n, N)."""
    found = left.copy()
    for gap in gaps:
        found[gap.rows, gap.metabolites] -= gap.basis @ (gap.basis.T @ left[gap.rows, gap.metabolites])
    return found


def lost(gaps: Sequence[Gap], features: Floats, metabolites: int) -> list[Floats]:
    """Return the parts of features (n, Q) along the directions that `seen` projects out, (G, Q) for each metabolite."""
    parts: list[list[Floats]] = [[features[:0]] for _ in range(metabolites)]
    for gap in gaps:
        own = gap.basis.T @ features[gap.rows]
        for metabolite in gap.metabolites:
            parts[metabolite].append(own)
    return [np.concatenate(own) for own in parts]


def filled(observations: Observations, gaps: Sequence[Gap], change: Floats) -> Observations:
    """Return observations whose missing readings fit a change of the rows, (n, N) in amounts, by least squares."""
    species = observations.species.copy()
    for gap in gaps:
        amounts = np.linalg.lstsq(gap.effect, change[gap.rows, gap.metabolites])[0]
        own = np.ix_(gap.frames, gap.metabolites)
        species[gap.trajectory][own] += amounts / observations.volume[gap.metabolites]
    return replace(observations, species=species)
