"""The catalogue of moves: named changes of the code in `gnn/`, each a folder `moves/NAME/`.

move.yaml    title, why it should help, moves that must have been applied before
move.patch   a small move: a git diff of files under gnn/

gnn/         a large move, in place of the patch: the modules that it adds or rewrites, as they stand once applied;
             `removes` in move.yaml lists the files of gnn/ that it deletes
tests/       unit tests of these modules, run by `python -m moves`
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from agent.base.checked_yaml import read_document
from agent.base.loop_git import loop_git
from agent.executor.code.patch import apply_diff, refuse_files, touched
from agent.executor.code.scratch import difference
from agent.executor.code.unified_diff import PatchRefusedError
from memory.records import TITLE_CHARACTERS
from stoichloop.errors import StoichloopError

MOVES = Path(__file__).parents[2] / "moves"


class Description(BaseModel):
    """`move.yaml`. `removes` lists files of `gnn/`, such as `loss.py`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str = Field(min_length=1, max_length=TITLE_CHARACTERS)
    why: str = Field(min_length=1)
    requires: tuple[str, ...]
    removes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Move:
    """A change of the code that can be proposed by name.

    Attributes:
        folder: `moves/NAME/`.
        diff: the patch of a small move, empty for a tree.
        files: the text of each file of a tree by its path, such as `gnn/spline.py`; empty for a patch.
    """

    name: str
    description: Description
    folder: Path
    diff: str = ""
    files: Mapping[str, str] = field(default_factory=dict)

    @property
    def lines(self) -> int:
        """Size in lines: those that a patch adds and removes, or those of the files of a tree."""
        if self.files:
            return sum(len(text.splitlines()) for text in self.files.values())
        return sum(line[:1] in ("+", "-") and line[:3] not in ("+++", "---") for line in self.diff.splitlines())

    def diff_on(self, code: Path) -> str:
        """Return the unified diff that applies the move to the `gnn/` in folder `code`, which stays as it is.

        A patch is the same on any code. A tree is compared with the code; of the files that it removes, older code may
        lack some, as may code from which an earlier move has removed them.
        """
        return difference(code, self._put) if self.files else self.diff

    def _put(self, folder: Path) -> None:
        for name in self.description.removes:
            (folder / "gnn" / name).unlink(missing_ok=True)
        for file, text in self.files.items():
            path = folder / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")


def move_names(catalogue: Path = MOVES) -> list[str]:
    """Return the names of all moves, sorted."""
    return sorted(path.parent.name for path in catalogue.glob("*/move.yaml"))


def read_move(name: str, catalogue: Path = MOVES) -> Move:
    """Read the move called `name`; raises `StoichloopError` if there is none, or one that leaves `gnn/`."""
    if name not in move_names(catalogue):
        raise StoichloopError(f"there is no move '{name}'; moves are {', '.join(move_names(catalogue))}")
    folder = catalogue / name
    description = read_document(folder / "move.yaml", Description)
    patch, tree = folder / "move.patch", folder / "gnn"
    if tree.exists() and patch.exists():
        raise StoichloopError(f"{folder}: a move is a patch or a tree: keep move.patch or gnn/, not both")
    if description.removes and not tree.exists():
        raise StoichloopError(f"{folder / 'move.yaml'}: only a move with gnn/ removes files; a patch deletes its own")
    try:
        if tree.exists():
            refuse_files([f"gnn/{file}" for file in description.removes])
            return Move(name, description, folder, files=_files_of(tree))
        refuse_files(touched(patch))
        return Move(name, description, folder, diff=patch.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, PatchRefusedError) as error:
        raise StoichloopError(f"{tree if tree.exists() else patch}: {error}") from error


def read_moves(names: Sequence[str], catalogue: Path = MOVES) -> list[Move]:
    """Read moves in the order in which they are to be applied; raises `StoichloopError` if one lacks a requirement."""
    moves = [read_move(name, catalogue) for name in names]
    for place, move in enumerate(moves):
        missing = [name for name in move.description.requires if name not in names[:place]]
        if missing:
            raise StoichloopError(f"move '{move.name}' requires {', '.join(missing)} before it")
    return moves


def with_requirements(name: str, catalogue: Path = MOVES, behind: Sequence[str] = ()) -> list[str]:
    """Return the names of the moves that a move requires, in order, and its own.

    `behind` are moves that require it. Raises `StoichloopError` if one requires a move that does not exist, or itself,
    directly or through others.
    """
    if name in behind:
        circle = " requires ".join(f"'{move}'" for move in [*behind[behind.index(name) :], name])
        raise StoichloopError(f"{catalogue / name / 'move.yaml'}: move {circle}: remove one from requires")
    required = read_move(name, catalogue).description.requires
    if unknown := next((other for other in required if other not in move_names(catalogue)), None):
        known = ", ".join(move_names(catalogue))
        raise StoichloopError(f"{catalogue / name / 'move.yaml'}: requires: there is no move '{unknown}'; take {known}")
    needed = [step for other in required for step in with_requirements(other, catalogue, [*behind, name])]
    return [*dict.fromkeys(needed), name]


def diff_of(moves: Sequence[Move], code: Path) -> str:
    """Return the unified diff that applies moves in this order to the `gnn/` in folder `code`, which stays as it is.

    Raises `StoichloopError` if one of several does not apply, or is there already. A diff of one move is not tried.
    """
    return moves[0].diff_on(code) if len(moves) == 1 else difference(code, partial(apply, moves))


def apply(moves: Sequence[Move], folder: Path) -> None:
    """Apply moves in this order to the `gnn/` of a checkout and to its index; commits nothing.

    Each move is applied whole or not at all. Raises `StoichloopError` naming the move and the file if one does not
    apply, or if the code holds it already.
    """
    git = loop_git(folder)
    for move in moves:
        diff, before = move.diff_on(folder), str(git.write_tree())
        try:
            if diff:
                apply_diff(diff, folder)
        except PatchRefusedError as error:
            raise StoichloopError(f"move '{move.name}': {error}; write {move.folder} anew on top of it") from error
        if git.write_tree() == before:
            raise StoichloopError(f"move '{move.name}': the code holds it already; leave it out of the list of moves")


def _files_of(tree: Path) -> dict[str, str]:
    """Read the files of a move's `gnn/`; raises `PatchRefusedError` for anything that is not a plain Python file."""
    paths = [path for path in sorted(tree.rglob("*")) if "__pycache__" not in path.parts]
    for path in (tree, *paths):
        if path.is_symlink():
            raise PatchRefusedError(f"{path.name} is a symbolic link, and a move holds plain files only")
    files = {f"gnn/{path.relative_to(tree).as_posix()}": path for path in paths if not path.is_dir()}
    if not files:
        raise PatchRefusedError("no Python file is in it")
    refuse_files(list(files))
    return {file: path.read_text(encoding="utf-8") for file, path in files.items()}
