"""The S of every experiment, packed: the page's script draws it when the experiment is opened."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from agent.analyzer.scoring.decode import decode
from agent.analyzer.scoring.estimate import EstimateError, read_estimate
from agent.campaign.folder import CampaignFolder
from agent.executor.artifacts import ESTIMATE
from agent.report.experiment_row import ExperimentRow
from memory.leaderboard import typical_trial
from simulator.dataset import Dataset, FrozenData
from simulator.network import Ints

ROOM = 165_000  # characters of packed networks: 500 experiments on 1,000 coefficients
_FIRST = ord("0")  # the letter of the least integer; the others follow


@dataclass(frozen=True)
class ExperimentNetwork:
    """The decoded coefficients of one trial, shape (E,), and how many are right; `right` is None without a truth."""

    trial: str
    decoded: Ints
    right: int | None


def network_of_row(campaign: CampaignFolder, row: ExperimentRow, data: FrozenData) -> ExperimentNetwork | None:
    """Return the network of the trial whose score is nearest to the mean; None if it has no estimate."""
    trial = typical_trial(row.experiment, row.fidelity) if row.fidelity else None
    if trial is None:
        return None
    try:
        estimate = read_estimate(campaign.folder / trial.folder / ESTIMATE, data.graph)
    except EstimateError:
        return None
    decoded = decode(data.graph, estimate.sto_all, data.regime.constraints, data.stated_columns)
    right = int(np.sum(decoded == data.truth.sto_all)) if isinstance(data, Dataset) else None
    return ExperimentNetwork(trial.trial, decoded, right)


def pack_networks(rows: Iterable[ExperimentRow], networks: Mapping[str, ExperimentNetwork]) -> str:
    """Return the coefficients of each experiment, JSON as gzip in base64; empty if there are none.

    A letter stands for a coefficient. Where all are too long, those of accepted experiments and the newest stay.
    """
    order = sorted(rows, key=lambda row: (row.experiment.accepted, row.number), reverse=True)
    decoded = {row.experiment.id: networks[row.experiment.id].decoded for row in order if row.experiment.id in networks}
    packed = _packed(decoded)
    while len(packed) > ROOM:
        decoded = dict(list(decoded.items())[: int(len(decoded) * min(0.95, ROOM / len(packed)))])
        packed = _packed(decoded)
    return packed


def _packed(decoded: Mapping[str, Ints]) -> str:
    if not decoded:
        return ""
    values = sorted({value for integers in decoded.values() for value in integers.tolist()})
    letters = {value: chr(_FIRST + place) for place, value in enumerate(values)}
    told = {name: "".join(letters[value] for value in integers.tolist()) for name, integers in decoded.items()}
    # The time in the header is left out: the same ledger gives the same page.
    text = json.dumps({"values": values, "letters": told})
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()
