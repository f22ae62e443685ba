"""Short notation for lists of experiment names: consecutive names are written as one span.

The findings of each block cite most of the experiments so far, so written out they would make up most of the ledger.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from memory.records import experiment_name, experiment_number

_BETWEEN = ".."


def pack(experiments: Sequence[str]) -> str:
    """Write `e0001`, `e0002`, `e0003`, `e0007` as JSON, `["e0001..e0003", "e0007"]`; the order stays."""
    spans: list[list[str]] = []
    for name in experiments:
        if spans and name == experiment_name(experiment_number(spans[-1][-1]) + 1):
            spans[-1][1:] = [name]
        else:
            spans.append([name])
    return json.dumps([_BETWEEN.join(span) for span in spans])


def unpack(text: str) -> tuple[str, ...]:
    """Return the names that `pack` was given; single names are returned unchanged."""
    return tuple(_unpacked(json.loads(text)))


def _unpacked(spans: Sequence[str]) -> Iterator[str]:
    for span in spans:
        first, between, last = span.partition(_BETWEEN)
        if between:
            yield from map(experiment_name, range(experiment_number(first), experiment_number(last) + 1))
        else:
            yield first
