"""The catalogue of moves: small separate changes of the code in `gnn/`, each a folder `moves/NAME/`.

move.yaml    what it is, why it should help, which moves must have been applied before
move.patch   a git diff that touches files under gnn/ only
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from agent.base.checked_yaml import read_document
from agent.executor.code.patch import PatchRefusedError, apply_diff, refuse_files, touched
from stoichloop.errors import StoichloopError

MOVES = Path(__file__).parents[2] / "moves"


class Description(BaseModel):
    """`move.yaml`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str = Field(min_length=1)
    why: str = Field(min_length=1)
    requires: tuple[str, ...]


@dataclass(frozen=True)
class Move:
    """A change of the code that can be proposed by name; `patch` is the path of its `diff`."""

    name: str
    description: Description
    patch: Path
    diff: str

    @property
    def lines(self) -> int:
        """How many lines it adds and removes."""
        return sum(line[:1] in ("+", "-") and line[:3] not in ("+++", "---") for line in self.diff.splitlines())


def move_names(catalogue: Path = MOVES) -> list[str]:
    """The moves there are."""
    return sorted(path.parent.name for path in catalogue.glob("*/move.yaml"))


def read_move(name: str, catalogue: Path = MOVES) -> Move:
    """The move called `name`; raises `StoichloopError` if there is none, or one that leaves `gnn/`."""
    if name not in move_names(catalogue):
        raise StoichloopError(f"there is no move '{name}'; moves are {', '.join(move_names(catalogue))}")
    description = read_document(catalogue / name / "move.yaml", Description)
    patch = catalogue / name / "move.patch"
    try:
        diff = patch.read_text(encoding="utf-8")
        refuse_files(touched(patch))
    except (OSError, UnicodeDecodeError, PatchRefusedError) as error:
        raise StoichloopError(f"{patch}: {error}") from error
    return Move(name, description, patch, diff)


def read_moves(names: Sequence[str], catalogue: Path = MOVES) -> list[Move]:
    """Moves in the order in which they are to be applied; raises `StoichloopError` if one lacks what it requires."""
    moves = [read_move(name, catalogue) for name in names]
    for place, move in enumerate(moves):
        missing = [name for name in move.description.requires if name not in names[:place]]
        if missing:
            raise StoichloopError(f"move '{move.name}' requires {', '.join(missing)} before it")
    return moves


def apply(move: Move, folder: Path) -> None:
    """Do what the move does to the `gnn/` of a worktree and to its index, whole or not at all; commits nothing.

    Raises `StoichloopError` naming the move and the file if it does not apply.
    """
    try:
        apply_diff(move.diff, folder)
    except PatchRefusedError as error:
        raise StoichloopError(f"move '{move.name}': {error}; write {move.patch} anew on top of it") from error
