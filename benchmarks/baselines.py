"""Recovery of a regime by simple methods, beside the recipes."""

from __future__ import annotations

import time

import numpy as np
from pydantic import BaseModel, ConfigDict

from agent.analyzer.scoring.score import Scores
from agent.analyzer.scoring.uninformed import baseline
from benchmarks.answers import balance, judge, ones, oracle
from benchmarks.sindy import NotApplicableError, sindy
from benchmarks.summary import SCORES
from simulator.dataset import Dataset

_METHODS = {
    ones: "1 everywhere with the signs of the graph",
    balance: "the consistent integers nearest to that, without any data",
    oracle: "ORACLE, NOT A METHOD: an upper bound that is given the true rate law",
}


class BaselineResult(BaseModel):
    """The scores of a simple method, or why it was skipped."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    note: str
    scores: dict[str, float] | None = None
    skipped: str | None = None


def answers(dataset: Dataset) -> dict[str, BaselineResult]:
    """Return the answers of all methods that need no training, by name."""
    found = {}
    for method, note in _METHODS.items():
        start = time.monotonic()
        found[method.__name__] = _answer(note, method(dataset), start)
    return found | _sparse_regressions(dataset)


def _sparse_regressions(dataset: Dataset) -> dict[str, BaselineResult]:
    """Judge one regression twice: with its own signs, and with those of the graph, which is fairer to it."""
    notes = {"sindy": "pysindy on mass-action terms", "sindy_signed": "the same with the signs of the graph"}
    start = time.monotonic()
    try:
        sto_all = sindy(dataset)
    except NotApplicableError as error:
        return {name: BaselineResult(note=note, skipped=str(error)) for name, note in notes.items()}
    found = {"sindy": _answer(notes["sindy"], judge(dataset, sto_all), start)}
    if not dataset.regime.observation.roles_told:
        return found | {"sindy_signed": BaselineResult(note=notes["sindy_signed"], skipped="the graph tells no signs")}
    signed = np.abs(sto_all) * baseline(dataset.truth.graph).astype(float)
    return found | {"sindy_signed": _answer(notes["sindy_signed"], judge(dataset, signed), start)}


def _answer(note: str, scores: Scores, start: float) -> BaselineResult:
    scores = {**scores, "seconds": round(time.monotonic() - start, 2)}
    return BaselineResult(note=note, scores={name: scores[name] for name in SCORES if name in scores})
