"""Reader of a published SBML model for simulation by its own rate laws.

Everything is taken for what it is:

species that reactions change           a metabolite, a row of S
boundary species and constants          part of the rates
parameters and species with a rule, or  an input over time, where a rate depends on it
    changed by an event, and time
species in a rate but not in a column   a regulator of the reaction
product in a rate                       the reaction is reversible; if the file says it is not, a regulator
compartment                             the volume of its species; where it changes, they are given as amounts
event that changes a metabolite         left out, since no reaction makes that change
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from simulator.model_symbols import ModelSymbols
from simulator.published_settings import PublishedNetwork
from simulator.sbml_reader import LARGEST_COEFFICIENT, coefficient_of, read_document
from stoichloop.errors import RegimeError

_LARGEST_DENOMINATOR = 12


@dataclass(frozen=True)
class PublishedModel:
    """A model as it is simulated.

    Attributes:
        sbml: the model as text, without the events left out.
        divisors: what each column of the file is in units of its primitive column.
        amounts: metabolites that are given as amounts, since the volume around them changes; with its compartment.
        left_out: names of what is left out, by what it is and why. taken: names of what is not as it seems, likewise.
    """

    sbml: str
    network: PublishedNetwork
    divisors: dict[str, float]
    amounts: dict[str, str]
    left_out: dict[str, list[str]]
    taken: dict[str, list[str]]


@dataclass
class _ReactionReading:
    """The reactions read so far."""

    columns: dict[str, dict[str, int]] = field(default_factory=dict)
    divisors: dict[str, float] = field(default_factory=dict)
    reversible: list[str] = field(default_factory=list)
    regulators: dict[str, tuple[str, ...]] = field(default_factory=dict)
    left_out: dict[str, list[str]] = field(default_factory=dict)
    taken: dict[str, list[str]] = field(default_factory=dict)

    def leave_out(self, why: str, name: str) -> None:
        self.left_out.setdefault(why, []).append(name)

    def take(self, how: str, name: str) -> None:
        self.taken.setdefault(how, []).append(name)


def read_published(path: Path) -> PublishedModel:
    """Read a model with rate laws; raises `RegimeError` if it has none that can be used."""
    import libsbml

    document = read_document(path, "--sbml")
    options = libsbml.ConversionProperties()
    options.addOption("expandFunctionDefinitions", True)
    document.convert(options)
    model, reading = document.getModel(), _ReactionReading()
    if any(rule.isAlgebraic() for rule in model.getListOfRules()):
        raise RegimeError(f"--sbml {path}: has an algebraic rule, which cannot be simulated; give another model")
    _remove_events(model, ModelSymbols(model), reading)
    symbols = ModelSymbols(model)
    for reaction in model.getListOfReactions():
        _read_reaction(model, reaction, symbols, reading)
    if not reading.columns:
        why = "; ".join(f"{', '.join(names)}: {reason}" for reason, names in reading.left_out.items())
        raise RegimeError(f"--sbml {path}: no reaction can be simulated ({why or 'it has none'}); give another model")
    metabolites = {name for column in reading.columns.values() for name in column}
    regulating = {name for names in reading.regulators.values() for name in names}
    for species in model.getListOfSpecies():
        _name_species(species.getId(), symbols, metabolites, regulating, reading)
    places = {name: str(model.getSpecies(name).getCompartment()) for name in sorted(metabolites)}
    amounts = {name: place for name, place in places.items() if place in symbols.resized}
    for name in amounts:
        reading.take("metabolites in a volume that changes or is computed: given as amounts", name)
    network = PublishedNetwork(
        source=path.name,
        reactions=reading.columns,
        reversible=tuple(reading.reversible),
        regulators=reading.regulators,
        inputs=tuple(sorted(regulating - metabolites)),
        volumes={name: 1.0 if name in amounts else _volume(model, name) for name in sorted(metabolites)},
    )
    return PublishedModel(
        libsbml.writeSBMLToString(document),
        network,
        reading.divisors,
        amounts,
        reading.left_out,
        reading.taken,
    )


def _remove_events(model: Any, symbols: ModelSymbols, reading: _ReactionReading) -> None:
    for event in list(model.getListOfEvents()):
        changed = {assignment.getVariable() for assignment in event.getListOfEventAssignments()}
        if changed & symbols.metabolites:
            reading.leave_out("events that change metabolites, which no reaction does", _called(event, changed))
            event.removeFromParentAndDelete()
        else:
            reading.take("events that change inputs", _called(event, changed))


def _called(event: Any, changed: set[str]) -> str:
    return str(event.getId()) or f"of {', '.join(sorted(changed))}"


def _read_reaction(model: Any, reaction: Any, symbols: ModelSymbols, reading: _ReactionReading) -> None:
    name = reaction.getId()
    net: dict[str, float] = {}
    for side, members in ((-1, reaction.getListOfReactants()), (1, reaction.getListOfProducts())):
        for member in members:
            species = member.getSpecies()
            if species in symbols.metabolites:
                net[species] = net.get(species, 0.0) + side * coefficient_of(model, member)
    net = {species: value for species, value in net.items() if value}
    if not net:
        reading.leave_out("reactions that change no metabolite", name)
        return
    column, divisor = primitive_column(net)
    if column is None:
        reading.leave_out("reactions whose coefficients are not stated or no small integers: balances lack them", name)
        return
    if reaction.getKineticLaw() is None or reaction.getKineticLaw().getMath() is None:
        reading.leave_out("reactions without a rate law", name)
        return
    depends = symbols.of_law(reaction)
    products = {species for species, value in column.items() if value > 0}
    if reaction.getReversible() and depends & products:
        reading.reversible.append(name)
        depends -= products
    elif reaction.getReversible():
        reading.take("reactions said to be reversible whose rate no product changes: irreversible", name)
    if regulators := tuple(sorted(depends - {species for species, value in column.items() if value < 0})):
        reading.regulators[name] = regulators
    if divisor != 1.0:
        reading.take("reactions whose column was divided by a common factor", name)
    reading.columns[name], reading.divisors[name] = dict(sorted(column.items())), divisor


def primitive_column(net: dict[str, float]) -> tuple[dict[str, int] | None, float]:
    """Return the smallest integers in the ratio of net coefficients, and one coefficient over its integer."""
    if not all(math.isfinite(value) for value in net.values()):
        return None, 1.0
    parts = {species: Fraction(value).limit_denominator(_LARGEST_DENOMINATOR) for species, value in net.items()}
    if any(abs(float(part) - net[species]) > 1e-9 for species, part in parts.items()):
        return None, 1.0
    multiple = math.lcm(*(part.denominator for part in parts.values()))
    whole = {species: int(part * multiple) for species, part in parts.items()}
    common = math.gcd(*whole.values())
    column = {species: value // common for species, value in whole.items()}
    if max(map(abs, column.values())) > LARGEST_COEFFICIENT:
        return None, 1.0
    return column, common / multiple


def _name_species(
    name: str, symbols: ModelSymbols, metabolites: set[str], regulating: set[str], reading: _ReactionReading
) -> None:
    """Say what became of a species that is no row of S."""
    if name in metabolites:
        return
    if name in regulating:
        reading.take("species given over time", name)
    elif name in symbols.metabolites:
        reading.leave_out("species without a reaction that is kept", name)
    else:
        reading.take("boundary species, constants and species with a rule: part of the rates", name)


def _volume(model: Any, species: str) -> float:
    """Return the volume around a metabolite; one that the file does not state is 1."""
    compartment = model.getCompartment(model.getSpecies(species).getCompartment())
    return float(compartment.getSize()) if compartment.isSetSize() and compartment.getSize() > 0 else 1.0
