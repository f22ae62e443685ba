"""Nights in clones of their own, the same nights in peace, and the figures of all that was done to them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from simulator.dataset import Dataset
from tests.conftest import clone_for
from tests.torture.campaigns import Course, Night

FIGURES: Counter[str] = Counter()


@pytest.fixture
def night_of(tmp_path: Path, tiny: Dataset) -> Iterator[Callable[..., Night]]:
    """Yield a function that begins a night in a clone under a folder of the test's."""
    begun: list[Night] = []

    def begin(*arguments: str, under: Path = tmp_path, place: tuple[str, ...] = Night.place) -> Night:
        begun.append(Night(clone_for(under / "clone", tiny), arguments, place))
        return begun[-1]

    yield begin
    for night in begun:
        if night.life is not None and night.life.poll() is None:
            night.kill(after_s=0.0)


@pytest.fixture(scope="session")
def in_peace(tmp_path_factory: pytest.TempPathFactory, tiny: Dataset) -> Callable[..., Course]:
    """Return a function that gives the course of an undisturbed night."""

    @cache
    def course(*arguments: str, place: tuple[str, ...] = Night.place) -> Course:
        night = Night(clone_for(tmp_path_factory.mktemp("peace") / "clone", tiny), arguments, place)
        night.start()
        status, said = night.end()
        assert status == 0, said
        return night.course()

    return course


@pytest.fixture
def count(request: pytest.FixtureRequest) -> Callable[..., None]:
    """Count injected faults and compared experiments; both are printed at the end."""

    def note(faults: int, course: Course) -> None:
        FIGURES[f"{request.node.name}: faults"] += faults
        FIGURES["faults injected"] += faults
        FIGURES["experiments compared"] += len(course)
        FIGURES["trials compared"] += sum(len(e["trials"]) for e in course.values())

    return note


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for name, number in FIGURES.items():
        terminalreporter.write_line(f"{name}: {number}")
