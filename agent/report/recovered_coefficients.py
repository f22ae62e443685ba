"""Recovered coefficients with their names: the wrong ones, the confusion matrix, the agreement between seeds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from agent.analyzer.scoring.decode import decode
from agent.analyzer.scoring.estimate import Confidence, EstimateError, read_estimate
from agent.campaign.folder import CampaignFolder
from agent.executor.artifacts import ESTIMATE
from agent.report.reconstruction import ComparedReconstruction, Reconstruction
from agent.training.determined import determined, with_confidence
from memory.records import Experiment
from simulator.kinetics import Floats
from simulator.network import Graph, Ints
from stoichloop.foreign_text import shorten

_SEEDS = 8  # estimates to read for the agreement
_LISTED = 200  # coefficients
_NAME = 40  # characters


@dataclass(frozen=True)
class SeedNetwork:
    """The network of one seed: decoded integers and estimated coefficients, both of shape (E,)."""

    decoded: Ints
    estimate: Floats


@dataclass(frozen=True)
class Coefficient:
    """One coefficient of S. `true` is None on measured data; `agreeing` counts the seeds with the same integer.

    `value` is the mean estimate over seeds, each in units of its own decoded column; `deviation` that between seeds.
    `runner_up` and its `price` are None if no alternative is stated.
    """

    metabolite: str
    reaction: str
    learned: int
    true: int | None
    agreeing: int
    value: float
    deviation: float
    determined: bool
    runner_up: int | None
    price: float | None


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
            do not agree. undetermined: coefficients that the data do not determine.
        wrong: coefficients that differ from the truth. listed: the first of the wrong ones, or without a truth of all,
            the least certain first.
        agreeing: for each coefficient, the number of seeds with the same integer, shape (E,).
        confusion: None without a truth. cells: all coefficients for the page's drawing, as JSON values.
    """

    total: int
    seeds: int
    disputed: int
    undetermined: int
    wrong: int
    listed: tuple[Coefficient, ...]
    agreeing: Ints
    confusion: Confusion | None
    cells: dict[str, Any]


def decoded_by_seeds(campaign: CampaignFolder, experiment: Experiment, shown: Reconstruction) -> list[SeedNetwork]:
    """Return what several seeds recovered at one fidelity, the shown one first."""
    found = [SeedNetwork(shown.decoded, shown.estimate.sto_all)]
    for trial in experiment.trials:
        same = trial.fidelity == shown.trial.fidelity and trial.status == "completed"
        if not same or trial.trial == shown.trial.trial or len(found) == _SEEDS:
            continue
        try:
            estimate = read_estimate(campaign.folder / trial.folder / ESTIMATE, shown.data.graph).sto_all
        except EstimateError:
            continue
        data = shown.data
        decoded = decode(data.graph, estimate, data.regime.constraints, data.stated_columns)
        found.append(SeedNetwork(decoded, estimate))
    return found


def in_units(graph: Graph, network: SeedNetwork) -> Floats:
    """Return the estimates, shape (E,), each divided by the length of its column in that of the decoded one."""
    integers = network.decoded.astype(float)
    along = np.bincount(graph.rxn_all, integers * network.estimate, graph.n_reactions)
    lengths = along / np.maximum(np.bincount(graph.rxn_all, integers**2, graph.n_reactions), 1.0)
    return network.estimate / np.where(lengths == 0.0, np.inf, lengths)[graph.rxn_all]


def recovery_of(shown: Reconstruction, by_seed: Sequence[SeedNetwork]) -> Recovery:
    """Compare the decoded integers with the truth, where it is known, and with those of other seeds."""
    graph, network = shown.data.graph, shown.data.regime.network
    true = shown.data.truth.sto_all if isinstance(shown, ComparedReconstruction) else None
    agreeing: Ints = np.sum([each.decoded == shown.decoded for each in by_seed], axis=0)
    values = np.array([in_units(graph, each) for each in by_seed])
    mean, deviation = values.mean(axis=0), values.std(axis=0)
    metabolites = [shorten(name, _NAME) for name in network.metabolite_names]
    reactions = [shorten(name, _NAME) for name in network.reaction_names]
    wrong = np.flatnonzero(shown.decoded != true) if true is not None else np.array([], dtype=int)
    confidence = with_confidence(shown.estimate, shown.data).confidence
    known = determined(graph, confidence, shown.data.stated_columns)
    rivals = {} if confidence is None else _rivals(confidence)
    uncertain = np.lexsort((-np.abs(mean - shown.decoded), agreeing, known))
    return Recovery(
        total=len(shown.decoded),
        seeds=len(by_seed),
        disputed=int(np.sum(agreeing < len(by_seed))),
        undetermined=int(np.sum(~known)),
        wrong=len(wrong),
        listed=tuple(
            Coefficient(
                metabolites[graph.met_all[edge]],
                reactions[graph.rxn_all[edge]],
                int(shown.decoded[edge]),
                None if true is None else int(true[edge]),
                int(agreeing[edge]),
                float(mean[edge]),
                float(deviation[edge]),
                bool(known[edge]),
                *rivals.get(int(edge), (None, None)),
            )
            for edge in (uncertain if true is None else wrong)[:_LISTED]
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


def _rivals(confidence: Confidence) -> dict[int, tuple[int, float]]:
    """Return the runner-up and its price of each coefficient that has one, by edge."""
    edges = np.flatnonzero(confidence.contested)
    return {int(edge): (int(confidence.runner_up[edge]), float(confidence.price[edge])) for edge in edges}


def _confusion(true: Ints, learned: Ints) -> Confusion:
    values = sorted({*true.tolist(), *learned.tolist()})
    return Confusion(tuple(values), dict(Counter(zip(true.tolist(), learned.tolist(), strict=True))))
