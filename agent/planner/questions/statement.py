"""The statement of a regime for planners: a trial's knowledge of the network and the data, in sentences.

Neither S, nor rate constants, nor functions, nor the number of false edges enter.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from agent.analyzer.diagnostics.observed import Observed, read_observed
from memory.formatting import counted
from simulator.dataset import FrozenData
from simulator.regime import Regime
from simulator.stated_columns import StatedColumns

_DERIVATIVE = "gnn/derivative.py"


def statement_of(dataset: FrozenData) -> tuple[str, ...]:
    """Return what frozen data state, one sentence each."""
    observed = read_observed(dataset.observations_path)
    return (
        *_network(observed),
        *_rates(observed),
        *_columns(dataset.stated_columns),
        *_frames(observed, dataset.regime if isinstance(dataset.regime, Regime) else None),
    )


def unused_files(dataset: FrozenData) -> frozenset[str]:
    """Return the files of the code that training on these data does not run."""
    return frozenset() if read_observed(dataset.observations_path).dcdt is None else frozenset({_DERIVATIVE})


def _network(observed: Observed) -> Iterator[str]:
    graph, stated = observed.graph, observed.constraints
    yield (
        f"S has {graph.n_metabolites} rows, the metabolites, and {graph.n_reactions} columns, the reactions. "
        f"{len(graph.role)} of their pairs are edges (`sto_all` has one entry for each); all other entries are 0."
    )
    yield f"The magnitude of a coefficient is {' or '.join(map(str, stated.alphabet))} (`constraints.alphabet`)."
    if stated.mass_balanced:
        yield "Every column of S sums to zero: mass is balanced (`constraints.mass_balanced`)."
    else:
        yield "Columns of S need not sum to zero: no mass balance is stated."
    yield (
        f"A reaction has 1 to {counted(stated.max_substrates, 'substrate')} "
        f"and 1 to {counted(stated.max_products, 'product')}."
    )
    if graph.role.all():
        yield "The role of every edge is given (`graph.role`): -1 for a substrate, +1 for a product, the sign of S."
    else:
        yield "The roles of edges are not given: signs of S have to be found too."
    if stated.may_be_absent:
        yield "An edge may be false (`constraints.may_be_absent`): then its coefficient is 0, and finding that counts."
    else:
        yield "No edge is false: each has a coefficient other than 0."
    if stated.primitive:
        yield "The coefficients of a reaction have no common divisor (array `primitive` of the observations)."


def _rates(observed: Observed) -> Iterator[str]:
    stated = observed.stated
    if stated is None:
        return
    sides = np.bincount(observed.graph.rxn_all, minlength=observed.graph.n_reactions)
    volumes = len(np.unique(stated.volume))
    yield "Each reaction has a rate law of its own, which is not given; the arrays of the observations say what is."
    yield f"{counted(int(np.sum(sides == 1)), 'reaction')} exchange with the outside: their columns have one entry."
    yield f"{counted(int(stated.reversible.sum()), 'reaction')} are reversible (`reversible`): rates may be negative."
    yield (
        f"There are {counted(len(stated.met_reg), 'pair')} of a regulator and its reaction (`met_reg`, `rxn_reg`); "
        f"species beyond the metabolites are {counted(observed.inputs, 'input')} given over time (`inputs`)."
    )
    yield f"Metabolites lie in {counted(volumes, 'volume')} (`volume`): dc/dt is S times the rates, over the volume."


def _columns(stated: StatedColumns) -> Iterator[str]:
    """Yield what a user states of coefficients, and what was not measured."""
    sentences = {
        "coefficients are known (`known`) and need no recovery": int(np.sum(stated.known != 0)),
        "coefficients are tied to others (`tied`): they have equal magnitudes": int(np.sum(stated.tied > 0)),
        "conserved totals are stated (`conserved`): these weights times S are 0": len(stated.conserved),
        "columns lack members that were not measured (`incomplete`)": int(stated.incomplete.sum()),
        "rates depend on something that was not measured (`unobserved_rate`)": int(stated.unobserved_rate.sum()),
    }
    yield from (f"{count} {what}." for what, count in sentences.items() if count)


def _frames(observed: Observed, regime: Regime | None) -> Iterator[str]:
    """Yield sentences on the frames; `regime` is None where they are measured."""
    frames, each = len(observed.concentration), len(observed.concentration) // observed.trajectories
    yield f"The data are {frames} frames: {observed.trajectories} trajectories of {each} each."
    if regime is None:
        yield "They are measurements, whose noise is not known."
    else:
        yield f"Concentrations are {_noise(regime.observation.concentration_noise)}."
    size = observed.size
    if size is None:
        yield f"dc/dt is not given; `{_DERIVATIVE}` estimates it from the concentrations."
        return
    yield "dc/dt is given" + (f", {_noise(regime.observation.dcdt_noise)}." if regime else ".")
    moving = size[size > 0]
    low, middle, high = np.percentile(moving, [0, 50, 100]) if len(moving) else (0.0, 0.0, 0.0)
    yield (
        f"The root mean square of dc/dt differs between metabolites: "
        f"from {low:.2g} to {high:.2g}, with median {middle:.2g}."
    )


def _noise(share: float) -> str:
    return f"with Gaussian noise of {share:.3g} times the root mean square of each metabolite" if share else "exact"
