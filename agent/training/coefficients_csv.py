"""The file `stoichiometry.csv`: the coefficients that a training recovered, by name."""

from __future__ import annotations

import csv
from pathlib import Path

from agent.analyzer.scoring.decode import decode
from agent.analyzer.scoring.estimate import read_estimate
from agent.executor.artifacts import ESTIMATE
from simulator.dataset import FrozenData

NOT_DETERMINED = "not determined"
_SURE = 0.9  # below this probability a coefficient is not stated


def write_coefficients(folder: Path, data: FrozenData) -> None:
    """Write `stoichiometry.csv` beside the `estimate.npz` in `folder`: a row for each edge, substrates negative.

    `coefficient` is the decoded integer, or says that it is not determined: where the trial is less than 90 % sure, and
    in a column that lacks members, for which nothing fixes the length.
    `runner_up` and `probability` are the trial's, empty where it states none. `estimate` is the trained value; each
    reaction has its own arbitrary scale.
    """
    graph, regime = data.graph, data.regime
    estimate = read_estimate(folder / ESTIMATE, graph)
    integers = decode(graph, estimate.sto_all, regime.constraints, data.stated_columns)
    confidence, without_length = estimate.confidence, data.stated_columns.without_length(graph)
    place = folder / "stoichiometry.csv"
    place.unlink(missing_ok=True)  # a trial may have left a link there that leads elsewhere
    with place.open("x", encoding="utf-8", newline="") as stream:
        rows = csv.writer(stream, lineterminator="\n")
        rows.writerow(("reaction", "metabolite", "coefficient", "runner_up", "probability", "estimate"))
        for edge, (metabolite, reaction) in enumerate(zip(graph.met_all, graph.rxn_all, strict=True)):
            names = regime.reaction_names[reaction], regime.metabolite_names[metabolite]
            coefficient, runner_up, probability = str(int(integers[edge])), "", ""
            if confidence is not None:
                runner_up, chance = str(int(confidence.runner_up[edge])), float(confidence.probability[edge])
                probability = f"{chance:.3f}"
                coefficient = coefficient if chance >= _SURE else NOT_DETERMINED
            coefficient = NOT_DETERMINED if without_length[edge] else coefficient
            rows.writerow((*names, coefficient, runner_up, probability, f"{estimate.sto_all[edge]:.6g}"))
