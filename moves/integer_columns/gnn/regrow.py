"""Escape from a local minimum: the columns that explain least are dropped and grown again around the others.

Several wrong columns can compensate each other, so that no single change helps. Once the functions are nearly right,
pursuit finds most columns at once, which makes dropping them cheap.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Generator, Tensor

from gnn.clock import Clock
from gnn.columns import Candidates
from gnn.polish import polish
from gnn.projection import Fit, Problem, with_columns
from gnn.pursuit import grown
from gnn.search import highest

_FORGOTTEN = 0.3  # of the reactions, a try
_BETTER = 0.9  # of the error, for a try to have helped


def regrown(
    problem: Problem,
    start: Fit,
    candidates: Sequence[Candidates],
    patience: int,
    generator: Generator,
    clock: Clock,
) -> Fit:
    """Drop and grow doubtful columns until `patience` tries in a row have not helped; return the best fit."""
    best, failures = start, 0
    while failures < patience:
        columns = best.columns.masked_fill(_doubtful(problem, best, generator)[problem.graph.rxn_all], 0.0)
        trial = grown(problem, with_columns(problem, best, columns), candidates, clock)
        trial = polish(problem, trial, candidates, clock)
        failures = 0 if trial.mse < _BETTER * best.mse else failures + 1
        best = trial if trial.mse < best.mse else best
    return best


def _doubtful(problem: Problem, current: Fit, generator: Generator) -> Tensor:
    """Mark reactions (R,) whose metabolites have the largest residual, times a random factor so that tries differ."""
    unexplained = current.residual.square().mean(1, keepdim=True)
    takes_part = problem.matrix((current.columns != 0).double())
    doubt = (takes_part * unexplained).sum(0) / takes_part.sum(0).clamp(min=1.0)
    luck = torch.randn(len(doubt), generator=generator, dtype=torch.float64).to(doubt.device)
    return highest(doubt * luck.exp(), int(_FORGOTTEN * len(doubt)))
