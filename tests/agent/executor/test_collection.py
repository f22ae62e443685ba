"""The files that a trial leaves are collected, also as an ordinary user, whom a mode of 0 keeps out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from agent.executor.collection import copy_plain, tidy
from tests.ordinary_user import as_ordinary_user


def locked(folder: Path) -> None:
    folder.chmod(0)


def locked_but_to_pass(folder: Path) -> None:
    folder.chmod(0o111)


def result_locked(folder: Path) -> None:
    (folder / "estimate.npz").chmod(0)


def folders_in_it_locked(folder: Path) -> None:
    (folder / "a" / "b").mkdir(parents=True)
    (folder / "a" / "b" / "c").touch()
    (folder / "a" / "b").chmod(0)
    (folder / "a").chmod(0)


@pytest.mark.parametrize("lock", [locked, locked_but_to_pass, result_locked, folders_in_it_locked])
def test_a_folder_that_a_trial_has_locked_is_tidied(lock: Callable[[Path], None]) -> None:
    def work(place: Path) -> None:
        (folder := place / "s0-probe").mkdir()
        (folder / "estimate.npz").write_text("whole")
        lock(folder)
        tidy(folder)
        assert [(path.name, path.read_text()) for path in folder.iterdir()] == [("estimate.npz", "whole")]

    assert as_ordinary_user(work) == 0


@pytest.mark.parametrize("mode", [0, 0o111, 0o222])
def test_a_result_is_copied_whatever_its_mode(mode: int) -> None:
    def work(place: Path) -> None:
        (place / "estimate.npz").write_text("whole")
        (place / "estimate.npz").chmod(mode)
        copy_plain(place / "estimate.npz", place / "copy", 3)
        assert (place / "copy").read_text() == "who"

    assert as_ordinary_user(work) == 0
