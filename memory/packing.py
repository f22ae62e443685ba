"""Which experiments speak for a finding, written short: most speak for most, in every block anew."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

_BETWEEN = ".."


def pack(experiments: Sequence[str]) -> str:
    """`e0001`, `e0002`, `e0003`, `e0007` as JSON, `["e0001..e0003", "e0007"]`; the order stays."""
    spans: list[list[str]] = []
    for name in experiments:
        if spans and name == _named(_number(spans[-1][-1]) + 1):
            spans[-1][1:] = [name]
        else:
            spans.append([name])
    return json.dumps([_BETWEEN.join(span) for span in spans])


def unpack(text: str) -> tuple[str, ...]:
    """What `pack` was given; names that stand alone are taken as they are."""
    return tuple(_unpacked(json.loads(text)))


def _unpacked(spans: Sequence[str]) -> Iterator[str]:
    for span in spans:
        first, between, last = span.partition(_BETWEEN)
        if between:
            yield from map(_named, range(_number(first), _number(last) + 1))
        else:
            yield first


def _number(name: str) -> int:
    return int(name.removeprefix("e"))


def _named(number: int) -> str:
    return f"e{number:04d}"
