"""Seeds of an incumbent: those on which its challengers are screened, and those on which they are confirmed.

Both change with the incumbent, so that no luck on a seed outlives it, and all challengers share them, so that the
incumbent is trained on each once. The first seeds of `e0001` are those of the baseline's own measurement.
"""

from __future__ import annotations

from memory.records import experiment_number

BASELINE_SEEDS = (0, 1, 2, 3)
_EACH, _FIRST_FRESH = 1000, 100  # an ablation of `e0002` begins at 2500, beyond what its challengers use


def screen_seeds(incumbent: str, count: int) -> tuple[int, ...]:
    """Return the first `count` seeds on which challengers of this incumbent are screened."""
    first = (experiment_number(incumbent) - 1) * _EACH
    return tuple(range(first, first + count))


def confirm_seeds(incumbent: str, count: int) -> tuple[int, ...]:
    """Return the first `count` seeds on which challengers of this incumbent are confirmed."""
    return tuple(seed + _FIRST_FRESH for seed in screen_seeds(incumbent, count))


def is_fresh(seed: int, incumbent: str) -> bool:
    """Return whether a seed is one on which challengers of this incumbent are confirmed."""
    first = screen_seeds(incumbent, 1)[0] + _FIRST_FRESH
    return first <= seed < first + _FIRST_FRESH


def is_own(seed: int, incumbent: str) -> bool:
    """Return whether a seed belongs to this incumbent, so that nothing was selected by its score there."""
    return is_fresh(seed, incumbent) or seed in screen_seeds(incumbent, _FIRST_FRESH)
