"""A recipe: the best known moves and configuration, `recipes/REGIME.yaml` for a regime.

`recipes/kinetics/own_laws.yaml` is for every other regime in which each reaction has a rate law of its own, and for
measurements.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from agent.base.checked_yaml import read_document
from agent.base.loop_git import user_git
from agent.executor.code.code_state import CodeState
from agent.executor.code.worktree import throw_away
from agent.executor.workspace import Workspace, head_commit
from agent.planner.move_catalogue import apply, read_moves
from agent.training.overrides import number_or_text
from simulator.measured_regime import Measured, find_known
from simulator.regime import Regime
from stoichloop.errors import StoichloopError, UsageError

BEST = "best"
OWN_LAWS = Path("kinetics", "own_laws.yaml")
_SIBLING = re.compile(r"_sibling\d+$")


class Recipe(BaseModel):
    """A recipe file: moves in the order in which they are applied, and fields of the configuration after them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str = Field(min_length=1)
    why: str = Field(min_length=1)
    moves: tuple[str, ...]
    configuration: dict[str, Annotated[float | int | str, BeforeValidator(number_or_text)]]


@dataclass(frozen=True)
class Start:
    """The start of a training run: a state of the code, changes of its configuration, and their names."""

    code: CodeState
    configuration: dict[str, Any]
    names: dict[str, Any]


def find_recipe(workspace: Workspace, regime: str, asked: str) -> Path:
    """Return the file for `--recipe`. 'best' is the regime's own, or that of its kinetics; a sibling uses its parent's.

    Raises `StoichloopError` with the regimes that have a recipe.
    """
    if asked != BEST:
        if not Path(asked).is_file():
            raise UsageError(f"--recipe {asked}: there is no such file; 'best' is the regime's own recipe")
        return Path(asked)
    folder, parent = workspace.root / "recipes", _SIBLING.sub("", regime)
    known = sorted(path.stem for path in folder.glob("*.yaml"))
    if parent not in known and _has_own_laws(find_known(parent, workspace.data)):
        return folder / OWN_LAWS
    if parent not in known:
        raise StoichloopError(
            f"--recipe {BEST}: there is no recipe for regime '{parent}' in {folder}; "
            f"regimes that have one: {', '.join(known) or 'none'}"
        )
    return folder / f"{parent}.yaml"


def _has_own_laws(regime: Regime | Measured) -> bool:
    """Return whether reactions have a rate law each, as far as is known: nobody knows the laws of measurements."""
    return isinstance(regime, Measured) or regime.constraints.primitive


@contextmanager
def start_from(workspace: Workspace, path: Path | None) -> Iterator[Start]:
    """Yield the working tree's `gnn/`, or the committed `gnn/` with the recipe in `path` applied.

    Raises `StoichloopError` if the recipe is malformed, or does not fit the committed code.
    """
    if path is None:
        yield Start(CodeState(workspace.root, workspace.sandbox), {}, {})
        return
    recipe, commit = read_document(path, Recipe), head_commit(workspace)
    moves = read_moves(recipe.moves)

    with throw_away(workspace.repo, workspace.runs / ".recipes", workspace.sandbox) as worktrees:
        code = worktrees.edited(commit, partial(apply, moves))
        try:
            code.resolve(recipe.configuration)
        except StoichloopError as error:
            raise StoichloopError(f"{path}: {error}") from error
        names = {"recipe": str(path), "moves": list(recipe.moves), "commit": commit}
        yield Start(code, recipe.configuration, names)


def uncommitted(workspace: Workspace) -> bool:
    """Return whether the working tree's `gnn/` differs from HEAD."""
    # Without optional locks, or git would refresh the user's index; only the user's settings tell what is ignored.
    git = user_git(workspace.root)(no_optional_locks=True)
    return bool(git.status("--porcelain", "--untracked-files=normal", "--", "gnn"))
