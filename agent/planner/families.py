"""Family evidence: fields that several experiments on the same parent moved the same way, and that lead together.

None of them may have led by enough alone. For each field and direction (for a choice, each value), the mean lead of the
experiments that share the change is compared with that of the others and of the parent, whose lead is 0:

    z = (m_with - m_others) / (s sqrt(1 / n_with + 1 / n_others))

with s the spread within both groups or the noise, whichever is larger. The parent's luck on the shared seeds is in all
leads alike, so most of it cancels.
"""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from agent.planner.lead import lead_over, noise_of
from memory.leaderboard import lineage
from memory.records import Experiment

MEMBERS, EVIDENCE = 3, 2.0  # at least so many experiments, and so large a z


@dataclass(frozen=True)
class Family:
    """A change that `members` share: `field` to `value`, the middle one of theirs, with the difference of means."""

    field: str
    value: Any
    gain: float
    evidence: float
    members: tuple[str, ...]


def families(parent: Experiment, past: Sequence[Experiment], fidelity: str) -> list[Family]:
    """Return the families whose field the line to `parent` has not changed since, one a field, strongest first."""
    best: dict[str, Family] = {}
    for root in lineage(past, parent):
        for family in _of_children(root, past, fidelity):
            free = root.configuration.get(family.field) == parent.configuration.get(family.field)
            known = best.get(family.field)
            if free and (known is None or family.evidence > known.evidence):
                best[family.field] = family
    return sorted(best.values(), key=lambda family: (-family.evidence, family.field))


def _of_children(root: Experiment, past: Sequence[Experiment], fidelity: str) -> list[Family]:
    leads = {
        e.id: (e, lead.mean)
        for e in past
        if e.parent == root.id and e.verdict and not e.patch and (lead := lead_over(root, e, past, fidelity))
    }
    groups: defaultdict[tuple[str, Any], list[str]] = defaultdict(list)
    for e, _ in leads.values():
        for field, value in e.changes.items():
            groups[field, _direction(root.configuration.get(field), value)].append(e.id)
    noise = noise_of(root, past, fidelity)
    found = list[Family]()
    for (field, _), members in groups.items():
        ours = [leads[name][1] for name in members]
        others = [0.0, *(mean for name, (_, mean) in leads.items() if name not in members)]
        gain = statistics.fmean(ours) - statistics.fmean(others)
        error = max(_spread(ours, others), noise) * math.sqrt(1 / len(ours) + 1 / len(others))
        if len(members) < MEMBERS or statistics.fmean(ours) <= 0 or gain <= 0 or gain < EVIDENCE * error:
            continue
        values = [leads[name][0].changes[field] for name in members]
        evidence = gain / error if error else math.inf
        found.append(Family(field, statistics.median_low(values), gain, evidence, tuple(members)))
    return found


def _direction(old: Any, new: Any) -> Any:
    """Return whether a number grew, or the new value of a choice."""
    return new > old if isinstance(new, int | float) and isinstance(old, int | float) else new


def _spread(ours: Sequence[float], others: Sequence[float]) -> float:
    """Return the standard deviation within two groups, around the mean of each."""
    residuals = [value - statistics.fmean(group) for group in (ours, others) for value in group]
    degrees = len(residuals) - 2
    return math.sqrt(math.fsum(r * r for r in residuals) / degrees) if degrees > 0 else 0.0
