"""Structure of an SBML model for measurements: who takes part in which reaction and in its rate.

Ids are those of the file. No coefficient is read into the network: not into the alphabet, and not into mass balance.
Coefficients decide only whether a reaction can be used, and on which side a species stands that is on both.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from simulator.equation import Equation
from simulator.model_symbols import ModelSymbols
from simulator.published.published_model import primitive_column
from simulator.sbml_reader import coefficient_of, read_document

_ESCAPED = re.compile(r"__(\d+)__")  # COBRApy writes other characters of a name so

_NET = "reactions with species on both sides, which count by what they change, or as catalysts"
_NOT_SMALL = "reactions left out, since their coefficients are no small whole numbers: balances then lack a term"
_UNCHANGING = "reactions left out, since they change no species"
_ONE_WAY = "reactions said to be reversible whose rate no product changes, taken as irreversible"


@dataclass(frozen=True)
class SbmlStructure:
    """The reactions of a model.

    Attributes:
        boundary: species that no reaction changes. aliases: other names of species, with their ids.
        notes: what was left out or taken otherwise than written.
    """

    reactions: Mapping[str, Equation]
    boundary: frozenset[str]
    volumes: Mapping[str, float]
    aliases: Mapping[str, str]
    notes: tuple[str, ...]


@dataclass
class _Sorted:
    """The reactions read so far, and the names of those that are not as written, by what happened to them."""

    reactions: dict[str, Equation] = field(default_factory=dict)
    named: dict[str, list[str]] = field(default_factory=dict)

    def name(self, what: str, reaction: str) -> None:
        self.named.setdefault(what, []).append(reaction)


def read_structure(path: Path) -> SbmlStructure:
    """Read an SBML file; raises `RegimeError`."""
    document = read_document(path, "--network")  # which the model lives as long as
    model = document.getModel()
    symbols, found = ModelSymbols(model), _Sorted()
    species = list(model.getListOfSpecies())
    boundary = frozenset(one.getId() for one in species if one.getBoundaryCondition() or one.getConstant())
    for reaction in model.getListOfReactions():
        _sort(found, model, reaction, symbols, boundary)
    compartments = {one.getId(): one for one in model.getListOfCompartments()}
    sizes = {
        one.getId(): float(compartments[one.getCompartment()].getSize())
        for one in species
        if one.getCompartment() in compartments and compartments[one.getCompartment()].isSetSize()
    }
    volumes = {name: size for name, size in sizes.items() if size > 0} if len(set(sizes.values())) > 1 else {}
    lists = {
        **found.named,
        "boundary species, without a balance": sorted(boundary),
        "reversible": [name for name, equation in found.reactions.items() if equation.reversible],
        "volumes of compartments": [f"{key} {one.getSize():g}" for key, one in compartments.items() if volumes],
    }
    notes = tuple(f"{what}: {', '.join(names)}" for what, names in lists.items() if names)
    return SbmlStructure(found.reactions, boundary, volumes, _aliases(species), notes)


def _sort(found: _Sorted, model: Any, reaction: Any, symbols: ModelSymbols, boundary: frozenset[str]) -> None:
    """Add a reaction to those that are used or left out."""
    name = reaction.getId()
    sides = [
        {member.getSpecies(): coefficient_of(model, member) for member in members}
        for members in (reaction.getListOfReactants(), reaction.getListOfProducts())
    ]
    both = set(sides[0]) & set(sides[1])
    net: dict[str, float] = {
        one: sides[1].get(one, 0.0) - sides[0].get(one, 0.0) for one in dict.fromkeys((*sides[0], *sides[1]))
    }
    changed = {one: value for one, value in net.items() if value and not (one in both and math.isnan(value))}
    stated = {one: value for one, value in changed.items() if not math.isnan(value) and one not in boundary}
    if stated and primitive_column(stated)[0] is None:
        found.name(_NOT_SMALL, name)
        return
    if not set(changed) - boundary:
        found.name(_UNCHANGING, name)
        return
    if both:
        found.name(_NET, name)
    substrates = tuple(one for one in changed if (net[one] < 0 or one in sides[0]) and not net[one] > 0)
    products = tuple(one for one in changed if one not in substrates)
    law = reaction.getKineticLaw()
    depends = symbols.of_law(reaction) if law is not None and law.getMath() is not None else None
    modifiers = [modifier.getSpecies() for modifier in reaction.getListOfModifiers()]
    reversible = bool(reaction.getReversible())
    if reversible and depends is not None and not depends & set(products):
        found.name(_ONE_WAY, name)
        reversible = False
    acting = {*modifiers, *both, *(depends or ())} - {*substrates, *(products if reversible else ())}
    found.reactions[name] = Equation(substrates, products, reversible, tuple(sorted(acting)))


def _aliases(species: Sequence[Any]) -> dict[str, str]:
    """Return other names of species, where only one has them: without `M_`, decoded, and the name of the file."""
    names = Counter[str]()
    ids: dict[str, str] = {}
    for one in species:
        key = one.getId()
        decoded = _ESCAPED.sub(lambda code: chr(min(int(code[1]), 0x10FFFF)), key)
        for name in {key, key.removeprefix("M_"), decoded, decoded.removeprefix("M_"), one.getName()} - {""}:
            names[name] += 1
            ids[name] = key
    return {name: key for name, key in ids.items() if names[name] == 1} | {one.getId(): one.getId() for one in species}
