"""Numbers in sentences."""

from __future__ import annotations

import re

import pytest

from memory.formatting import counted, decimal
from tests.conftest import ROOT


@pytest.mark.parametrize(
    ("count", "nouns", "told"),
    [
        (0, ("trial",), "0 trials"),
        (1, ("trial",), "1 trial"),
        (2, ("trial",), "2 trials"),
        (1, ("trajectory", "trajectories"), "1 trajectory"),
        (3, ("trajectory", "trajectories"), "3 trajectories"),
    ],
)
def test_one_thing_is_singular(count: int, nouns: tuple[str, ...], told: str) -> None:
    assert counted(count, *nouns) == told


@pytest.mark.parametrize(
    ("value", "digits", "sign", "told"),
    [
        (0.25119, 4, "", "0.2512"),
        (-0.00004, 4, "", "0.0000"),
        (-0.0, 3, "+", "+0.000"),
        (-0.00004, 4, "+", "+0.0000"),
        (-0.00006, 4, "+", "-0.0001"),
        (float("nan"), 4, "", "nan"),
    ],
)
def test_zero_has_no_minus(value: float, digits: int, sign: str, told: str) -> None:
    assert decimal(value, digits, sign) == told


def test_no_other_way_writes_a_minus_zero() -> None:
    """A number that may be negative is written with `decimal`, or with the option z: `{value:+z.4f}`."""
    signed = re.compile(r"[:%]\+\.\df")
    sources = (path for folder in ("agent", "memory") for path in (ROOT / folder).rglob("*") if path.is_file())
    found = {
        path.name: lines
        for path in sources
        if path.suffix in (".py", ".j2") and (lines := signed.findall(path.read_text(encoding="utf-8")))
    }
    assert found == {}
