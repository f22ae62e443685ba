"""Reader of the network stated for measurements, as YAML or SBML.

    reactions:
      hexokinase: glc + atp -> g6p + adp
      isomerase: g6p <-> f6p | atp
      uptake: -> glc
    alphabet: [1, 2]        # magnitudes of an unknown coefficient; default [1, 2]
    mass_balanced: false    # true if every column of S sums to zero; default false
    primitive: true         # false if a column may have a common divisor; default true
    inputs: [o2]            # species that are given over time, and that no reaction changes
    volumes: {nadh_m: 0.1}  # volume around a metabolite; default 1
    conserved:
      nucleotides: atp + adp + amp = 5.5

`sbml: FILE`, in place of `reactions`, takes these from an SBML file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError

from simulator.equation import Equation
from simulator.measured.problem_list import listed_problems
from simulator.measured.sbml_structure import SbmlStructure, read_structure
from simulator.measured_regime import ConservedTotal, Reaction, StatedNetwork
from simulator.regime import fault_of, read_content
from simulator.section import PositiveFloat
from stoichloop.errors import RegimeError

_SBML = (".xml", ".sbml", ".gz", ".bz2")
_Name = Annotated[str, Field(min_length=1)]


class NetworkFile(StatedNetwork):
    """A network file as a user writes it; the rest of the keys are those of `StatedNetwork`."""

    reactions: Annotated[dict[_Name, Reaction], Field(min_length=1)]
    primitive: bool = True
    inputs: tuple[_Name, ...] = ()
    volumes: dict[_Name, PositiveFloat] = Field(default_factory=dict)
    conserved: dict[_Name, ConservedTotal] = Field(default_factory=dict)
    incomplete: tuple[()] = ()
    unobserved_rate: tuple[()] = ()


_KEYS = [name for name in NetworkFile.model_fields if name not in ("incomplete", "unobserved_rate")]


@dataclass(frozen=True)
class StatedFile:
    """A network file as it was read.

    Attributes:
        network: the network, in which species set from outside are still members.
        inputs: species that no reaction changes. constants: those of them that never change.
        notes: what was left out or taken otherwise than written. aliases: other names of species, with their ids.
    """

    network: StatedNetwork
    inputs: frozenset[str] = frozenset()
    constants: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)

    @property
    def in_reactions(self) -> frozenset[str]:
        """All members and regulators of reactions."""
        equations = self.network.reactions.values()
        return frozenset(name for equation in equations for name in equation.members + equation.regulators)

    @property
    def named(self) -> frozenset[str]:
        """All names in reactions and in conserved totals."""
        totals = {name for total in self.network.conserved.values() for name in total.weights}
        return self.in_reactions | totals

    @property
    def species(self) -> frozenset[str]:
        """All names that a column can have."""
        return self.named | self.inputs


def read_stated(path: Path) -> StatedFile:
    """Read a network file whole; raises `RegimeError` with the key, the value and the mend."""
    if path.suffix.lower() in _SBML:
        return _with_structure({}, read_structure(path), path)
    if not path.is_file():
        raise RegimeError(f"--network {path}: there is no such file")
    content = read_content(path)
    model = content.pop("sbml", None)
    if model is None:
        stated = _stated(path, content)
    elif "reactions" in content or not isinstance(model, str):
        raise RegimeError(f"{path}: key 'sbml' must be the name of a file, and stands in place of 'reactions'")
    else:
        stated = _with_structure(content, read_structure(path.parent / model), path)
    _refuse_strangers(path, content, stated)
    return stated


def _refuse_strangers(path: Path, content: Mapping[Any, Any], stated: StatedFile) -> None:
    """Raise `RegimeError` for volumes and inputs that are in no reaction and no total."""
    problems = [
        f"key '{key}' names '{name}', which is in no reaction; write it as the reactions do, or leave it out"
        for key in ("inputs", "volumes")
        for name in content.get(key, ())
        if name not in stated.named
    ]
    if problems:
        raise RegimeError(listed_problems(str(path), problems))


def _with_structure(content: dict[Any, Any], structure: SbmlStructure, path: Path) -> StatedFile:
    """Return the network of an SBML file, with what a YAML file states beside it."""
    stated = _stated(path, {"volumes": structure.volumes, **content, "reactions": dict(structure.reactions)})
    return StatedFile(
        stated.network,
        stated.inputs | structure.boundary,
        structure.boundary - stated.inputs,
        structure.notes,
        structure.aliases,
    )


def _stated(path: Path, content: dict[Any, Any]) -> StatedFile:
    try:
        read = NetworkFile.model_validate(content)
    except ValidationError as error:
        raise RegimeError(listed_problems(str(path), [fault_of(one, _KEYS) for one in error.errors()])) from error
    notes = [f"{what}: {', '.join(names)}" for what, names in _readings(read.reactions).items() if names]
    network = StatedNetwork.model_validate(read.model_dump(exclude={"inputs"}))
    return StatedFile(network, frozenset(read.inputs), notes=tuple(notes))


def _readings(reactions: Mapping[str, Equation]) -> dict[str, Sequence[str]]:
    """Return what the equations say beside their members, for the user to check."""
    known = [f"{n} {name} in {key}" for key, one in reactions.items() for name, n in one.known.items()]
    return {
        "reversible": [name for name, equation in reactions.items() if equation.reversible],
        "exchange with the outside": [n for n, one in reactions.items() if not one.substrates or not one.products],
        "regulated": [f"{n} by {', '.join(one.regulators)}" for n, one in reactions.items() if one.regulators],
        "known coefficients": known,
    }
