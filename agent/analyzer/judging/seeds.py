"""Seeds of an incumbent: those on which its challengers are screened, and those on which they are confirmed.

Both change with the incumbent, so that no luck on a seed outlives it, and all challengers share them, so that the
incumbent is trained on each once. The first seeds of `e0001` are those of the baseline's own measurement.
"""

from __future__ import annotations

from memory.records import experiment_number

BASELINE_SEEDS = (0, 1, 2, 3)
_EACH, _FIRST_FRESH = 1000, 100  # an ablation of `e0002` begins at 2500, beyond what its challengers use


def screen_seeds(incumbent: str, count: int) -> range:
    """Return the first `count` seeds on which challengers of this incumbent are screened."""
    first = (experiment_number(incumbent) - 1) * _EACH
    return range(first, first + count)


def confirm_seeds(incumbent: str, count: int = _FIRST_FRESH) -> range:
    """Return the first `count` seeds on which challengers of this incumbent are confirmed; by default all."""
    first = (experiment_number(incumbent) - 1) * _EACH + _FIRST_FRESH
    return range(first, first + count)


def own_seeds(incumbent: str) -> range:
    """Return all seeds of this incumbent, of both kinds: nothing was selected by its score on them."""
    return screen_seeds(incumbent, 2 * _FIRST_FRESH)
