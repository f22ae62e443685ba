"""Coefficients that the data determine: they are probable enough, and something fixes the length of their column.

The probability is the trial's. On measurements, it is the scorer's where the trial states none.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from agent.analyzer.scoring.decode import decode
from agent.analyzer.scoring.estimate import Confidence, Estimate
from agent.analyzer.scoring.support import confidence_in
from simulator.dataset import FrozenData
from simulator.network import Graph
from simulator.stated_columns import StatedColumns

NOT_DETERMINED = "not determined"


def determined(graph: Graph, confidence: Confidence | None, stated: StatedColumns | None) -> NDArray[np.bool_]:
    """Return whether each coefficient is determined, shape (E,); a trial that states no probability counts as sure."""
    fixed = np.ones(len(graph.met_all), dtype=bool) if stated is None else ~stated.without_length(graph)
    return fixed if confidence is None else fixed & confidence.sure


def with_confidence(estimate: Estimate, data: FrozenData) -> Estimate:
    """Return an estimate with a confidence; unchanged if it has one, or if there is a truth to compare it with."""
    if estimate.confidence is not None or data.manifest.truth is not None:
        return estimate
    integers = decode(data.graph, estimate.sto_all, data.regime.constraints, data.stated_columns)
    return replace(estimate, confidence=confidence_in(integers, data))
