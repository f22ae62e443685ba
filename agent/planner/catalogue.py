"""The catalogue of moves: small separate changes of the code in `gnn/`, each a folder `moves/NAME/`.

move.yaml    what it is, why it should help, which moves must have been applied before
move.patch   a git diff that touches files under gnn/ only
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from git import GitCommandError
from pydantic import BaseModel, ConfigDict, Field
from unidiff.errors import UnidiffParseError
from unidiff.patch import PatchSet

from agent.document import read_document
from agent.errors import StoichloopError
from agent.git import loop_git

MOVES = Path(__file__).parent / "moves"


class Description(BaseModel):
    """`move.yaml`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str = Field(min_length=1)
    why: str = Field(min_length=1)
    requires: tuple[str, ...]


@dataclass(frozen=True)
class Move:
    """A change of the code that can be proposed by name; `patch` is the path of its diff."""

    name: str
    description: Description
    patch: Path


def move_names(catalogue: Path = MOVES) -> list[str]:
    """The moves there are."""
    return sorted(path.parent.name for path in catalogue.glob("*/move.yaml"))


def read_move(name: str, catalogue: Path = MOVES) -> Move:
    """The move called `name`; raises `StoichloopError` if there is none, or one that leaves `gnn/`."""
    if name not in move_names(catalogue):
        raise StoichloopError(f"there is no move '{name}'; moves are {', '.join(move_names(catalogue))}")
    description = read_document(catalogue / name / "move.yaml", Description)
    patch = catalogue / name / "move.patch"
    for file in _touched(patch):
        if not file.startswith("gnn/") or ".." in file.split("/"):
            raise StoichloopError(f"{patch}: touches {file}, but a move may change files under gnn/ only")
    return Move(name, description, patch)


def _touched(patch: Path) -> set[str]:
    """The files before and after, as git names them."""
    try:
        files = PatchSet(patch.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, UnidiffParseError) as error:
        raise StoichloopError(f"{patch}: cannot be read as a git diff: {' '.join(str(error).split())}") from error
    sides = [side for file in files for side in (file.source_file, file.target_file) if side != "/dev/null"]
    if not sides:
        raise StoichloopError(f"{patch}: changes nothing; write it with git diff")
    return {side.partition("/")[2] for side in sides}


def read_moves(names: Sequence[str], catalogue: Path = MOVES) -> list[Move]:
    """Moves in the order in which they are to be applied; raises `StoichloopError` if one lacks what it requires."""
    moves = [read_move(name, catalogue) for name in names]
    for place, move in enumerate(moves):
        missing = [name for name in move.description.requires if name not in names[:place]]
        if missing:
            raise StoichloopError(f"move '{move.name}' requires {', '.join(missing)} before it")
    return moves


def apply(move: Move, folder: Path) -> None:
    """Do what the move does to the `gnn/` of a worktree, whole or not at all; commits nothing.

    Raises `StoichloopError` naming the move and the file if it does not apply.
    """
    try:
        loop_git(folder).apply("--whitespace=nowarn", str(move.patch))
    except GitCommandError as error:
        reason = str(error.stderr).partition("error: ")[2].partition("\n")[0].strip(" '") or str(error)
        raise StoichloopError(
            f"move '{move.name}' does not apply to this state of gnn/: {reason}; write {move.patch} anew on top of it"
        ) from error
