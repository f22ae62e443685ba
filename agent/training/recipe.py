"""A recipe: the best known moves and configuration, `recipes/REGIME.yaml` for a regime.

`recipes/kinetics/own_laws.yaml` is for every other regime in which each reaction has a rate law of its own, and for
measurements. Every other regime of PDE_M1 uses the recipe of the one that is observed the most like it.
"""

from __future__ import annotations

import math
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


@dataclass(frozen=True)
class FoundRecipe:
    """The file of a recipe, and the reason for it: empty if it was named, or is the regime's own."""

    path: Path
    why: str = ""


def find_recipe(workspace: Workspace, regime: str, asked: str) -> FoundRecipe:
    """Return the recipe for `--recipe`; 'best' is the regime's own, or one that fits. A sibling uses its parent's.

    Raises `StoichloopError` if there is none.
    """
    if asked != BEST:
        if not Path(asked).is_file():
            raise UsageError(f"--recipe {asked}: there is no such file; 'best' is the regime's own recipe")
        return FoundRecipe(Path(asked))
    folder, parent = workspace.root / "recipes", _SIBLING.sub("", regime)
    files = {path.stem: path for path in sorted(folder.glob("*.yaml"))}
    if parent in files:
        return FoundRecipe(files[parent])
    known = find_known(parent, workspace.data)
    if isinstance(known, Measured):
        return FoundRecipe(folder / OWN_LAWS, "the rate laws of measurements are unknown, so each reaction has its own")
    if known.constraints.primitive:
        return FoundRecipe(folder / OWN_LAWS, "each reaction of the regime has a rate law of its own")
    others = [other for name in files if isinstance(other := find_known(name, workspace.data), Regime)]
    if not others:
        raise StoichloopError(f"--recipe {BEST}: there is no recipe in {folder}; restore it, or name a file")
    nearest = min(others, key=partial(_difference, known))
    return FoundRecipe(files[nearest.name], f"the recipe of '{nearest.name}', which is observed most like '{parent}'")


def _difference(one: Regime, other: Regime) -> tuple[float, ...]:
    """Return how two regimes differ, the most important first: observations, statements on S, then sizes."""

    def settings(regime: Regime) -> tuple[bool, ...]:
        seen = regime.observation
        noisy = seen.dcdt_noise > 0 or seen.concentration_noise > 0
        return seen.dcdt_given, seen.roles_told, seen.decoys > 0, noisy, regime.constraints.mass_balanced

    def sizes(regime: Regime) -> tuple[int, ...]:
        return regime.trajectories.count, len(regime.reaction_names)

    kinds = [float(mine != its) for mine, its in zip(settings(one), settings(other), strict=True)]
    ratios = [abs(math.log(mine / its)) for mine, its in zip(sizes(one), sizes(other), strict=True)]
    return *kinds, *ratios


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
