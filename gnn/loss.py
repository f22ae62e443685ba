"""The loss: a prediction error and penalties on the coefficients. To add a penalty, add a field and a function here.

    L = L_pred + coeff_S_L1 |sto_all|_1 + coeff_S_L2 |sto_all|_2
      + coeff_mass sum_j (sum_i S_ij)^2 + coeff_S_integer sum_e sin^2(pi sto_e)

Only tensor methods are called, so that `gnn.config` can read the fields without importing torch.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gnn.tunable import number

if TYPE_CHECKING:
    from torch import Tensor

    from gnn.observations import Graph


@dataclass(frozen=True, kw_only=True)
class LossCoefficients:
    """The weight of each penalty. `PENALTIES` has one penalty for each field, by its name."""

    coeff_S_L1: float = number(1e-6, 1e-7, 1e-3, "weight of the sum of |coefficient|")
    coeff_S_L2: float = number(1e-6, 1e-7, 1e-2, "weight of the Euclidean norm of the coefficients")
    coeff_mass: float = number(1e-4, 1e-6, 1e-1, "weight of the squared column sums of S (mass balance)")
    coeff_S_integer: float = number(1e-6, 1e-7, 1e-2, "weight of sin^2(pi coefficient), zero at integers")


def _absolute(sto_all: Tensor, graph: Graph) -> Tensor:
    return sto_all.abs().sum()


def _norm(sto_all: Tensor, graph: Graph) -> Tensor:
    return sto_all.square().sum().sqrt()


def _mass_imbalance(sto_all: Tensor, graph: Graph) -> Tensor:
    from gnn.sums import summed  # here, as it imports torch

    return summed(sto_all, graph.rxn_all, graph.n_reactions).square().sum()


def _integrality(sto_all: Tensor, graph: Graph) -> Tensor:
    angle: Tensor = math.pi * sto_all
    return angle.sin().square().sum()


PENALTIES: dict[str, Callable[[Tensor, Graph], Tensor]] = {
    "coeff_S_L1": _absolute,
    "coeff_S_L2": _norm,
    "coeff_mass": _mass_imbalance,
    "coeff_S_integer": _integrality,
}


def prediction_error(predicted: Tensor, dcdt: Tensor, scale: float) -> Tensor:
    """Return L_pred: mean squared error of dc/dt, shape (N, B), in units of its root mean square `scale`."""
    return ((predicted - dcdt) / scale).square().mean()


def penalty(sto_all: Tensor, graph: Graph, weights: Mapping[str, Tensor]) -> Tensor:
    """Return the weighted sum of all penalties on sto_all, shape (E,)."""
    total = sto_all.new_zeros(())
    for name, term in PENALTIES.items():
        total = total + weights[name] * term(sto_all, graph)
    return total
