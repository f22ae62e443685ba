"""What the tip of a chain still holds of each change."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from git import Repo

from agent.winners.attribution import undone

Versions = list[str | None]


def commits(folder: Path, files: dict[str, Versions]) -> tuple[str, ...]:
    """Make a chain of commits: the n-th has the n-th version of each file in gnn/, None for no such file."""
    repo = Repo.init(folder)
    with repo.config_writer() as config:
        config.set_value("user", "name", "A User")
        config.set_value("user", "email", "user@localhost")
    (folder / "gnn").mkdir()
    chain = []
    for number in range(len(next(iter(files.values())))):
        for name, versions in files.items():
            path, version = folder / "gnn" / name, versions[number]
            path.unlink(missing_ok=True)
            if version is not None:
                path.write_text(version)
        repo.git.add("--all")
        repo.git.commit("--allow-empty", "-m", str(number))
        chain.append(repo.git.rev_parse("HEAD"))
    return tuple(chain)


def lines(text: str | None) -> str | None:
    return None if text is None else "".join(f"{word}\n" for word in text.split())


@pytest.mark.parametrize(
    ("versions", "gone"),
    [
        (["a b c", "a X b c", "a X Y b c"], set()),
        (["a b c", "a X b c", "a Y b c"], {1}),
        (["a b c", "a X b c", "a b c Y"], {1}),
        (["a b c", "a X b c", None], {1}),
        (["a b c", "a X b c", "P Q"], {1}),
        (["a b c", "a X b c", None, "P Q"], {1, 2}),
        ([None, "a", "a b"], set()),
        ([None, "a", None, "b"], {1, 2}),
        (["a b c", "a c", "a Z c"], set()),
        (["a b c", "a c", "Q c"], set()),
        (["a b c", "a c", "P Q"], {1}),
        (["a b c", "a b", "P Q"], {1}),
        (["a b c", "b c", "P Q"], {1}),
        (["a b c", "a X b c", "a X b Y c", "a b Y c"], {1}),
    ],
)
def test_a_change_that_later_ones_rewrote_is_undone(tmp_path: Path, versions: list[str | None], gone: set[int]) -> None:
    beside: Versions = [*("0" for _ in versions[1:]), "the last one changes this file too"]
    chain = commits(tmp_path, {"a.py": list(map(lines, versions)), "b.py": beside})
    assert undone(tmp_path, chain) == gone


def test_the_chosen_configuration_is_compared_by_field(tmp_path: Path) -> None:
    chosen = [{}, {"lr": 0.1}, {"lr": 0.1, "width": 3}, {"width": 3, "zeta": 1}]
    chain = commits(tmp_path, {"configuration.json": [json.dumps(fields, indent=1) for fields in chosen]})
    assert undone(tmp_path, chain) == {1}


def test_fields_that_a_move_dropped_are_undone(tmp_path: Path) -> None:
    files: dict[str, Versions] = {"configuration.json": ["{}\n", '{\n "lr": 0.1\n}\n', "{}\n"], "a.py": ["a", "a", "b"]}
    assert undone(tmp_path, commits(tmp_path, files)) == {1}
