"""Drawing of a rate law for each reaction from the mixture of a regime."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from simulator.kinetics import Floats
from simulator.kinetics.reaction_laws import LAWS, ReactionLaws
from simulator.kinetics.regulators import Regulators
from simulator.law_mixture import LawMixture
from simulator.network import Graph, Ints

_ONE_WAY = [name.removeprefix("reversible_") for name in LAWS]


def draw_reaction_laws(
    spec: LawMixture, graph: Graph, sto_all: Ints, reference: float, rng: np.random.Generator
) -> ReactionLaws:
    """Draw the law, the parameters and the regulators of each reaction.

    An exchange reaction is irreversible, since its outside has no concentration, and has no regulators.
    """
    edges, exchange = len(sto_all), np.bincount(graph.rxn_all, minlength=graph.n_reactions) == 1
    weights = np.array([spec.laws.get(name, 0.0) for name in LAWS])
    law = rng.choice(len(LAWS), graph.n_reactions, p=weights / weights.sum())
    law = np.where(exchange, [LAWS.index(_ONE_WAY[index]) for index in law], law)
    half = reference * _log_uniform(spec.half_saturation, edges, rng)
    power = rng.uniform(*spec.power, edges)
    potential = rng.normal(0.0, spec.potential, graph.n_metabolites)
    laws = ReactionLaws(
        law=law,
        log_k=np.zeros(graph.n_reactions),
        log_equilibrium=-(potential @ graph.matrix(sto_all)),
        half=np.where(np.isin(law, _indices("mass_action"))[graph.rxn_all], reference, half),
        power=np.where((law == LAWS.index("hill"))[graph.rxn_all], power, 1.0),
        reference=np.array(reference),
        regulators=_draw_regulators(spec, graph, exchange, reference, rng),
    )
    # Where all concentrations are equal, so that the mass-action ratio is 1, backward over forward is 1 / K.
    backward = np.where(laws.reversible, np.logaddexp(0.0, -laws.log_equilibrium) / np.log(10.0), 0.0)
    log_k = rng.uniform(*spec.log_rate, graph.n_reactions) - _log_forward(laws, graph, sto_all) - backward
    return replace(laws, log_k=log_k)


def _log_forward(laws: ReactionLaws, graph: Graph, sto_all: Ints) -> Floats:
    """Return log10 of the forward rates for k = 1 at the reference concentration, without regulators."""
    none = np.zeros(0, dtype=np.int64)
    forward = replace(
        laws,
        log_equilibrium=np.full(graph.n_reactions, np.inf),
        regulators=Regulators(none, none, none.astype(np.int8), none.astype(float), none.astype(float)),
    )
    return np.log10(forward.rates(graph, sto_all, np.full(graph.n_metabolites, laws.reference)))


def _draw_regulators(
    spec: LawMixture,
    graph: Graph,
    exchange: np.ndarray[tuple[int, ...], np.dtype[np.bool_]],
    reference: float,
    rng: np.random.Generator,
) -> Regulators:
    """Draw the regulators of each reaction among the metabolites that take no part in it, and the targets of inputs."""
    inner = np.flatnonzero(~exchange)
    pairs: list[tuple[int, int]] = []
    if spec.regulation:
        for reaction in inner[rng.random(len(inner)) < spec.regulation.share]:
            others = np.setdiff1d(np.arange(graph.n_metabolites), graph.met_all[graph.rxn_all == reaction])
            chosen = rng.choice(others, rng.integers(1, spec.regulation.most + 1), replace=False)
            pairs += [(int(metabolite), int(reaction)) for metabolite in chosen]
    if spec.inputs:
        for number in range(spec.inputs.count):
            targets = rng.choice(inner, spec.inputs.reactions, replace=False)
            pairs += [(graph.n_metabolites + number, int(reaction)) for reaction in targets]
    met_reg, rxn_reg = np.array(sorted(pairs, key=lambda pair: pair[::-1]), dtype=np.int64).reshape(-1, 2).T
    inhibits = rng.random(len(pairs)) < (spec.regulation.inhibiting if spec.regulation else 0.0)
    return Regulators(
        met_reg=met_reg,
        rxn_reg=rxn_reg,
        effect=np.where(inhibits, -1, 1).astype(np.int8),
        half=reference * _log_uniform(spec.half_saturation, len(pairs), rng),
        power=rng.uniform(*spec.power, len(pairs)),
    )


def _log_uniform(interval: tuple[float, float], count: int, rng: np.random.Generator) -> Floats:
    return np.asarray(np.exp(rng.uniform(np.log(interval[0]), np.log(interval[1]), count)))


def _indices(suffix: str) -> list[int]:
    return [index for index, name in enumerate(LAWS) if name.endswith(suffix)]
