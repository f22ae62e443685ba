"""Recovered coefficients with their names: the wrong ones, the confusion matrix, the agreement between seeds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from agent.analyzer.scoring.decode import decode
from agent.analyzer.scoring.estimate import EstimateError, read_estimate
from agent.campaign.folder import CampaignFolder
from agent.executor.artifacts import ESTIMATE
from agent.report.reconstruction import ComparedReconstruction, Reconstruction
from memory.records import Experiment
from simulator.network import Ints
from stoichloop.foreign_text import shorten

_SEEDS = 8  # estimates to read for the agreement
_LISTED = 200  # coefficients
_NAME = 40  # characters


@dataclass(frozen=True)
class Coefficient:
    """One coefficient of S. `true` is None on measured data; `agreeing` counts the seeds with the same integer."""

    metabolite: str
    reaction: str
    learned: int
    true: int | None
    agreeing: int


@dataclass(frozen=True)
class Confusion:
    """Counts of coefficients, `counts[true, learned]`, over the integers that occur."""

    values: tuple[int, ...]
    counts: dict[tuple[int, int], int]


@dataclass(frozen=True)
class Recovery:
    """The decoded S of the best experiment.

    Attributes:
        total: number of coefficients. seeds: number of seeds with an estimate. disputed: coefficients on which these
            do not agree. wrong: coefficients that differ from the truth; listed: the first of the wrong ones, or
            without a truth of the disputed ones.
        agreeing: for each coefficient, the number of seeds with the same integer, shape (E,).
        confusion: None without a truth. cells: all coefficients for the page's drawing, as JSON values.
    """

    total: int
    seeds: int
    disputed: int
    wrong: int
    listed: tuple[Coefficient, ...]
    agreeing: Ints
    confusion: Confusion | None
    cells: dict[str, Any]


def decoded_by_seeds(campaign: CampaignFolder, experiment: Experiment, shown: Reconstruction) -> list[Ints]:
    """Return the decoded coefficients of several seeds at one fidelity, each of shape (E,), the shown one first."""
    found = [shown.decoded]
    for trial in experiment.trials:
        same = trial.fidelity == shown.trial.fidelity and trial.status == "completed"
        if not same or trial.trial == shown.trial.trial or len(found) == _SEEDS:
            continue
        try:
            estimate = read_estimate(campaign.folder / trial.folder / ESTIMATE, shown.data.graph)
        except EstimateError:
            continue
        found.append(decode(shown.data.graph, estimate.sto_all, shown.data.regime.constraints))
    return found


def recovery_of(shown: Reconstruction, by_seed: Sequence[Ints]) -> Recovery:
    """Compare the decoded integers with the truth, where it is known, and with those of other seeds."""
    graph, network = shown.data.graph, shown.data.regime.network
    true = shown.data.truth.sto_all if isinstance(shown, ComparedReconstruction) else None
    agreeing: Ints = np.sum([decoded == shown.decoded for decoded in by_seed], axis=0)
    metabolites = [shorten(name, _NAME) for name in network.metabolite_names]
    reactions = [shorten(name, _NAME) for name in network.reaction_names]
    wrong = np.flatnonzero(shown.decoded != true) if true is not None else np.array([], dtype=int)
    disputed = np.flatnonzero(agreeing < len(by_seed))
    return Recovery(
        total=len(shown.decoded),
        seeds=len(by_seed),
        disputed=len(disputed),
        wrong=len(wrong),
        listed=tuple(
            Coefficient(
                metabolites[graph.met_all[edge]],
                reactions[graph.rxn_all[edge]],
                int(shown.decoded[edge]),
                None if true is None else int(true[edge]),
                int(agreeing[edge]),
            )
            for edge in (disputed if true is None else wrong)[:_LISTED]
        ),
        agreeing=agreeing,
        confusion=None if true is None else _confusion(true, shown.decoded),
        cells={
            "metabolites": metabolites,
            "reactions": reactions,
            "row": graph.met_all.tolist(),
            "column": graph.rxn_all.tolist(),
            "learned": shown.decoded.tolist(),
            "true": None if true is None else true.tolist(),
            "agreeing": agreeing.tolist() if len(by_seed) > 1 else None,
            "seeds": len(by_seed),
        },
    )


def _confusion(true: Ints, learned: Ints) -> Confusion:
    values = sorted({*true.tolist(), *learned.tolist()})
    return Confusion(tuple(values), dict(Counter(zip(true.tolist(), learned.tolist(), strict=True))))
