"""Fields of a table as readings: numbers, gaps, and values below detection.

0.25, 1e-3      a number; with decimal commas 0,25 if the whole file has them
(empty), NA     a gap: nothing is known
<0.1, < LOD     below detection: at most that limit, or at most the smallest reading where none is given
0, -0.003       nothing detected: the same, since a concentration is positive
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass

# Stricter than float(), which reads 4_1 as 41 and takes the digits of every script.
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
_WITH_COMMA = re.compile(r"[+-]?\d*,\d+(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
_PERHAPS_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}", re.ASCII)
_GAP = re.compile(r"|-+|\.|\?|\*|#?n/?a!?|nan|n\.a\.?|n\.?d\.?|null|none|missing|#value!|#ref!|#div/0!", re.IGNORECASE)
_UNDETECTED = re.compile(r"[<≤]?\s*(lod|loq|bdl|bld|bql|blq|bloq|lloq)", re.IGNORECASE)
_AT_MOST = re.compile(r"[<≤]\s*(.+)")


@dataclass(frozen=True)
class FieldReading:
    """A field: its number, NaN for a gap; or the limit below which it lies, 0 where that is unknown."""

    value: float = math.nan
    limit: float = math.nan


def reading_of(field: str, commas: bool) -> FieldReading | None:
    """Return the reading in a field, None if it holds something else."""
    if _GAP.fullmatch(field):
        return FieldReading()
    if _UNDETECTED.fullmatch(field):
        return FieldReading(limit=0.0)
    if limit := _AT_MOST.fullmatch(field):
        number = number_of(limit[1], commas)
        return None if number is None or number <= 0 else FieldReading(limit=number)
    number = number_of(field, commas)
    return None if number is None else FieldReading(number)


def number_of(field: str, commas: bool) -> float | None:
    """Return the number in a field, None if it holds none."""
    text = field.replace(",", ".") if commas else field
    value = float(text) if NUMBER.fullmatch(text) else math.nan
    return value if math.isfinite(value) else None


def is_number(field: str) -> bool:
    """Return whether a field is a number, with a decimal point or comma."""
    return bool(NUMBER.fullmatch(field) or _WITH_COMMA.fullmatch(field))


def has_decimal_commas(fields: Iterable[tuple[int, str]]) -> bool:
    """Return whether 0,25 means a quarter, of fields with their rows; raises `ValueError` where that cannot be told."""
    bare = [(line, field.lstrip("<≤ ")) for line, field in fields]
    with_comma = [(line, field) for line, field in bare if _WITH_COMMA.fullmatch(field)]
    if not with_comma:
        return False
    line, field = with_comma[0]
    if point := next(((line, field) for line, field in bare if "." in field and NUMBER.fullmatch(field)), None):
        raise ValueError(
            f"row {line} has '{field}' and row {point[0]} '{point[1]}'; write all numbers with decimal points"
        )
    if all(_PERHAPS_THOUSANDS.fullmatch(field) for _, field in with_comma):
        raise ValueError(
            f"row {line}: '{field}' can be {field.replace(',', '.')} or {field.replace(',', '')}; write decimal "
            "points, and nothing between thousands"
        )
    return True
