"""The file `stoichiometry.csv`: the coefficients that a training recovered, by name."""

from __future__ import annotations

from pathlib import Path

from agent.analyzer.scoring.decode import decode
from agent.analyzer.scoring.estimate import read_estimate
from agent.executor.artifacts import ESTIMATE
from agent.training.determined import NOT_DETERMINED, determined, with_confidence
from agent.training.result_table import write_table
from simulator.dataset import FrozenData


def write_coefficients(folder: Path, data: FrozenData) -> None:
    """Write `stoichiometry.csv` beside the `estimate.npz` in `folder`: a row for each edge, substrates negative.

    `coefficient` is the decoded integer, or says that it is not determined.
    `runner_up` and `probability` are the trial's. Where it states none, they are the scorer's on measurements, and are
    empty elsewhere. `estimate` is the trained value; each reaction has its own arbitrary scale.
    """
    graph, regime = data.graph, data.regime
    estimate = with_confidence(read_estimate(folder / ESTIMATE, graph), data)
    integers = decode(graph, estimate.sto_all, regime.constraints, data.stated_columns)
    confidence = estimate.confidence
    known = determined(graph, confidence, data.stated_columns)
    rows = []
    for edge, (metabolite, reaction) in enumerate(zip(graph.met_all, graph.rxn_all, strict=True)):
        names = regime.reaction_names[reaction], regime.metabolite_names[metabolite]
        coefficient = str(int(integers[edge])) if known[edge] else NOT_DETERMINED
        runner_up, probability = "", ""
        if confidence is not None:
            runner_up, probability = str(int(confidence.runner_up[edge])), f"{confidence.probability[edge]:.3f}"
        rows.append((*names, coefficient, runner_up, probability, f"{estimate.sto_all[edge]:.6g}"))
    heading = ("reaction", "metabolite", "coefficient", "runner_up", "probability", "estimate")
    write_table(folder / "stoichiometry.csv", heading, rows)
