"""The recipe of regimes with a rate law for each reaction, on data whose true integers are known."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict

from agent.analyzer.scoring.decode import decode
from agent.executor.workspace import Workspace
from agent.training.recipe import OWN_LAWS, Start, start_from
from agent.training.run import train_once
from simulator.dataset import FrozenData
from simulator.network import Ints


class RecipeAnswer(BaseModel):
    """One training: coefficients right, those with a runner-up, how many of these are sure, and sure and right."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seed: int
    right: int
    contested: int
    sure: int
    sure_right: int
    seconds: float


@dataclass(frozen=True)
class BestRecipe:
    """Trains with the recipe, once with each seed."""

    workspace: Workspace
    start: Start
    seeds: Sequence[int]

    def answers(self, data: FrozenData, true: Ints) -> list[RecipeAnswer]:
        """Return an answer for each seed; raises `StoichloopError` if a training does not complete."""
        return [self._answer(data, true, seed) for seed in self.seeds]

    def _answer(self, data: FrozenData, true: Ints, seed: int) -> RecipeAnswer:
        began = time.monotonic()
        with tempfile.TemporaryDirectory() as place:
            run = train_once(
                self.start.code,
                data,
                self.start.configuration,
                names=self.start.names,
                seed=seed,
                steps=data.regime.training.full_steps,
                folder=Path(place) / "trial",
                sandbox=self.workspace.sandbox,
                quiet=True,
                check=lambda: None,
            )
        integers = decode(data.graph, run.estimate.sto_all, data.regime.constraints, data.stated_columns)
        right, confidence = integers == true, run.estimate.confidence
        assert confidence is not None
        sure = confidence.sure & confidence.contested
        return RecipeAnswer(
            seed=seed,
            right=int(np.count_nonzero(right)),
            contested=int(np.count_nonzero(confidence.contested)),
            sure=int(np.count_nonzero(sure)),
            sure_right=int(np.count_nonzero(sure & right)),
            seconds=round(time.monotonic() - began, 1),
        )


@contextmanager
def best_recipe(workspace: Workspace, seeds: int) -> Iterator[BestRecipe]:
    """Yield the recipe with seeds from 0."""
    with start_from(workspace, workspace.root / "recipes" / OWN_LAWS) as start:
        yield BestRecipe(workspace, start, range(seeds))
