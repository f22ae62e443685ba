"""Reader of the network stated for measurements, as YAML or SBML, cut down to the measured metabolites.

    reactions:
      hexokinase: glc + atp -> g6p + adp
      isomerase: g6p -> f6p
    alphabet: [1, 2]        # allowed magnitudes of a coefficient; default [1, 2]
    mass_balanced: false    # true if every column of S sums to zero; default false

The coefficients of an SBML file are used only for the alphabet, 1 to the largest, and for mass balance.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from simulator.measured_regime import Equation, StatedNetwork
from simulator.network_settings import ImportedNetwork
from simulator.regime import read_content, read_section
from simulator.sbml_reader import read_network
from stoichloop.errors import RegimeError

_SBML = (".xml", ".sbml", ".gz", ".bz2")
_NAMED = 12
_JOINED = re.compile(r"[+;,&*]|[.:]$")  # between or behind names in which a space was forgotten
_COEFFICIENT = re.compile(r"^\d+\*?")
_UNIT = re.compile(r"\s*[\[(/].*$")


@dataclass(frozen=True)
class Cut:
    """The remainder of a stated network, with a text on the parts left out and the reasons.

    `names` are those of the species of an SBML file, by their id in it, and `boundary` its boundary species.
    """

    network: StatedNetwork
    left_out: str
    names: Mapping[str, str] = field(default_factory=dict)
    boundary: Sequence[str] = ()


def read_stated(path: Path) -> Cut:
    """Read a network file whole; raises `RegimeError` with the key, the value and the mend."""
    if path.suffix.lower() in _SBML:
        read = read_network(path, "--network")
        gone = [f"reactions {why}: {_listed(names)}" for why, names in read.left_out.items()]
        gone += [f"{what}: {_listed(names)}" for what, names in (("boundary species", read.boundary),) if names]
        kept = [f"kept {how}: {_listed(names)}" for how, names in read.changed.items()]
        return Cut(_without_coefficients(read.network), "; ".join(gone + kept), read.names, read.boundary)
    if not path.is_file():
        raise RegimeError(f"--network {path}: there is no such file")
    return Cut(read_section(path, read_content(path), StatedNetwork), "")


def _without_coefficients(network: ImportedNetwork) -> StatedNetwork:
    reactions = {
        name: Equation(*(tuple(m for m, s in column.items() if s * side > 0) for side in (-1, 1)))
        for name, column in network.reactions.items()
    }
    return StatedNetwork(reactions=reactions, alphabet=network.coefficients, mass_balanced=network.mass_balanced)


def cut_down(path: Path, whole: Cut, measured: Sequence[str]) -> Cut:
    """Return the measured part of the network of `path`; raises `RegimeError` if it is empty or a column is unknown.

    Metabolites that were not measured are left out of their reactions, and reactions that keep no substrate or no
    product are left out. Columns that have lost a member may no longer sum to zero.
    """
    network, known = whole.network, whole.network.metabolite_names
    if unknown := [name for name in measured if name not in known]:
        raise RegimeError(f"--csv: column '{unknown[0]}' {_unknown(path, unknown[0], whole)}, or leave the column out")
    if not whole.names:  # the names of an SBML file are written by programs
        _refuse_slips(path, network, measured)
    cut = {name: _cut(equation, measured) for name, equation in network.reactions.items()}
    kept = {name: equation for name, equation in cut.items() if equation.substrates and equation.products}
    if not kept:
        raise RegimeError(f"--network {path}: no reaction has both a substrate and a product that were measured")
    touched = any(equation != network.reactions[name] for name, equation in kept.items())
    balanced = network.mass_balanced and not touched
    left = StatedNetwork(reactions=kept, alphabet=network.alphabet, mass_balanced=balanced)
    named = left.metabolite_names
    gone = {
        "metabolites that were not measured": [name for name in known if name not in measured],
        "reactions of which no substrate or no product was measured": [name for name in cut if name not in kept],
        "measured metabolites that are in no other reaction": [name for name in measured if name not in named],
    }
    words = [whole.left_out, *(f"{what}: {_listed(names)}" for what, names in gone.items() if names)]
    if network.mass_balanced and not balanced:
        words.append("mass balance, since members of reactions were not measured")
    return Cut(left, "; ".join(word for word in words if word))


def _unknown(path: Path, column: str, whole: Cut) -> str:
    """Return why a column is no metabolite, and how it can be one."""
    if column in whole.boundary:
        return f"is a boundary species of {path}, which no reaction changes; make it an inner one"
    if column in whole.names.values():
        return f"is a species of {path}, but in none of the reactions that can be used ({whole.left_out}); add one"
    known = whole.network.metabolite_names
    bare = _UNIT.sub("", column).casefold()
    alike = [name for name in known if name.casefold() in (column.casefold(), bare)]
    if alike:
        return f"is no metabolite of {path}, but '{alike[0]}' is; call it '{alike[0]}'"
    return f"is no metabolite of {path}, which has {_listed(known)}; write both alike"


def _refuse_slips(path: Path, network: StatedNetwork, measured: Sequence[str]) -> None:
    """Raise `RegimeError` for a name without a column that is made of the names of columns."""
    columns = {name.casefold(): name for name in measured}
    for reaction, equation in network.reactions.items():
        for name in (name for name in equation.members if name not in measured):
            parts = [_COEFFICIENT.sub("", part) for part in _JOINED.split(name)]
            meant = [columns[part.casefold()] for part in parts if part.casefold() in columns]
            if meant:
                raise RegimeError(
                    f"--network {path}: key 'reactions.{reaction}' holds '{name}', which has no column in the CSV "
                    f"file, but {' and '.join(repr(one) for one in meant)} has; write names like the columns, with "
                    "' + ' between them and no coefficients, or rename what was not measured"
                )


def _cut(equation: Equation, measured: Sequence[str]) -> Equation:
    return Equation(*(tuple(m for m in side if m in measured) for side in (equation.substrates, equation.products)))


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
