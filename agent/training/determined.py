"""Coefficients that the data determine: the trial is sure of them, and something fixes the length of their column."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from agent.analyzer.scoring.estimate import Confidence
from simulator.network import Graph
from simulator.stated_columns import StatedColumns

NOT_DETERMINED = "not determined"
_SURE = 0.9  # least probability


def determined(graph: Graph, confidence: Confidence | None, stated: StatedColumns | None) -> NDArray[np.bool_]:
    """Return whether each coefficient is determined, shape (E,); a trial that states no probability counts as sure."""
    fixed = np.ones(len(graph.met_all), dtype=bool) if stated is None else ~stated.without_length(graph)
    return fixed if confidence is None else fixed & (confidence.probability >= _SURE)
