"""A recovered network as a model of COBRApy, and as SBML, which COBRApy writes."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from agent.errors import StoichloopError
from agent.export.network import RecoveredNetwork

if TYPE_CHECKING:
    from cobra import Model

_COMPARTMENT = re.compile(r"_([a-z]{1,2})$")  # as BiGG names metabolites: atp_c
_LARGEST_FLUX = 1000.0


def to_cobra(network: RecoveredNetwork) -> Model:
    """One reaction for each column of S, in the direction in which it ran, its rate constant in its notes.

    A metabolite's compartment is what its name ends with, else `c`. Raises `StoichloopError` without COBRApy.
    """
    try:
        from cobra import Metabolite, Model, Reaction
    except ImportError as error:
        raise StoichloopError("a network is exported by COBRApy; run pip install 'stoichloop[networks]'") from error
    model = Model(network.regime, name=f"recovered by {network.origin}")
    metabolites = [Metabolite(name, name=name, compartment=_compartment(name)) for name in network.metabolites]
    model.add_metabolites(metabolites)
    reactions = []
    for number, name in enumerate(network.reactions):
        reaction = Reaction(name, name=name, lower_bound=0.0, upper_bound=_LARGEST_FLUX)
        reaction.notes = {"log10_k": f"{network.log_k[number]:.6g}", "origin": network.origin}
        reactions.append(reaction)
    model.add_reactions(reactions)
    for reaction in reactions:
        reaction.add_metabolites({model.metabolites.get_by_id(m): s for m, s in network.column(reaction.id).items()})
    return model


def _compartment(metabolite: str) -> str:
    found = _COMPARTMENT.search(metabolite)
    return found[1] if found else "c"


def write_sbml(network: RecoveredNetwork, path: Path) -> None:
    """Write SBML Level 3 with the package fbc to a file that must not be there yet: all of it, or nothing."""
    if path.exists():
        raise StoichloopError(f"--sbml {path}: exists already; name a file that does not")
    model = to_cobra(network)
    from cobra.io import write_sbml_model

    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".stoichloop-", dir=path.parent) as scratch:
        draft = Path(scratch) / path.name
        write_sbml_model(model, str(draft))
        draft.rename(path)
