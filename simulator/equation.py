"""Reaction equations and conserved totals, as users write them: `2 A + B <-> C | X`.

A + B -> C        substrates and products, whose coefficients are to be recovered
2 A -> B          A has the known coefficient 2, as it has in A + A -> B
?n A -> ?n B      both have the same unknown coefficient, as all coefficients named ?n in the file
A <-> B           reversible: the rate depends on the products too
-> A, A ->        exchange with the outside
A -> B | X, Y     X and Y regulate the reaction: its rate depends on them
A + E -> B + E    E is a catalyst: it regulates the reaction, and has no coefficient
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

LARGEST_KNOWN = 100
_REVERSIBLE = re.compile(r"\s*(?:<-+>|<=+>|⇌|↔)\s*")
_FORWARD = re.compile(r"\s*(?:-+>|=+>|→)\s*")
_NUMBER = re.compile(r"(\d+(?:\.\d+)?)\*?", re.ASCII)
_GROUP = re.compile(r"\?(\w*)")
_SIGNED = re.compile(r"[-+!~¬].+")  # as some programs mark an inhibitor
_NOTHING = ("", "0", "∅", "Ø", "null", "[]")  # as other programs write a side without a metabolite
_READS_LIKE = "must read like A + B -> C, A <-> B or A -> B | X, with one arrow"


@dataclass(frozen=True)
class Equation:
    """A reaction as it is stated.

    Attributes:
        reversible: true if the rate depends on the products too.
        regulators: species that the rate depends on, beside substrates and products.
        known: coefficients that the user states, without sign. tied: names of groups of equal unknown coefficients.
    """

    substrates: tuple[str, ...]
    products: tuple[str, ...]
    reversible: bool = False
    regulators: tuple[str, ...] = ()
    known: Mapping[str, int] = field(default_factory=dict)
    tied: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        left, right = (" + ".join(map(self._member, side)) for side in (self.substrates, self.products))
        text = f"{left} {'<->' if self.reversible else '->'} {right}".strip()
        return f"{text} | {', '.join(self.regulators)}" if self.regulators else text

    def _member(self, name: str) -> str:
        if name in self.known:
            return f"{self.known[name]} {name}"
        return f"?{self.tied[name]} {name}" if name in self.tied else name

    @property
    def members(self) -> tuple[str, ...]:
        """All metabolites that have a coefficient."""
        return self.substrates + self.products

    @property
    def participants(self) -> tuple[str, ...]:
        """All species that the rate depends on."""
        return self.substrates + self.products * self.reversible + self.regulators

    def without(self, gone: Sequence[str], set_outside: Sequence[str] = ()) -> Equation:
        """Return the equation without some species; those `set_outside` still act on its rate."""
        outside = [name for name in self.participants if name in set_outside]
        substrates, products = (
            tuple(name for name in side if name not in gone and name not in set_outside)
            for side in (self.substrates, self.products)
        )
        left = {*substrates, *products}
        return Equation(
            substrates,
            products,
            self.reversible,
            tuple(dict.fromkeys(name for name in (*self.regulators, *outside) if name not in gone)),
            {name: number for name, number in self.known.items() if name in left},
            {name: group for name, group in self.tied.items() if name in left},
        )


@dataclass(frozen=True)
class _Term:
    """A member as written: its number, its group, or neither."""

    name: str
    number: float | None = None
    group: str | None = None


def parse_equation(text: Any) -> Equation:
    """Read an equation; raises `ValueError` with the mend."""
    if isinstance(text, Equation):
        return text
    if not isinstance(text, str):
        raise ValueError(_READS_LIKE)
    body, *regulators = re.split(r"(?:\s|^)\|(?:\s|$)", text)
    reversible = _REVERSIBLE.search(body) is not None
    sides = (_REVERSIBLE if reversible else _FORWARD).split(body)
    if len(sides) != 2 or len(regulators) > 1 or sides[0].endswith("<"):  # A <- B, and two arrows
        raise ValueError(_READS_LIKE)
    left, right = (_counted(_terms(side)) for side in sides)
    if not left and not right:
        raise ValueError("must have a metabolite on one side at least")
    words = (word.rstrip(",") for part in regulators for word in part.split())
    named = tuple(_unsigned(word) for word in words if word not in ("", "+"))
    if regulators and not named:
        raise ValueError("must name a regulator behind '|'")
    return _netted(left, right, reversible, named)


def _unsigned(name: str) -> str:
    """Return a name that begins with no sign; raises `ValueError` for another."""
    if _SIGNED.fullmatch(name):
        raise ValueError(
            f"holds '{name}', but no name begins with '{name[0]}'; write '{name[1:]}', whether it activates or inhibits"
        )
    return name


def _terms(side: str) -> list[_Term]:
    if side.strip() in _NOTHING:
        return []
    return [_term(part) for part in re.split(r"\s\+(?=\s)", f" {side} ")]


def _term(part: str) -> _Term:
    words = part.split()
    if words and (joined := re.fullmatch(r"(\d+)\*(\D\S*)", words[0])) and len(words) == 1:
        words = [joined[1], joined[2]]
    if not words:
        raise ValueError("must have a metabolite beside each ' + '")
    if len(words) == 1:
        return _Term(_unsigned(words[0]))
    if len(words) == 2 and (number := _NUMBER.fullmatch(words[0])):
        value = float(number[1])
        if not value.is_integer() or not 1 <= value <= LARGEST_KNOWN:
            raise ValueError(
                f"holds the coefficient '{words[0]}', but known coefficients are whole numbers from 1 to "
                f"{LARGEST_KNOWN}; multiply the reaction, or leave the number out to have it recovered"
            )
        return _Term(words[1], number=value)
    if len(words) == 2 and (group := _GROUP.fullmatch(words[0])):
        return _Term(words[1], group=group[1] or None)
    raise ValueError(f"holds '{' '.join(words)}', but names have no spaces, and ' + ' stands between them")


def _counted(terms: Sequence[_Term]) -> dict[str, _Term]:
    """Return the members of a side by name; A + A is 2 A."""
    found: dict[str, _Term] = {}
    for term in terms:
        before = found.get(term.name)
        if before is None:
            found[term.name] = term
            continue
        if term.group or before.group:
            raise ValueError(f"must not hold '{term.name}' twice on one side beside a coefficient like ?n")
        found[term.name] = _Term(term.name, number=(before.number or 1) + (term.number or 1))
    return found


def _netted(
    left: Mapping[str, _Term], right: Mapping[str, _Term], reversible: bool, regulators: Sequence[str]
) -> Equation:
    """Return the equation with net coefficients: a species on both sides is a catalyst."""
    sides: tuple[dict[str, _Term], dict[str, _Term]] = (dict(left), dict(right))
    catalysts = [name for name in left if name in right]
    for name in catalysts:
        one, other = sides[0].pop(name), sides[1].pop(name)
        if (one.number is None) != (other.number is None) or one.group != other.group:
            raise ValueError(
                f"holds '{name}' on both sides, with a coefficient on one; write both coefficients, or none if it is "
                "a catalyst"
            )
        net = (other.number or 0) - (one.number or 0)
        if net:
            sides[int(net > 0)][name] = _Term(name, number=abs(net))
    terms = [*sides[0].values(), *sides[1].values()]
    if not terms:
        raise ValueError("changes nothing: all its species are on both sides; leave it out")
    acting = {*sides[0], *(sides[1] if reversible else ())}
    return Equation(
        tuple(sides[0]),
        tuple(sides[1]),
        reversible,
        tuple(name for name in dict.fromkeys((*regulators, *catalysts)) if name not in acting),
        {term.name: int(term.number) for term in terms if term.number is not None},
        {term.name: term.group for term in terms if term.group},
    )


@dataclass(frozen=True)
class Total:
    """A sum of amounts that does not change, as stated: `ATP + ADP + AMP`, with its amount if `= 5.5` is known."""

    weights: Mapping[str, int]
    amount: float | None = None

    def __str__(self) -> str:
        text = " + ".join(name if weight == 1 else f"{weight} {name}" for name, weight in self.weights.items())
        return text if self.amount is None else f"{text} = {self.amount:g}"


def parse_total(text: Any) -> Total:
    """Read a conserved total; raises `ValueError` with the mend."""
    if isinstance(text, Total):
        return text
    fault = "must read like ATP + ADP + AMP, or ATP + ADP + AMP = 5.5 where the amount is known"
    body, *amounts = text.split("=") if isinstance(text, str) else ["", "", ""]
    if len(amounts) > 1 or (amounts and not re.fullmatch(r"\d+\.?\d*(e-?\d+)?|\.\d+", amounts[0].strip(), re.ASCII)):
        raise ValueError(fault)
    counted = _counted(_terms(body))
    if len(counted) < 2 or any(term.group for term in counted.values()):
        raise ValueError(fault)
    return Total(
        {name: int(term.number or 1) for name, term in counted.items()}, float(amounts[0]) if amounts else None
    )
