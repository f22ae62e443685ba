"""The rule that ends a campaign: no gain is left that a confirmation could find, or the user's score is reached.

Scores are at most 1. With `low` the lower end of the 95 % interval of the incumbent's mean, at most 1 - low is left to
gain. A confirmation of the most pairs finds a gain of `_FINDABLE` standard deviations of the seeds in four of five
cases at the level of the first test. The campaign ends when less is left. At least 16 seeds are needed: a rare failure
does not show on fewer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy import stats

from agent.analyzer.judging.confirmation import LOOKS, level_of
from agent.analyzer.judging.interval import SHARE, interval_of_mean
from agent.analyzer.judging.screening import reference
from memory.formatting import counted, within
from memory.records import Experiment

ENOUGH = 16  # seeds
_POWER = 0.8
_FINDABLE = float(stats.norm.isf(level_of(1) * LOOKS[-1].share) + stats.norm.ppf(_POWER)) * math.sqrt(
    1 / LOOKS[-1].pairs + 1 / LOOKS[-1].rivals
)


def is_complete(scores: Sequence[float]) -> bool:
    """Return whether scores leave less to gain than a confirmation could find; False for fewer than two."""
    interval = interval_of_mean(scores, SHARE)
    return interval is not None and 1.0 - interval[0] <= _FINDABLE * float(np.std(scores, ddof=1))


def reached(incumbent: Experiment, fidelity: str, until: float | None) -> str | None:
    """Return in a sentence why the campaign is solved, None while it is not.

    With `until` it is solved once the incumbent's mean reaches that score.
    """
    scores = reference(incumbent, fidelity) or list(incumbent.scores(fidelity).values())
    if not scores:
        return None
    mean = float(np.mean(scores))
    known = f"{mean:.4f}{within(interval_of_mean(scores, SHARE))} on {counted(len(scores), 'seed')}"
    told = f"solved, {incumbent.id} scores {known}"
    if until is not None:
        return f"{told} at {fidelity}, and {until:g} was asked for" if mean >= until else None
    if len(scores) < ENOUGH or not is_complete(scores):
        return None
    return f"{told} at {fidelity}: no gain is left that could be confirmed"
