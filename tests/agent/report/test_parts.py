"""The parts of the page."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
from matplotlib.figure import Figure

from agent.report.failures import failures
from agent.report.fields import influences
from agent.report.rate_law import outliers
from agent.report.theme import draw, inline
from memory.records import Verdict
from tests.agent.experiments import scored


def test_failures_of_one_cause_stand_together() -> None:
    ended = [
        replace(scored(f"e000{number}"), verdict=Verdict("failed", reason))
        for number, reason in enumerate(
            ["crashed: no field 'lr' in e0007", "timed out at 60 s", "crashed: no field 'width' in e0009"], start=1
        )
    ]
    refused = replace(scored("e0004"), verdict=Verdict("refused", "timed out at 60 s"))
    found = failures([*ended, refused, scored("e0005", verdict=Verdict("rejected", "no"))])
    assert [(f.verdict, f.experiments) for f in found] == [
        ("failed", ("e0001", "e0003")),
        ("failed", ("e0002",)),
        ("refused", ("e0004",)),
    ]
    assert found[0].reason == "crashed: no field 'lr' in e0007"


def test_a_reason_of_one_long_word_is_grouped_at_once() -> None:
    started = time.monotonic()
    ended = [replace(scored(f"e000{n}"), verdict=Verdict("failed", "x" * 100_000)) for n in (1, 2)]
    assert [f.experiments for f in failures(ended)] == [("e0001", "e0002")]
    assert time.monotonic() - started < 1.0


def test_the_field_that_decides_is_the_important_one() -> None:
    rng = np.random.default_rng(0)
    experiments = []
    for number in range(30):
        decisive, idle = 10.0 ** rng.uniform(-4, -1), int(rng.integers(1, 5))
        e = scored(f"e{number + 1:04d}", [1.0 - abs(np.log10(decisive) + 2.0) / 3.0])
        configuration = {"lr_S": decisive, "depth": idle, "fixed": 1, "gate": ["none", "sigmoid"][number % 2]}
        experiments.append(replace(e, parent=None if number == 0 else "e0001", configuration=configuration))
    (found,) = influences(experiments)
    assert found.code == "e0001"
    assert next(iter(found.importance)) == "lr_S"
    assert set(found.importance) == {"lr_S", "depth", "gate"}
    assert not influences(experiments[:5])


def test_reactions_far_off_the_line_are_named_the_farthest_first() -> None:
    residual = np.random.default_rng(0).normal(0.0, 0.1, 200)
    residual[[3, 70]] = 2.0, -4.0
    assert outliers(residual)[:2] == [70, 3]
    assert outliers(np.zeros(50)) == []


def _line(figure: Figure) -> None:
    figure.add_subplot().plot([0, 1], [1, 0])


def test_a_figure_in_a_page_takes_its_colours_and_keeps_its_names_apart() -> None:
    element = inline(draw(_line, 3, 2), "mine", 'a "line"')
    assert element.startswith('<svg role="img" aria-label=\'a "line"\'')
    assert "var(--ink" in element
    assert "<!--" not in element
    assert 'id="mine-' in element
    assert "url(#mine-" in element or 'href="#mine-' in element
