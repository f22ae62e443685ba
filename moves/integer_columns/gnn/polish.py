"""Coordinate descent: columns and functions in turn, until the error no longer falls."""

from __future__ import annotations

from collections.abc import Sequence

from gnn.clock import Clock
from gnn.columns import Candidates
from gnn.integers import settle
from gnn.newton import refine
from gnn.projection import Fit, Problem, with_columns
from gnn.rows import settle_rows
from gnn.search import search

_STEPS = 10  # of the functions, a turn
_TURNS = 20


def polish(problem: Problem, start: Fit, candidates: Sequence[Candidates], clock: Clock) -> Fit:
    """Improve columns and functions in turn, as long as the error falls.

    A turn that does not lower the error is undone and tried again for fewer reactions, those that gain most.
    """
    best = refine(problem, start, _STEPS, clock)
    share = 1.0
    for _ in range(_TURNS):
        found = search(problem, best, candidates)
        wanted = int((found.gain > 0).sum())
        if wanted == 0:
            break
        count = max(1, int(wanted * share))
        trial = with_columns(problem, best, found.surest(problem, best, count))
        trial = with_columns(problem, trial, settle(problem, trial, candidates))
        trial = with_columns(problem, trial, settle_rows(problem, trial, candidates))
        trial = refine(problem, trial, _STEPS, clock)
        if trial.mse < best.mse * (1 - 1e-6):
            best, share = trial, min(1.0, 2 * share)
        elif count == 1:
            break
        else:
            share *= 0.3
    return best
