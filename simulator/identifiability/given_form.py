"""Columns of S whose direction the observations determine, given only the functional form.

Neither function and no k is known. Dynamics determine S_ij k_j at best, that is the ratios within a column;
`column_lengths` deals with its length. Small changes of substrate_func(., m), a function for each magnitude m, and of
rate_func are spanned by cubic B-splines. A change q moves dc_i/dt by sum_j S_ij dv_j(q); coefficients absorb the
part in the span of the rates of metabolite i (variable projection, in Kaufman's linearisation). A direction of q
whose remainder is nearly zero is open, and the coefficients that absorb it are undetermined.

Gauges are removed first. These are changes that alter rates by a common factor only: h times a factor,
softplus(rate_func) times a factor against every k, and shifts of substrate_func that shift h alike in all reactions.

Golub and Pereyra (2003), Separable nonlinear least squares, Inverse Problems 19, R1; Kaufman (1975), BIT 15, 49.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import BSpline
from scipy.linalg import block_diag, null_space
from scipy.special import expit

from simulator.identifiability.given_rates import TOLERANCE, directions_free_of_dynamics
from simulator.kinetics import Floats
from simulator.kinetics.shared_functions import SharedFunctions
from simulator.network import Graph, Ints

_SPLINES = 12  # per function
_FRAMES = 400
# A direction is open if a function can change by as much as it varies while dc/dt changes by less than this share of
# its root mean square. A fit no better than a thousandth cannot detect it; with exact data the direction is not open.
_OPEN = 1e-3
# Below this share, the part of a spline combination beyond the gauges is rounding.
_BEYOND_GAUGES = 1e-3
# A column's ratios move if a change of unit size turns the column by more than this angle.
_TURNED = 1e-2
_STEP = 1e-4


def ratios_determined(
    graph: Graph, sto_all: Ints, law: SharedFunctions, frames: Floats, *, mass_balanced: bool
) -> NDArray[np.bool_]:
    """Return the mask, shape (R,), of columns whose ratios are determined by `frames`, shape (F, N)."""
    wanted = max(_FRAMES, 3 * int(np.bincount(graph.met_all).max()))
    frames = frames[:: max(1, len(frames) // wanted)]
    rates = law.rates(graph, sto_all, frames)
    length = np.linalg.norm(rates, axis=0)
    absorbed = _open_changes(_FunctionChanges.of(graph, sto_all, law, frames), graph, sto_all, rates)
    free = directions_free_of_dynamics(graph, rates / length)
    # Scale changes without effect on dynamics like those that absorb an open change: both turn columns by about 1.
    turns = np.abs(free / length[graph.rxn_all, None]).max(axis=0, initial=0.0)
    moved = np.concatenate([absorbed, free / np.where(turns > 0, turns, 1.0)], axis=1)
    if mass_balanced and moved.shape[1]:
        moved = moved @ null_space(_column_sums(graph, moved) / length[:, None], rcond=TOLERANCE)
    return _turn(graph, sto_all, moved / length[graph.rxn_all, None]) < _TURNED


def _column_sums(graph: Graph, values: Floats) -> Floats:
    """Sum values, shape (E, K), over the edges of each reaction, shape (R, K)."""
    sums = np.zeros((graph.n_reactions, values.shape[1]))
    np.add.at(sums, graph.rxn_all, values)
    return sums


def _turn(graph: Graph, sto_all: Ints, change: Floats) -> Floats:
    """Return the largest angle by which changes of the coefficients, shape (E, K), turn each column, shape (R,)."""
    column = sto_all.astype(float)[:, None]
    power = _column_sums(graph, column**2)
    along = _column_sums(graph, change * column) / power
    across = change - along[graph.rxn_all] * column
    return np.asarray(np.sqrt(_column_sums(graph, across**2) / power).max(axis=1, initial=0.0))


def _open_changes(changes: _FunctionChanges, graph: Graph, sto_all: Ints, rates: Floats) -> Floats:
    """Return the coefficient changes, in units of 1 / |v_j|, shape (E, K), that absorb the K open directions."""
    length = np.linalg.norm(rates, axis=0)
    basis = changes.beyond_gauges()
    remainder = np.zeros((0, basis.shape[1]))
    absorbing = np.zeros((len(sto_all), basis.shape[1]))
    size = np.linalg.norm(rates @ graph.matrix(sto_all).T)
    for metabolite in range(graph.n_metabolites):
        edges = np.flatnonzero(graph.met_all == metabolite)
        reactions = graph.rxn_all[edges]
        moved = sum(s * changes.of_rate(j) for s, j in zip(sto_all[edges], reactions, strict=True)) @ basis
        left, values, right = np.linalg.svd(rates[:, reactions] / length[reactions], full_matrices=False)
        kept = values > TOLERANCE * values[0]
        shadow = left[:, kept].T @ moved
        absorbing[edges] = -(right[kept].T / values[kept]) @ shadow
        rest = (moved - left[:, kept] @ shadow) / size
        remainder = np.asarray(np.linalg.qr(np.concatenate([remainder, rest]), mode="r"))
    _, sizes, directions = np.linalg.svd(remainder)
    return np.asarray(absorbing @ directions[np.append(sizes, np.zeros(len(directions) - len(sizes))) < _OPEN].T)


@dataclass(frozen=True)
class _FunctionChanges:
    """Small changes of both functions, and their effect on rates; P is the number of splines.

    Attributes:
        messages: splines at each concentration, shape (F, N, C). drives: splines at each h, shape (F, R, H).
        magnitude, met_sub, rxn_sub: number of the magnitude, metabolite and reaction of each substrate edge.
        slope: derivative of rate_func at each h, gain: of each rate by rate_func, shape (F, R).
        splines: values of every spline on points of the functions, shape (points, P), in units of the functions'
            own variation. gauges: values of every gauge there, shape (points, G).
    """

    messages: Floats
    drives: Floats
    magnitude: NDArray[np.intp]
    met_sub: Ints
    rxn_sub: Ints
    slope: Floats
    gain: Floats
    splines: Floats
    gauges: Floats

    @classmethod
    def of(cls, graph: Graph, sto_all: Ints, law: SharedFunctions, frames: Floats) -> _FunctionChanges:
        """Return the changes at the true functions."""
        substrates = np.flatnonzero(sto_all < 0)
        magnitudes, magnitude = np.unique(-sto_all[substrates], return_inverse=True)
        drive = law.drive(graph, sto_all, frames)
        c, h = np.quantile(frames, np.linspace(0, 1, 200)), np.quantile(drive, np.linspace(0, 1, 400))
        knots_c, knots_h = _knots(frames), _knots(drive)
        message = np.stack([law.substrate_func(c, np.array(float(m))) for m in magnitudes])
        rate_slope, activity = _slope(law, h), law.rate_func(h)

        # Shifts b_m of the messages that shift h by one b in every reaction: sum_m (substrates with m) b_m = b.
        count = np.zeros((graph.n_reactions, len(magnitudes)))
        np.add.at(count, (graph.rxn_all[substrates], magnitude), 1.0)
        shifts = null_space(np.column_stack([count, -np.ones(graph.n_reactions)]))
        gauges = [
            (message, -h * rate_slope),
            (np.zeros_like(message), np.logaddexp(0.0, activity) / expit(activity)),
            *((np.tile(b[:-1, None], len(c)), -b[-1] * rate_slope) for b in shifts.T),
        ]
        units = 1.0 / (message.std() * np.sqrt(message.size)), 1.0 / (activity.std() * np.sqrt(h.size))
        blocks = [_design(knots_c, c) * units[0]] * len(magnitudes) + [_design(knots_h, h) * units[1]]
        return cls(
            messages=_design(knots_c, frames),
            drives=_design(knots_h, drive),
            magnitude=magnitude,
            met_sub=graph.met_all[substrates],
            rxn_sub=graph.rxn_all[substrates],
            slope=_slope(law, drive),
            gain=10.0**law.log_k * expit(law.rate_func(drive)),
            splines=block_diag(*blocks),
            gauges=np.stack([np.append(m * units[0], r * units[1]) for m, r in gauges], axis=1),
        )

    def beyond_gauges(self) -> Floats:
        """Return combinations of splines, shape (P, K), that are orthonormal functions and orthogonal to the gauges."""
        frame, sizes, _ = np.linalg.svd(self.gauges, full_matrices=False)
        frame = frame[:, sizes > TOLERANCE * sizes[0]]
        beyond = self.splines - frame @ (frame.T @ self.splines)
        _, sizes, directions = np.linalg.svd(beyond, full_matrices=False)
        kept = sizes > _BEYOND_GAUGES * sizes[0]
        return np.asarray(directions[kept].T / sizes[kept])

    def of_rate(self, reaction: int) -> Floats:
        """Return the change of a reaction's rate by each spline, shape (F, P)."""
        width = self.messages.shape[2]
        change = np.zeros((len(self.slope), self.splines.shape[1]))
        for edge in np.flatnonzero(self.rxn_sub == reaction):
            first = self.magnitude[edge] * width
            change[:, first : first + width] += self.messages[:, self.met_sub[edge]]
        change *= self.slope[:, reaction, None]
        change[:, -self.drives.shape[2] :] = self.drives[:, reaction]
        return change * self.gain[:, reaction, None]


def _knots(values: Floats) -> Floats:
    """Return knots of cubic splines at the quantiles of values, so that each spline meets data."""
    inner = np.unique(np.quantile(values, np.linspace(0, 1, _SPLINES - 2)))
    return np.concatenate([np.repeat(inner[0], 3), inner, np.repeat(inner[-1], 3)])


def _design(knots: Floats, values: Floats) -> Floats:
    """Evaluate every spline at values of any shape, along an additional last axis."""
    design = BSpline.design_matrix(values.ravel(), knots, 3).toarray()
    return np.asarray(design).reshape(*values.shape, -1)


def _slope(law: SharedFunctions, drive: Floats) -> Floats:
    """Return the derivative of rate_func."""
    return (law.rate_func(drive + _STEP) - law.rate_func(drive - _STEP)) / (2.0 * _STEP)
