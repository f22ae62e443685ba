"""The file `stoichiometry.csv`: the coefficients that a training recovered, by name."""

from __future__ import annotations

from pathlib import Path

from agent.analyzer.scoring.decode import decode
from agent.analyzer.scoring.estimate import Confidence, read_estimate
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
    own = read_estimate(folder / ESTIMATE, graph)
    confidence = with_confidence(own, data).confidence
    integers = decode(graph, own.sto_all, regime.constraints, data.stated_columns)
    known = determined(graph, confidence, data.stated_columns)
    certainty = [("", "")] * len(integers) if confidence is None else _certainty(confidence, own.confidence is None)
    rows = []
    for edge, (metabolite, reaction) in enumerate(zip(graph.met_all, graph.rxn_all, strict=True)):
        names = regime.reaction_names[reaction], regime.metabolite_names[metabolite]
        coefficient = str(int(integers[edge])) if known[edge] else NOT_DETERMINED
        rows.append((*names, coefficient, *certainty[edge], f"{own.sto_all[edge]:.6g}"))
    heading = ("reaction", "metabolite", "coefficient", "runner_up", "probability", "estimate")
    write_table(folder / "stoichiometry.csv", heading, rows)


def _certainty(confidence: Confidence, by_data: bool) -> list[tuple[str, str]]:
    """Return runner-up and probability of each coefficient as text; the runner-up is empty if there is none.

    Where the price is 0, the data do not tell the two apart. The probability then comes from odds that the trial
    assumes before any data, and is left out, unless all is known `by_data`.
    """
    said = confidence.contested
    told = by_data | ~said | (confidence.price > 0)
    numbers = zip(confidence.runner_up, confidence.probability, said, told, strict=True)
    return [(str(int(rival)) if one else "", f"{chance:.3f}" if two else "") for rival, chance, one, two in numbers]
