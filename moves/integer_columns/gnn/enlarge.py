"""Search for magnitudes that no substrate has yet.

substrate_func is unknown at such a magnitude, so a column that contains it never looks good by itself. Here the
substrate keeps its function when it is given the new magnitude: its rate is unchanged and only the coefficient grows.
The other columns are settled around it, and Gauss-Newton steps then fit the function of the new magnitude.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from heapq import nsmallest
from operator import attrgetter

from gnn.clock import Clock
from gnn.columns import Candidates
from gnn.integers import settle
from gnn.newton import refine
from gnn.polish import polish
from gnn.projection import Fit, Problem, fit, with_columns

_ERROR = attrgetter("mse")
_TRIED = 32  # substrates and magnitudes, those that fit best at unchanged rates
_STEPS = 3  # of the functions, a try
_BELIEVED = 0.5  # of the error left: a function of its own absorbs a part of any misfit


def enlarged(problem: Problem, start: Fit, candidates: Sequence[Candidates], clock: Clock) -> Fit:
    """Give one substrate after the other an unused magnitude, as long as that removes half of the remaining error."""
    best = start
    while True:
        tries = nsmallest(_TRIED, _unchanged_rates(problem, best), key=_ERROR)
        settled = [with_columns(problem, trial, settle(problem, trial, candidates)) for trial in tries]
        grown = min((refine(problem, trial, _STEPS, clock) for trial in settled), key=_ERROR, default=best)
        if grown.mse >= _BELIEVED * best.mse:
            return best
        best = polish(problem, grown, candidates, clock)


def _unchanged_rates(problem: Problem, current: Fit) -> Iterator[Fit]:
    """Yield a fit for each substrate and unused magnitude, with the substrate's present function at that magnitude."""
    alphabet = problem.constraints.alphabet
    consumed = (-current.columns[problem.graph.sub_to_all]).tolist()
    unused = [place for place, magnitude in enumerate(alphabet) if magnitude not in consumed]
    for edge, before in zip(problem.graph.sub_to_all.tolist(), consumed, strict=True):
        for place in unused if before > 0 else ():
            columns, substrate = current.columns.clone(), current.functions.substrate.clone()
            columns[edge] = -alphabet[place]
            substrate[place] = substrate[alphabet.index(int(before))]
            yield fit(problem, replace(current.functions, substrate=substrate), columns)
