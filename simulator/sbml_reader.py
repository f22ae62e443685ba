"""Reader of the reactions in an SBML file, through libSBML, and of what PDE_M1 cannot hold of them.

Left out are reactions with one side only (exchange, demand, sink), with a coefficient that the file does not state or
that is not an integer (biomass), and with one above `LARGEST_COEFFICIENT`. Boundary species are left out of their
reactions, since no reaction changes them. A species on both sides of a reaction counts by its net coefficient.
A reversible reaction runs in the direction in which it is written, and modifiers have no effect, stated or in the rate
law alone; such reactions are named. So are volumes, rules and events, which have no effect either. A species without a
reaction is dropped.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from simulator.model_symbols import ModelSymbols
from simulator.network_settings import ImportedNetwork
from stoichloop.errors import RegimeError
from stoichloop.extras import how_to_install

LARGEST_COEFFICIENT = 6

_ONE_SIDED = "with one side only"
_BUT_FOR_BOUNDARY = "with one side only but for boundary species"
_BUT_FOR_ZERO = "with one side only but for coefficients of 0"
_BUT_FOR_NET = "with one side only in net coefficients"
_UNSTATED = "with a coefficient that the file does not state as a number"
_NOT_INTEGER = "with a coefficient that is not an integer"
_TOO_LARGE = f"with a coefficient above {LARGEST_COEFFICIENT}"

_NET = "with net coefficients of species on both sides"
_ZERO = "without species whose coefficient is 0"
_WITHOUT_BOUNDARY = "without boundary species"
_EQUAL = "equal to another reaction"
_FORWARD = "in their written direction alone, though reversible"
_UNREGULATED = "without their modifiers"

_ESCAPED = re.compile(r"__(\d+)__")  # COBRApy writes other characters of a name so
_NAME = re.compile(r"(?!.*->)[^\s+]*\w\S*")


@dataclass(frozen=True)
class SbmlNetwork:
    """The network of a file, and all in which it differs from the file, by kind.

    Attributes:
        left_out: names of reactions left out. changed: names of reactions kept otherwise than written.
        boundary, dropped: names of species left out: those that no reaction changes, and those without a reaction.
        unused: ids of volumes, and of what rules and events change. names: name of each species, by its id in the file.
    """

    network: ImportedNetwork
    left_out: dict[str, list[str]]
    changed: dict[str, list[str]]
    boundary: list[str]
    dropped: list[str]
    unused: dict[str, list[str]]
    names: dict[str, str]


@dataclass
class _Sorting:
    """The reactions read so far."""

    reactions: dict[str, dict[str, int]] = field(default_factory=dict)
    left_out: dict[str, list[str]] = field(default_factory=dict)
    changed: dict[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class _WrittenSpecies:
    """A species of a reaction as written: side -1 or +1, and its coefficient, NaN where none is stated."""

    species: str
    side: int
    coefficient: float
    boundary: bool


def read_network(path: Path, option: str = "--sbml") -> SbmlNetwork:
    """Return the network of an SBML file, given by `option`; raises `RegimeError`."""
    document = read_document(path, option)  # which the model lives as long as
    model = document.getModel()
    species = {one.getId(): one for one in model.getListOfSpecies()}
    names = _names(list(species), "M_")
    boundary = {names[key] for key, one in species.items() if one.getBoundaryCondition() or one.getConstant()}
    written = {one.getId(): _members(model, one, names, boundary) for one in model.getListOfReactions()}
    sorting, symbols = _Sorting(), ModelSymbols(model)
    for key, name in _names(list(written), "R_").items():
        _sort(sorting, name, written[key])
        if name in sorting.reactions:
            _name_rate(sorting, name, model.getReaction(key), symbols)
    if not sorting.reactions:
        raise RegimeError(
            f"{option} {path}: has no reaction that turns metabolites into others with integer coefficients of at "
            f"most {LARGEST_COEFFICIENT}; give another model"
        )
    kept = {name for column in sorting.reactions.values() for name in column}
    return SbmlNetwork(
        network=ImportedNetwork(source=path.name, reactions=sorting.reactions),
        left_out=sorting.left_out,
        changed=sorting.changed | _equal(sorting.reactions),
        boundary=sorted(boundary),
        dropped=sorted(set(names.values()) - boundary - kept),
        unused=_unused(model, symbols),
        names=names,
    )


def _sort(sorting: _Sorting, name: str, members: Sequence[_WrittenSpecies]) -> None:
    """Add a reaction to those that are kept or left out."""
    inner = [member for member in members if not member.boundary]
    counted = [member for member in inner if member.coefficient]
    column: dict[str, float] = {}
    for member in counted:
        column[member.species] = column.get(member.species, 0.0) + member.side * member.coefficient
    net = {species: s for species, s in column.items() if s}
    if reason := _unfit(members, inner, counted, list(net.values())):
        sorting.left_out.setdefault(reason, []).append(name)
        return
    sorting.reactions[name] = {species: int(s) for species, s in sorted(net.items())}
    both = {m.species for m in counted if m.side < 0} & {m.species for m in counted if m.side > 0}
    changes = {_WITHOUT_BOUNDARY: len(inner) < len(members), _ZERO: len(counted) < len(inner), _NET: bool(both)}
    for change in (change for change, made in changes.items() if made):
        sorting.changed.setdefault(change, []).append(name)


def _name_rate(sorting: _Sorting, name: str, reaction: Any, symbols: ModelSymbols) -> None:
    """Name what the rate of a reaction has in the file and PDE_M1 has not."""
    reversible, law = bool(reaction.getReversible()), reaction.getKineticLaw()
    if reversible:
        sorting.changed.setdefault(_FORWARD, []).append(name)
    sides = (reaction.getListOfReactants(), reaction.getListOfProducts() if reversible else ())
    acting = symbols.of_law(reaction) if law is not None and law.getMath() is not None else frozenset()
    if reaction.getNumModifiers() or acting - {member.getSpecies() for side in sides for member in side}:
        sorting.changed.setdefault(_UNREGULATED, []).append(name)


def _unused(model: Any, symbols: ModelSymbols) -> dict[str, list[str]]:
    """Return ids of volumes that differ or change, and of what rules compute and events change; no empty kind."""
    held = {one.getCompartment() for one in model.getListOfSpecies()}
    volumes = {one.getId(): one.getSize() if one.isSetSize() else 1.0 for one in model.getListOfCompartments()}
    volumes = {key: size for key, size in volumes.items() if key in held}
    differ = len(set(volumes.values())) > 1
    found = {
        "of different or changing volume": [key for key in volumes if differ or key in symbols.resized],
        "computed by rules": [rule.getVariable() or "algebraic" for rule in model.getListOfRules()],
        "changed by events": sorted(
            {change.getVariable() for event in model.getListOfEvents() for change in event.getListOfEventAssignments()}
        ),
    }
    return {kind: ids for kind, ids in found.items() if ids}


def _unfit(
    members: Sequence[_WrittenSpecies],
    inner: Sequence[_WrittenSpecies],
    counted: Sequence[_WrittenSpecies],
    net: Sequence[float],
) -> str | None:
    """Return the reason to leave a reaction out."""
    for reason, some in ((_ONE_SIDED, members), (_BUT_FOR_BOUNDARY, inner)):
        if {member.side for member in some} != {-1, 1}:
            return reason
    if any(math.isnan(member.coefficient) for member in inner):
        return _UNSTATED
    if {member.side for member in counted} != {-1, 1}:
        return _BUT_FOR_ZERO
    if not min(net, default=0.0) < 0.0 < max(net, default=0.0):
        return _BUT_FOR_NET
    if not all(s.is_integer() for s in net):
        return _NOT_INTEGER
    return _TOO_LARGE if max(map(abs, net)) > LARGEST_COEFFICIENT else None


def _equal(reactions: dict[str, dict[str, int]]) -> dict[str, list[str]]:
    first: dict[tuple[tuple[str, int], ...], str] = {}
    equal = [
        f"{name} = {original}"
        for name, column in reactions.items()
        if (original := first.setdefault(tuple(column.items()), name)) != name
    ]
    return {_EQUAL: equal} if equal else {}


def _names(ids: Sequence[str], prefix: str) -> dict[str, str]:
    """Return the name of each id: without the prefix and as COBRApy decodes it, unless two would be called alike."""
    names = [_decoded(key).removeprefix(prefix) or key for key in ids]
    return dict(zip(ids, names if len(set(names)) == len(ids) else ids, strict=True))


def _decoded(key: str) -> str:
    name = _ESCAPED.sub(lambda code: chr(min(int(code[1]), 0x10FFFF)), key)
    return name if name.isprintable() and _NAME.fullmatch(name) else key


def _members(model: Any, reaction: Any, names: dict[str, str], boundary: set[str]) -> list[_WrittenSpecies]:
    sides = ((-1, reaction.getListOfReactants()), (1, reaction.getListOfProducts()))
    found = [
        (side, names.get(one.getSpecies(), one.getSpecies()), coefficient_of(model, one))
        for side, members in sides
        for one in members
    ]
    return [_WrittenSpecies(name, side, coefficient, name in boundary) for side, name, coefficient in found]


def coefficient_of(model: Any, member: Any) -> float:
    """Return a stoichiometric coefficient, NaN if the file states none or computes it."""
    key = member.getIdAttribute()
    if member.isSetStoichiometryMath():  # level 2
        formula = member.getStoichiometryMath()
    else:  # level 3, where a rule overrides the attribute; a coefficient that changes in time is none
        formula = (key and (model.getAssignmentRuleByVariable(key) or model.getInitialAssignmentBySymbol(key))) or None
    if formula is not None:
        tree = formula.getMath()
        return float(tree.getValue()) if tree is not None and tree.isNumber() else math.nan
    if not member.isSetStoichiometry() and model.getLevel() > 2:
        return math.nan
    return float(member.getStoichiometry() / member.getDenominator())


def read_document(path: Path, option: str) -> Any:
    """Return libSBML's document of a local file, which has a model; nothing is downloaded."""
    try:
        import libsbml
    except ImportError as error:
        raise RegimeError(
            f"{option} {path}: libSBML, which reads SBML, is missing; {how_to_install('networks')}"
        ) from error
    if not path.is_file():
        raise RegimeError(f"{option} {path}: there is no such file")
    document = libsbml.readSBMLFromFile(str(path))
    if document.getModel() is None:
        faults = [document.getError(number) for number in range(document.getNumErrors())]
        why = "".join(f": line {fault.getLine()}: {fault.getShortMessage()}" for fault in faults[-1:])
        raise RegimeError(f"{option} {path}: cannot be read as an SBML model{why}; save it again as SBML")
    return document
