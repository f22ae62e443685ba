"""Features in which the rate of a reaction is linear: principal components of laws of its own participants.

Each component is as long as the laws vary along it, so that a ridge on the weights is a Gaussian-process prior over
smooth laws, with no law singled out. Once rates are known roughly, laws are bred towards them, and the components of
those that come close describe the rate with fewer and better features. A few of the first components stay beside them,
for rates that are not in the family.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gnn.laws import Laws, Participants, Saturations, draw, mutated
from gnn.observations import Floats

_DRAWS, _DRAWS_EACH = 80, 40  # laws of a reaction: in all, and for each participant
_GENERATIONS, _BEST = 8, 40
_WIDE, _WIDE_SHARE = 6, 0.01  # first components that stay, and their share of the prior variance


def wide_features(
    tables: Saturations, own: Participants, most: int, least: float, generator: np.random.Generator
) -> Floats:
    """Return at most `most` features (n, P) from laws drawn anew; none has a share of the variance below `least`."""
    laws = draw(own, _DRAWS + _DRAWS_EACH * own.count if own.count else 1, generator)
    return _components(tables.rates(own, laws), most, least)


def near_features(
    tables: Saturations,
    own: Participants,
    to_rows: Callable[[Floats], Floats],
    rate: Floats,
    most: int,
    generator: np.random.Generator,
) -> Floats:
    """Return features (n, P) around the laws that come closest to a rate, given in rows (m,)."""
    if not own.count:
        return np.ones((tables.frames, 1))
    laws = draw(own, _DRAWS + _DRAWS_EACH * own.count, generator)
    rates = tables.rates(own, laws)
    wide = _components(rates, _WIDE, 1e-6)
    likeness = _likeness(to_rows(rates.T), rate)
    for _ in range(_GENERATIONS):
        best = np.argsort(-likeness)[:_BEST]
        laws, rates, likeness = laws[best], rates[best], likeness[best]
        children = mutated(laws, own, generator)
        new = tables.rates(own, children)
        laws = Laws(*(np.concatenate(pair) for pair in zip(vars(laws).values(), vars(children).values(), strict=True)))
        likeness = np.concatenate([likeness, _likeness(to_rows(new.T), rate)])
        rates = np.concatenate([rates, new])
    near = rates[np.argsort(-likeness)[:_BEST]]
    return np.concatenate([_components(near, most, 1e-10), np.sqrt(_WIDE_SHARE) * wide], axis=1)


def _likeness(rows: Floats, rate: Floats) -> Floats:
    """Return the squared correlation, positive only, of each column of rows (m, L) with a rate (m,)."""
    along = rate @ rows
    return np.asarray(along * np.abs(along) / np.maximum(np.sum(rows**2, axis=0), 1e-300))


def _components(rates: Floats, most: int, least: float) -> Floats:
    """Return the principal components (n, P) of laws (L, n), largest first."""
    share, directions = np.linalg.eigh(rates @ rates.T / (len(rates) * rates.shape[1]))
    keep = np.flatnonzero(share[::-1] > least)[:most]
    return np.asarray(rates.T @ (directions[:, ::-1][:, keep] / np.sqrt(len(rates))))
