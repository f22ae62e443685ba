"""The network that a trial recovered: decoded integers with the regime's names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from agent.analyzer.scoring.alignment import column_scale
from agent.analyzer.scoring.decode import decode
from agent.analyzer.scoring.estimate import Estimate, EstimateError, read_estimate
from agent.campaign.folder import CampaignFolder, find_experiment
from agent.executor.artifacts import ESTIMATE
from agent.executor.trial import FIDELITIES
from agent.executor.workspace import Workspace
from agent.training.determined import determined, with_confidence
from memory.leaderboard import incumbent, typical_trial
from memory.ledger import Ledger
from memory.records import TrialResult
from simulator.dataset import FrozenData, check
from simulator.kinetics import Floats
from simulator.measured_regime import Measured, find_known
from simulator.network import Graph, Ints
from simulator.regime import Regime
from stoichloop.errors import StoichloopError
from stoichloop.extras import how_to_install

if TYPE_CHECKING:
    from cobra import Model

RESULT = "result.json"  # file name in a folder of `train --out`

_COMPARTMENT = re.compile(r"_([a-z]{1,2})$")  # as BiGG names metabolites: atp_c
_LARGEST_FLUX = 1000.0
_SIBLING = re.compile(r"(.+)_sibling(\d+)")


class _Kept(BaseModel):
    """The keys needed from the `result.json` of `train --out`."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    regime: str
    dataset: str
    seed: int


@dataclass(frozen=True)
class RecoveredNetwork:
    """The integer matrix S of a trial, and its rate constants.

    Attributes:
        regime, origin: name of the regime; campaign and trial, in words.
        metabolites, reactions: names of the rows and columns of S.
        stoichiometry: S, shape (N, R). Nothing of the truth is in it.
        log_k: log10 of each rate constant, shape (R,), rescaled to these integers by the ratio of the estimated
            column's length to theirs. One common factor is undetermined.
        determined: false where the data do not determine a coefficient, shape (N, R).
        reversible: names of the reactions that the user stated as reversible.
    """

    regime: str
    origin: str
    metabolites: tuple[str, ...]
    reactions: tuple[str, ...]
    stoichiometry: Ints
    log_k: Floats
    determined: NDArray[np.bool_]
    reversible: frozenset[str] = frozenset()

    def __repr__(self) -> str:
        shape = f"{len(self.metabolites)} metabolites, {len(self.reactions)} reactions"
        return f"<RecoveredNetwork on {self.regime}: {shape}, from {self.origin}>"

    def __str__(self) -> str:
        return "\n".join(f"{name}: {self.equation(name)}" for name in self.reactions)

    def equation(self, reaction: str) -> str:
        """Return a reaction as text, like `2 atp + glc -> adp`; `2? atp` is a coefficient that is not determined."""
        sides = {-1: list[str](), 1: list[str]()}
        for metabolite, integer in self.column(reaction).items():
            known = metabolite not in self.undetermined(reaction)
            amount = "" if known and abs(integer) == 1 else f"{abs(integer)}{'' if known else '?'} "
            sides[1 if integer > 0 else -1].append(amount + metabolite)
        arrow = " <-> " if reaction in self.reversible else " -> "
        return arrow.join(" + ".join(side) for side in sides.values()).strip()

    def column(self, reaction: str) -> dict[str, int]:
        """Return the coefficient of each metabolite in a reaction, substrates negative."""
        column = self.stoichiometry[:, self.reactions.index(reaction)]
        return {self.metabolites[row]: int(column[row]) for row in np.flatnonzero(column)}

    def undetermined(self, reaction: str) -> list[str]:
        """Return the metabolites whose coefficients in a reaction the data do not determine."""
        return [self.metabolites[row] for row in np.flatnonzero(~self.determined[:, self.reactions.index(reaction)])]

    def to_cobra(self) -> Model:
        """Return a COBRApy model; needs the extra `networks`."""
        return _to_cobra(self)


def network_of(estimate: Estimate, regime: Regime | Measured, graph: Graph, origin: str) -> RecoveredNetwork:
    """Decode an estimate."""
    stated = regime.network.stated_columns() if isinstance(regime, Measured) else None
    integers = decode(graph, estimate.sto_all, regime.constraints, stated)
    known = np.ones((graph.n_metabolites, graph.n_reactions), dtype=bool)
    known[graph.met_all, graph.rxn_all] = determined(graph, estimate.confidence, stated)
    return RecoveredNetwork(
        regime=regime.name,
        origin=origin,
        metabolites=regime.metabolite_names,
        reactions=regime.reaction_names,
        stoichiometry=graph.matrix(integers).astype(np.int64),
        log_k=estimate.log_k + np.log10(column_scale(graph, estimate.sto_all, integers)),
        determined=known,
        reversible=_reversible(regime),
    )


def _reversible(regime: Regime | Measured) -> frozenset[str]:
    reactions = regime.network.reactions.items() if isinstance(regime, Measured) else ()
    return frozenset(name for name, equation in reactions if equation.reversible)


def network_of_campaign(workspace: Workspace, campaign: CampaignFolder, experiment: str | None) -> RecoveredNetwork:
    """Return the network that an experiment or the incumbent recovered; raise `StoichloopError` without one."""
    trial = representative(campaign, experiment)
    dataset = _frozen(workspace, campaign.settings.regime, campaign.settings.dataset)
    origin = f"campaign {campaign.settings.name}, trial {trial.trial}"
    return network_of(_read(campaign.folder / trial.folder, dataset), dataset.regime, dataset.graph, origin)


def network_of_run(workspace: Workspace, folder: Path) -> RecoveredNetwork:
    """Return the network in a folder of `train --out`; raise `StoichloopError` without one."""
    try:
        kept = _Kept.model_validate_json((folder / RESULT).read_bytes())
    except (OSError, ValidationError) as error:
        raise StoichloopError(
            f"--run {folder}: there is no {RESULT} in it; give a folder that 'stoichloop train --out' wrote"
        ) from error
    dataset = _frozen(workspace, kept.regime, kept.dataset)
    return network_of(_read(folder, dataset), dataset.regime, dataset.graph, f"a run with seed {kept.seed}")


def estimate_of(workspace: Workspace, campaign: CampaignFolder, experiment: str | None) -> Estimate:
    """Return the estimate of an experiment or the incumbent; raise `StoichloopError` without one."""
    dataset = _frozen(workspace, campaign.settings.regime, campaign.settings.dataset)
    return _read(campaign.folder / representative(campaign, experiment).folder, dataset)


def representative(campaign: CampaignFolder, name: str | None) -> TrialResult:
    """Return the trial nearest to the mean score at the highest completed fidelity of an experiment or the incumbent.

    Raises `StoichloopError` if there is none.
    """
    with Ledger(campaign.ledger_path, readonly=True) as ledger:
        experiment = incumbent(ledger.experiments()) if name is None else find_experiment(campaign, ledger, name)
    if experiment is None:
        raise StoichloopError(f"campaign '{campaign.settings.name}' has no incumbent yet: its baseline is not measured")
    for fidelity in reversed(FIDELITIES):
        if trial := typical_trial(experiment, fidelity):
            return trial
    raise StoichloopError(
        f"no trial of {experiment.id} has completed, so there is no estimate; choose another experiment"
    )


def _frozen(workspace: Workspace, name: str, fingerprint: str) -> FrozenData:
    """Return the data that an estimate was made from; raise `StoichloopError` if they have changed."""
    parent = _SIBLING.fullmatch(name)
    known = find_known(parent[1] if parent else name, workspace.data)
    regime = known.sibling(int(parent[2])) if parent else known
    dataset = FrozenData(regime, workspace.data / regime.name, check(regime, workspace.data))
    if dataset.manifest.fingerprint() != fingerprint:
        raise StoichloopError(
            f"{dataset.folder}: the data have changed since the estimate was made; restore them, or train again"
        )
    return dataset


def _read(folder: Path, dataset: FrozenData) -> Estimate:
    try:
        return with_confidence(read_estimate(folder / ESTIMATE, dataset.graph), dataset)
    except EstimateError as error:
        raise StoichloopError(f"{folder}: {error}; run the trial again to recreate it") from error


def _to_cobra(network: RecoveredNetwork) -> Model:
    """Return a model with one reaction per column of S and its rate constant in the notes.

    A metabolite's compartment is the suffix of its name, or `c`. Where all names have the prefixes of SBML files, ids
    are without, as COBRApy reads and writes them. Raises `StoichloopError` without COBRApy.
    """
    try:
        from cobra import Metabolite, Model, Reaction
    except ImportError as error:
        raise StoichloopError(f"COBRApy, which exports networks, is missing; {how_to_install('networks')}") from error
    prefixed = all(m.startswith("M_") for m in network.metabolites) and all(
        r.startswith("R_") for r in network.reactions
    )
    skipped = len("M_") if prefixed else 0
    model = Model(network.regime, name=f"recovered by {network.origin}")
    model.add_metabolites([Metabolite(m[skipped:], name=m, compartment=_compartment(m)) for m in network.metabolites])
    reactions = []
    for number, name in enumerate(network.reactions):
        lowest = -_LARGEST_FLUX if name in network.reversible else 0.0
        reaction = Reaction(name[skipped:], name=name, lower_bound=lowest, upper_bound=_LARGEST_FLUX)
        reaction.notes = {"log10_k": f"{network.log_k[number]:.6g}", "origin": network.origin}
        if undetermined := network.undetermined(name):
            reaction.notes["not_determined"] = ", ".join(undetermined)
        reactions.append(reaction)
    model.add_reactions(reactions)
    for reaction in reactions:
        column = network.column(reaction.name).items()
        reaction.add_metabolites({model.metabolites.get_by_id(m[skipped:]): s for m, s in column})
    return model


def _compartment(metabolite: str) -> str:
    found = _COMPARTMENT.search(metabolite)
    return found[1] if found else "c"
