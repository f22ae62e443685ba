"""The part of a stated network that was measured, and what is said about the rest."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from simulator.equation import Equation, Total
from simulator.measured.problem_list import listed_problems
from simulator.measured.stated_network import StatedFile
from simulator.measured_regime import StatedNetwork
from stoichloop.errors import RegimeError

_JOINED = re.compile(r"[+;,&*]|[.:]$")  # between or behind names in which a space was forgotten
_COEFFICIENT = re.compile(r"^\d+\*?")


@dataclass(frozen=True)
class Cut:
    """The measured part of a network, and sentences about what was done to the network.

    `missing` counts the reactions in which each species takes part that was not measured.
    """

    network: StatedNetwork
    notes: tuple[str, ...]
    missing: Mapping[str, int] = field(default_factory=dict)


def cut_down(path: Path, stated: StatedFile, measured: Collection[str], steady: Collection[str] = ()) -> Cut:
    """Return the measured part of the network of `path`; raises `RegimeError` if it is empty or contradicts itself.

    Metabolites that were not measured are left out of their reactions; a reaction that keeps one side alone stays as an
    exchange, since the balances of its members hold. Inputs, and `steady` metabolites that never change, act on rates
    and have no balance.
    """
    whole = stated.network
    outside = {*stated.inputs, *steady}
    gone = {name for name in stated.species if name not in measured}
    cut = {name: equation.without(tuple(gone), tuple(outside)) for name, equation in whole.reactions.items()}
    kept = {name: equation for name, equation in cut.items() if equation.members}
    if not kept:
        raise RegimeError(f"--network {path}: no reaction has a metabolite that was measured; write names like columns")
    lost = {name: [m for m in whole.reactions[name].members if m in gone and m not in outside] for name in kept}
    unknown = gone - stated.constants
    hidden = {name: [m for m in whole.reactions[name].participants if m in unknown] for name in kept}
    incomplete, unobserved = (tuple(sorted(n for n, names in found.items() if names)) for found in (lost, hidden))
    exchange = [name for name, equation in kept.items() if not equation.substrates or not equation.products]
    balanced = whole.mass_balanced and not incomplete and not exchange
    rows = {name for equation in kept.values() for name in equation.members}
    totals = {name: total for name, total in whole.conserved.items() if rows.issuperset(total.weights)}
    network = StatedNetwork(
        reactions=kept,
        alphabet=whole.alphabet,
        mass_balanced=balanced,
        primitive=whole.primitive,
        volumes={name: volume for name, volume in whole.volumes.items() if name in rows},
        conserved=totals,
        incomplete=incomplete,
        unobserved_rate=unobserved,
    )
    _refuse_changed_totals(path, network)
    lists = {
        "species that were not measured": sorted(unknown),
        "reactions without a measured metabolite": [name for name in cut if name not in kept],
        "reactions that keep the measured part of their members": _with(lost, incomplete),
        "reactions whose rate depends on something that was not measured": _with(hidden, unobserved),
        "taken as set from outside, since they never change": sorted(set(steady) & set(stated.species)),
        "given over time, without a balance": list(network.input_names),
        "measured, but in no reaction that is kept": sorted(set(measured) - rows - set(network.input_names)),
        "conserved totals with a member that has no row": [name for name in whole.conserved if name not in totals],
    }
    notes = [f"{what}: {', '.join(names)}" for what, names in lists.items() if names]
    if whole.mass_balanced and not balanced:
        notes.append("mass balance is not used, since reactions are open to the outside or lost members")
    missing = Counter(name for one in whole.reactions.values() for name in {*one.members, *one.regulators} & unknown)
    return Cut(network, (*stated.notes, *notes), dict(sorted(missing.items())))


def refuse_slips(path: Path, stated: StatedFile, columns: Collection[str]) -> None:
    """Raise `RegimeError` for names without a column that are made of the names of columns.

    `columns` holds the species of each column, or its own name if it has none.
    """
    if stated.aliases:  # the names of an SBML file are written by programs
        return
    problems = [
        f"key 'reactions.{reaction}' holds '{name}', which has no column in the table, but "
        f"{' and '.join(repr(one) for one in meant)} has; write names like the columns, with ' + ' between them, or "
        "rename what was not measured"
        for reaction, equation in stated.network.reactions.items()
        for name in equation.members + equation.regulators
        if name not in columns and (meant := _meant(name, columns, stated.species))
    ]
    if problems:
        raise RegimeError(listed_problems(f"--network {path}", problems))


def _meant(name: str, columns: Collection[str], species: Collection[str]) -> list[str]:
    """Return the columns in a name, in its order; `A:B` may be a complex of species."""
    known = {column.casefold(): column for column in columns}
    parts = [_COEFFICIENT.sub("", part).casefold() for part in _JOINED.split(name)]
    bound = [part for part in name.casefold().split(":") if known.get(part) not in species]
    return list(dict.fromkeys(known[part] for part in (*parts, *bound) if part in known))


def computed_totals(stated: StatedFile, measured: Collection[str]) -> dict[str, Total]:
    """Return, for each species that was not measured but follows from a total of known amount, that total."""
    found: dict[str, Total] = {}
    for total in stated.network.conserved.values():
        missing = [name for name in total.weights if name not in measured]
        if total.amount is not None and len(missing) == 1 and missing[0] in stated.in_reactions:
            found[missing[0]] = total
    return found


def _with(found: Mapping[str, Sequence[str]], names: Sequence[str]) -> list[str]:
    return [f"{name} (without {', '.join(found[name])})" for name in names]


def _refuse_changed_totals(path: Path, network: StatedNetwork) -> None:
    """Raise `RegimeError` for totals that a reaction changes whatever its coefficients are."""
    problems = []
    for name, total in network.conserved.items():
        changing = [
            f"{reaction} ({equation})"
            for reaction, equation in network.reactions.items()
            if 0 not in _changes(total, equation, network.alphabet)
        ]
        if changing:
            problems.append(
                f"key 'conserved.{name}' is '{total}', but with any coefficients that they may have, these reactions "
                f"change it: {', '.join(changing)}; name all members of the total, mend the equations, or leave it out"
            )
    if problems:
        raise RegimeError(listed_problems(f"--network {path}", problems))


def _changes(total: Total, equation: Equation, alphabet: Sequence[int]) -> set[int]:
    """Return the changes of a total that a reaction makes with the coefficients that it may have."""
    changes = {0}
    for sign, side in ((-1, equation.substrates), (1, equation.products)):
        for name in side:
            choices = [equation.known[name]] if name in equation.known else alphabet
            steps = [sign * total.weights.get(name, 0) * size for size in choices]
            changes = {change + step for change in changes for step in steps}
    return changes
