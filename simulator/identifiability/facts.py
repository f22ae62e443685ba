"""Facts about a simulated dataset, and masks of the coefficients that can be recovered."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from simulator.generate import System
from simulator.identifiability.column_lengths import ScaleFree, scale_free
from simulator.identifiability.given_form import ratios_determined
from simulator.identifiability.given_participants import directions_determined
from simulator.identifiability.given_rates import analyse
from simulator.kinetics import Floats
from simulator.kinetics.shared_functions import SharedFunctions
from simulator.regime import Constraints, Regime


class Facts(BaseModel):
    """The report of `stoichloop data`. Concentrations and times are in the regime's arbitrary units.

    Rates, concentrations and identifiable edges are those of the exact trajectories, before any noise.
    Reactions and metabolites are numbered as in S; `metabolite_names` and `reaction_names` name them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    metabolites: int
    reactions: int
    edges: int
    true_edges: int
    metabolite_names: tuple[str, ...]
    reaction_names: tuple[str, ...]
    trajectories: int
    frames: int
    heldout_trajectories: int
    followed_for: tuple[float, ...]
    activity_rank: int
    rate_variation: tuple[float, ...]
    smallest_concentration: float
    identifiable_edges: int
    identifiable_edges_given_form: int
    null_dimension: int
    proportional_reactions: tuple[tuple[int, ...], ...]
    collinear_groups: tuple[tuple[tuple[int, int], ...], ...]
    scale_free_reactions: tuple[int, ...]
    scale_free_resolved: tuple[int, ...]


@dataclass(frozen=True)
class Identifiable:
    """Masks of the edges whose coefficient the observations determine, each of shape (E,).

    Attributes:
        edges: given all rates, except in columns whose length is undetermined. Scores use this mask.
        edges_given_form: given only the functional form; with a rate law for each reaction, given only on what each
            rate depends.
    """

    edges: NDArray[np.bool_]
    edges_given_form: NDArray[np.bool_]


def examine(regime: Regime, system: System) -> tuple[Facts, Identifiable]:
    """Return all facts of a simulated system."""
    graph, sto_all, constraints = system.graph, system.sto_all, regime.constraints
    frames = np.concatenate([trajectory.concentration for trajectory in system.exact])
    species = np.concatenate([trajectory.species for trajectory in system.exact])
    every = np.concatenate([frames, *(trajectory.concentration for trajectory in system.heldout)])
    rates = system.rates()
    given_rates = analyse(graph, rates, mass_balanced=constraints.mass_balanced)
    lengths, ratios = _columns(system, species, rates, constraints)
    # Without k only ratios count: one undetermined coefficient leaves no ratio of its column.
    ratios[graph.rxn_all[~given_rates.edges]] = False
    # A coefficient of zero does not depend on the length of its column.
    length_known = (lengths.resolved | ~lengths.ambiguous)[graph.rxn_all] | (sto_all == 0)
    edges = given_rates.edges & length_known
    edges_given_form = ratios[graph.rxn_all] & length_known
    facts = Facts(
        metabolites=graph.n_metabolites,
        reactions=graph.n_reactions,
        edges=len(sto_all),
        true_edges=int(np.count_nonzero(sto_all)),
        metabolite_names=regime.metabolite_names,
        reaction_names=regime.reaction_names,
        trajectories=len(system.exact),
        frames=len(frames),
        heldout_trajectories=len(system.heldout),
        followed_for=tuple(float(trajectory.time[-1]) for trajectory in system.exact),
        activity_rank=activity_rank(frames),
        rate_variation=tuple((rates.std(axis=0) / np.maximum(np.abs(rates).mean(axis=0), 1e-300)).tolist()),
        smallest_concentration=float(every.min()),
        identifiable_edges=int(edges.sum()),
        identifiable_edges_given_form=int(edges_given_form.sum()),
        null_dimension=given_rates.null_dimension,
        proportional_reactions=given_rates.proportional,
        collinear_groups=tuple(
            tuple((int(graph.met_all[edge]), int(graph.rxn_all[edge])) for edge in group)
            for group in given_rates.collinear
        ),
        scale_free_reactions=tuple(np.flatnonzero(lengths.ambiguous).tolist()),
        scale_free_resolved=tuple(np.flatnonzero(lengths.resolved).tolist()),
    )
    return facts, Identifiable(edges, edges_given_form)


def _columns(
    system: System, species: Floats, rates: Floats, constraints: Constraints
) -> tuple[ScaleFree, NDArray[np.bool_]]:
    """Return the columns of open length, and the mask, shape (R,), of those whose ratios are determined without k."""
    graph, sto_all, law = system.graph, system.sto_all, system.law
    balanced = constraints.mass_balanced
    if isinstance(law, SharedFunctions):
        lengths = scale_free(graph, sto_all, law, species, constraints.alphabet)
        return lengths, ratios_determined(graph, sto_all, law, species, mass_balanced=balanced)
    none = np.zeros(graph.n_reactions, dtype=bool)  # no column has a common divisor, which settles its length
    directions = directions_determined(graph, sto_all, system.stated, species, rates, mass_balanced=balanced)
    return ScaleFree(none, none), directions


def activity_rank(frames: Floats, share: float = 0.99) -> int:
    """Count the principal components (centred) that carry `share` of the variance of frames, shape (F, N)."""
    power = np.linalg.svd(frames - frames.mean(axis=0), compute_uv=False) ** 2
    return int(np.searchsorted(np.cumsum(power) / power.sum(), share) + 1)
