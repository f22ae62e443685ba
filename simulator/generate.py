"""Simulation of a regime: its network, its rate laws and its trajectories."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator.candidates import candidate_graph
from simulator.integration import Dynamics, RateLaw, Trajectory
from simulator.kinetics import Floats
from simulator.kinetics.exchange import with_exchange
from simulator.kinetics.input_signals import InputSignals, draw_input_signals
from simulator.kinetics.law_arrays import Law
from simulator.kinetics.law_drawing import draw_reaction_laws
from simulator.kinetics.reaction_laws import ReactionLaws
from simulator.kinetics.recorded_rates import RecordedRates
from simulator.kinetics.shared_functions import SharedFunctions, draw_shared_functions
from simulator.law_mixture import LawMixture
from simulator.network import Graph, Ints, graph_of, stoichiometry_of
from simulator.published_settings import PublishedKinetics, Sampling
from simulator.readings import read
from simulator.regime import Kinetics, Regime, Trajectories
from simulator.stated_kinetics import StatedKinetics
from stoichloop.errors import RegimeError

_MAX_DRAWS = 200


@dataclass(frozen=True)
class System:
    """A simulated system: the shown graph, the truth on it (sto_all, law) and the trajectories.

    `stated` is what the observer is told of rates. `exact` are the training trajectories without noise, `observed` the
    same trajectories as observed.
    """

    graph: Graph
    sto_all: Ints
    law: Law
    stated: StatedKinetics
    exact: list[Trajectory]
    observed: list[Trajectory]
    heldout: list[Trajectory]

    def rates(self) -> Floats:
        """Return the exact rates on all frames of the training trajectories, shape (frames, R)."""
        if isinstance(self.law, RecordedRates):
            return self.law.recorded.reshape(-1, self.graph.n_reactions)
        species = np.concatenate([trajectory.species for trajectory in self.exact])
        return self.law.rates(self.graph, self.sto_all, species)


def simulate(regime: Regime) -> System:
    """Draw and integrate the system of a regime; a regime always gives the same system.

    Rate laws are drawn again until every rate has a coefficient of variation of at least
    `kinetics.min_rate_variation` over the data; raises `RegimeError` if no draw passes.
    """
    network_seed, start_seed, law_seed, dcdt_seed, decoy_seed, concentration_seed, exchange_seed, input_seed = (
        np.random.SeedSequence(regime.seed).spawn(8)
    )
    kinetics, spec = regime.kinetics, regime.trajectories
    if isinstance(kinetics, PublishedKinetics) or isinstance(spec, Sampling):
        raise RegimeError(
            f"the data of '{regime.name}' are missing, and its model alone can make them; give 'stoichloop data --sbml "
            "FILE --kinetics own' again"
        )
    stoichiometry = stoichiometry_of(regime.network, np.random.default_rng(network_seed))
    if isinstance(kinetics, LawMixture):
        stoichiometry //= np.gcd.reduce(stoichiometry, axis=0)
        stoichiometry = with_exchange(stoichiometry, kinetics.exchange, np.random.default_rng(exchange_seed))
    graph = graph_of(stoichiometry)
    sto_all = stoichiometry[graph.met_all, graph.rxn_all]
    shown = candidate_graph(stoichiometry, regime.observation, np.random.default_rng(decoy_seed))

    start = np.random.default_rng(start_seed).uniform(*spec.initial, (spec.count + spec.heldout, graph.n_metabolites))
    surroundings = _Surroundings.draw(kinetics, spec, graph, np.random.default_rng(input_seed))
    rng = np.random.default_rng(law_seed)
    for _ in range(_MAX_DRAWS):
        law = _draw_law(kinetics, spec, graph, sto_all, start, rng)
        stated = _stated(law, graph, surroundings.volume)
        varying = np.array([len(stated.participants(graph, reaction)) > 0 for reaction in range(graph.n_reactions)])
        # Check the starting points first, which is cheap, and integrate only draws that can pass.
        species = np.concatenate([start, surroundings.first_inputs()], axis=1)
        if variation(law, graph, sto_all, species)[varying].min() < kinetics.min_rate_variation:
            continue
        dynamics = Dynamics(law, graph, sto_all, surroundings.volume)
        trajectories = [
            dynamics.integrate(c0, spec, signals) for c0, signals in zip(start, surroundings.signals, strict=True)
        ]
        exact, heldout = trajectories[: spec.count], trajectories[spec.count :]
        species = np.concatenate([trajectory.species for trajectory in exact])
        if variation(law, graph, sto_all, species)[varying].min() >= kinetics.min_rate_variation:
            observed = read(exact, regime.observation, dcdt_seed, concentration_seed)
            return System(shown, stoichiometry[shown.met_all, shown.rxn_all], law, stated, exact, observed, heldout)
    raise RegimeError(
        f"regime '{regime.name}': in {_MAX_DRAWS} draws of the rate laws, some rate always varied less than "
        f"kinetics.min_rate_variation = {kinetics.min_rate_variation}; lower it or raise "
        + ("kinetics.half_saturation" if isinstance(kinetics, LawMixture) else "kinetics.rate_spread")
    )


def variation(law: RateLaw, graph: Graph, sto_all: Ints, species: Floats) -> Floats:
    """Return the standard deviation of each rate over its mean size, shape (R,), at species of shape (F, N + U)."""
    rates = law.rates(graph, sto_all, species)
    return np.asarray(rates.std(axis=0) / np.abs(rates).mean(axis=0))


@dataclass(frozen=True)
class _Surroundings:
    """The inputs of each trajectory, and the volume around each metabolite, shape (N,)."""

    signals: list[InputSignals]
    volume: Floats

    @classmethod
    def draw(
        cls, kinetics: Kinetics | LawMixture, spec: Trajectories, graph: Graph, rng: np.random.Generator
    ) -> _Surroundings:
        """Draw the surroundings; functions that reactions share have no inputs and one volume of 1."""
        volumes = kinetics.volumes if isinstance(kinetics, LawMixture) else (1.0,)
        signals = [
            draw_input_signals(
                kinetics.inputs if isinstance(kinetics, LawMixture) else None, _reference(spec), spec.duration, rng
            )
            for _ in range(spec.count + spec.heldout)
        ]
        return cls(signals, rng.choice(volumes, graph.n_metabolites))

    def first_inputs(self) -> Floats:
        """Return the inputs at the start of each trajectory, shape (T, U)."""
        return np.stack([signals(np.array(0.0)) for signals in self.signals])


def _reference(spec: Trajectories) -> float:
    """Return the reference concentration of rate laws."""
    return float(np.sqrt(np.prod(spec.initial)))


def _draw_law(
    kinetics: Kinetics | LawMixture,
    spec: Trajectories,
    graph: Graph,
    sto_all: Ints,
    start: Floats,
    rng: np.random.Generator,
) -> SharedFunctions | ReactionLaws:
    if isinstance(kinetics, LawMixture):
        return draw_reaction_laws(kinetics, graph, sto_all, _reference(spec), rng)
    return draw_shared_functions(kinetics, graph, sto_all, start, rng)


def _stated(law: SharedFunctions | ReactionLaws, graph: Graph, volume: Floats) -> StatedKinetics:
    if isinstance(law, SharedFunctions):
        return StatedKinetics.plain(graph)
    return StatedKinetics(law.reversible, law.regulators.met_reg, law.regulators.rxn_reg, volume)
