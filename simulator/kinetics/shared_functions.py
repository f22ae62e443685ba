"""The rate law of PDE_M1 and the random functions in it.

dc_i/dt = sum_j S_ij v_j(c)        v_j = 10^log_k_j softplus(rate_func(h_j))
h_j     = sum over substrate edges of j of substrate_func(c_i, |S_ij|)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator.kinetics import Floats
from simulator.kinetics.group_sums import group_sums
from simulator.network import Graph, Ints
from simulator.regime import Kinetics


@dataclass(frozen=True)
class RandomFunction:
    """A two-layer tanh network, affinely standardised: `scale * (mlp((x - shift) / width)) + offset`.

    Attributes:
        shift, width: standardise each input, shape (D,).
        weights_1 (D, H), bias_1 (H,), weights_2 (H, H), bias_2 (H,), weights_3 (H,): the network.
        scale, offset: standardise the output, shape ().
    """

    shift: Floats
    width: Floats
    weights_1: Floats
    bias_1: Floats
    weights_2: Floats
    bias_2: Floats
    weights_3: Floats
    scale: Floats
    offset: Floats

    def __call__(self, *inputs: Floats) -> Floats:
        """Evaluate on D broadcastable arrays; the result has their common shape."""
        x = (np.stack(np.broadcast_arrays(*inputs), axis=-1) - self.shift) / self.width
        x = _layer(x, self.weights_1, self.bias_1)
        x = _layer(x, self.weights_2, self.bias_2)
        return np.asarray(x @ self.weights_3 * self.scale + self.offset)


def _layer(x: Floats, weights: Floats, bias: Floats) -> Floats:
    """Return tanh(x weights + bias), computed in place: over all frames, a hidden layer has hundreds of megabytes."""
    hidden = x @ weights
    hidden += bias
    return np.tanh(hidden, out=hidden)


def _draw_function(rng: np.random.Generator, hidden: int, low: list[float], high: list[float]) -> RandomFunction:
    """Draw a function that is nonlinear over the box [low, high]; a default initialisation is not.

    Gain 1.5 on standardised inputs brings the hidden units into the curved part of tanh.
    """
    box = np.array([low, high])
    inputs = len(low)
    width = (box[1] - box[0]) / 2
    return RandomFunction(
        shift=box.mean(axis=0),
        width=np.where(width > 0, width, 1.0),  # an alphabet of one magnitude has no width
        weights_1=rng.normal(0.0, 1.5 / np.sqrt(inputs), (inputs, hidden)),
        bias_1=rng.normal(0.0, 1.5, hidden),
        weights_2=rng.normal(0.0, 1.5 / np.sqrt(hidden), (hidden, hidden)),
        bias_2=rng.normal(0.0, 0.5, hidden),
        weights_3=rng.normal(0.0, 1.0 / np.sqrt(hidden), hidden),
        scale=np.array(1.0),
        offset=np.array(0.0),
    )


def _standardised(function: RandomFunction, values: Floats, spread: float) -> RandomFunction:
    """Rescale a function to zero mean and standard deviation `spread` over its outputs `values`."""
    scale = spread / values.std()
    return RandomFunction(**{**vars(function), "scale": np.array(scale), "offset": np.array(-scale * values.mean())})


@dataclass(frozen=True)
class SharedFunctions:
    """The map from concentrations to rates, of PDE_M1.

    Attributes:
        log_k: log10 of the rate constants, shape (R,).
        substrate_func: (c, |s|) -> message. rate_func: h -> argument of softplus.
    """

    log_k: Floats
    substrate_func: RandomFunction
    rate_func: RandomFunction

    def drive(self, graph: Graph, sto_all: Ints, concentration: Floats) -> Floats:
        """Return h, shape (..., R), of concentrations, shape (..., N). Substrates are the edges with S < 0."""
        substrates = np.flatnonzero(sto_all < 0)
        messages = self.substrate_func(
            concentration[..., graph.met_all[substrates]], np.abs(sto_all[substrates]).astype(float)
        )
        rows = messages.reshape(-1, messages.shape[-1])
        summed = group_sums(rows, graph.rxn_all[substrates], graph.n_reactions)
        return summed.reshape(*messages.shape[:-1], graph.n_reactions)

    def rates(self, graph: Graph, sto_all: Ints, concentration: Floats) -> Floats:
        """Return v, shape (..., R), in concentration per time unit."""
        drive = self.drive(graph, sto_all, concentration)
        return np.asarray(10.0**self.log_k * np.logaddexp(0.0, self.rate_func(drive)))


def draw_shared_functions(
    spec: Kinetics, graph: Graph, sto_all: Ints, start: Floats, rng: np.random.Generator
) -> SharedFunctions:
    """Draw rate constants and functions, standardised over the concentrations in `start`, shape (T, N)."""
    log_k = rng.uniform(*spec.log_k, graph.n_reactions)
    magnitudes = np.unique(np.abs(sto_all)).astype(float)
    top = float(start.max())

    substrate = _draw_function(rng, spec.hidden, [0.0, float(magnitudes[0])], [top, float(magnitudes[-1])])
    grid = np.linspace(0.0, top, 200)[:, None]
    substrate = _standardised(substrate, substrate(grid, magnitudes[None, :]), 1.0)

    identity = _draw_function(rng, spec.hidden, [-1.0], [1.0])
    drive = SharedFunctions(log_k, substrate, identity).drive(graph, sto_all, start)
    rate = _draw_function(rng, spec.hidden, [float(drive.min())], [float(drive.max())])
    rate = _standardised(rate, rate(drive), spec.rate_spread)
    return SharedFunctions(log_k, substrate, rate)
