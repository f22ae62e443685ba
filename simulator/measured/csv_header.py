"""The header of a user's table: which column holds the times, the names of trajectories, and each metabolite.

`time` and `trajectory` are found under these names first, and otherwise under the names that people and programs give
them: `Time [min]`, `t`, `time_s`; `Run`, `id`, `condition`. A nameless column of row numbers is no metabolite.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

TIME, TRAJECTORY = "time", "trajectory"

_UNITS = r"ms|s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?"
# `T` may be a metabolite, so a single letter must be small.
_IS_TIME = re.compile(rf"(?:(?i:time)|t)(?:\s*[\[(/].*|[\s_]+(?i:in )?(?i:{_UNITS}))?")
_IS_TRAJECTORY = re.compile(
    r"(trajectory|run|experiment|condition|replicate|id)([ _]?(id|name|no|number))?", re.IGNORECASE
)
_NAMELESS = re.compile(r"(Unnamed: \d+)?")  # pandas names a nameless column so
_WHOLE = re.compile(r"\d*", re.ASCII)


@dataclass(frozen=True)
class Columns:
    """The index of each column by its meaning, and remarks on what the reader had to guess."""

    time: int
    trajectory: int | None
    metabolites: dict[str, int]
    remarks: tuple[str, ...]


def is_time(name: str) -> bool:
    """Return whether a column of this name can hold the times."""
    return _IS_TIME.fullmatch(name) is not None


def find_columns(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Columns:
    """Return the meaning of each column; raises `ValueError` with the mend."""
    time = _one(header, TIME, is_time)
    if time is None:
        raise ValueError(_no_time(header, rows))
    trajectory = _one(header, TRAJECTORY, lambda name: _IS_TRAJECTORY.fullmatch(name) is not None)
    numbers = [index for index, name in enumerate(header) if _holds_row_numbers(index, name, rows)]
    others = {index: name for index, name in enumerate(header) if index not in (time, trajectory, *numbers)}
    _refuse_names(list(others.values()))
    remarks = [
        f"{what} in column '{header[index]}'"
        for what, index in ((TIME, time), (TRAJECTORY, trajectory))
        if index is not None and header[index] != what
    ]
    if numbers:
        remarks.append(f"without {len(numbers)} nameless column{'s' * (len(numbers) > 1)}")
    return Columns(time, trajectory, {name: index for index, name in others.items()}, tuple(remarks))


def _one(header: Sequence[str], called: str, can_be: Callable[[str], bool]) -> int | None:
    """Return the column of this very name, or the one that can be meant."""
    found = [index for index, name in enumerate(header) if name == called] or [
        index for index, name in enumerate(header) if can_be(name)
    ]
    if len(found) > 1:
        names = " and ".join(f"'{header[index]}'" for index in found)
        raise ValueError(f"columns {names} can both be the column '{called}'; keep one, and call it '{called}'")
    return found[0] if found else None


def _no_time(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    if any(row and is_time(row[0]) for row in rows):
        return "looks transposed, with the times in a row; transpose it, so that each row is a sample"
    fault = f"the first row has no column '{TIME}'"
    if len(header) == 1:
        return f"{fault}; give the column of times this name, and separate the columns by commas, semicolons or tabs"
    nameless = " (the first column has no name)" if _NAMELESS.fullmatch(header[0] if header else "") else ""
    return f"{fault}{nameless}; give the column of times this name"


def _holds_row_numbers(index: int, name: str, rows: Sequence[Sequence[str]]) -> bool:
    """Return whether a nameless column is the index of a data frame, or empty."""
    pattern = _WHOLE if index == 0 else re.compile("")
    return bool(_NAMELESS.fullmatch(name)) and all(pattern.fullmatch(row[index]) for row in rows)


def _refuse_names(names: Sequence[str]) -> None:
    if "" in names:
        raise ValueError("has a column without a name; name it or delete it")
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        raise ValueError(f"column '{twice[0]}' must have a name of its own")
    if not names:
        raise ValueError("has no column of a metabolite; give one for each that was measured")
