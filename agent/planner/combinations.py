"""The choice of what to combine: near misses, accepted lines beside the incumbent's, and what to leave out again.

A part is a change that led its own parent by half the noise or more on equal seeds, and that the line to build on does
not hold. All parts together come first, then pairs: those that touch different fields and files before others, and the
larger sum of leads first. A patch that neither led nor lagged by half the noise may help where another has changed the
code: at last it is tried with a part, or with another such patch.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from agent.planner.lead import Lead, lead_on_parent
from memory.leaderboard import changes_behind, changes_of, left_out, lineage
from memory.records import Experiment

NEAR = 0.5  # of the noise, that a part must have led by
_MOST = 6  # parts in one combination
_FILE = re.compile(r"^(?:---|\+\+\+) [ab]/(\S+)", re.MULTILINE)


@dataclass(frozen=True)
class Part:
    """A change that may be combined: an experiment, or a line of accepted experiments.

    Attributes:
        experiments: oldest first, without the fields that the line to build on has changed since they branched off.
        lead: of the last one, over its own parent.
        touches: fields and files that it changes.
        changes: ids of the changes that it makes; a combination makes those of its parts.
    """

    experiments: tuple[Experiment, ...]
    lead: Lead
    touches: frozenset[str]
    changes: frozenset[str]

    @property
    def ties(self) -> bool:
        """Return whether it led by less than a part must have."""
        return self.lead.sigmas < NEAR

    @property
    def patches(self) -> bool:
        """Return whether it changes code."""
        return any(e.patch for e in self.experiments)


@dataclass(frozen=True)
class Rest:
    """A combination without one of its parts, `without`: the other `parts` and what came on top, made on `parent`."""

    parent: Experiment
    parts: tuple[Experiment, ...]
    combination: Experiment
    without: Experiment


def parts_for(parent: Experiment, past: Sequence[Experiment], fidelity: str, without: Sequence[str] = ()) -> list[Part]:
    """Return the parts that may be combined on `parent`, and the patches that tied, by falling lead.

    The newest try of a change on this line counts. Moves named in `without` are no parts.
    """
    line = {e.id: e for e in lineage(past, parent)}
    unwanted = changes_behind(past, parent) | _dropped(past)
    unwanted |= {e.id for e in past if _is_refuted(e) or (e.move and e.move in without)}
    tried_again = {name for e in past if e.parent in line and len(e.combines) == 1 for name in e.combines}
    newest = {e.move: e.id for e in past if e.move and e.parent in line}
    parts = list[Part]()
    for e in past:
        chain = _chain(e, line, past)
        if not chain or e.id in tried_again or (e.move is not None and newest.get(e.move, e.id) != e.id):
            continue
        changes = changes_of(past, [before.id for before in chain])
        lead = lead_on_parent(e, past, fidelity)
        free = tuple(_free(before, line[chain[0].parent or ""], parent) for before in chain)
        if changes & unwanted or lead is None or not all(each.patch or each.changes for each in free):
            continue
        if lead.sigmas >= NEAR or (e.patch and lead.sigmas > -NEAR):
            touches = {name for each in free for name in (*each.changes, *_FILE.findall(each.patch))}
            parts.append(Part(free, lead, frozenset(touches), changes))
    return sorted(parts, key=lambda part: (-part.lead.sigmas, part.experiments[-1].id))


def sets_of(parts: Sequence[Part], parent: Experiment) -> Iterator[tuple[Part, ...]]:
    """Yield what to combine on `parent`, the most promising first; the first one may hold parts that do not fit."""
    led = [part for part in parts if not part.ties][:_MOST]
    tied = [part for part in parts if part.ties][:_MOST]
    if len(led) > 2:
        yield tuple(led)
    moved = [(part,) for part in led if part.experiments[0].parent != parent.id]
    yield from sorted([*combinations(led, 2), *moved], key=_order)
    yield from sorted([*((one, other) for one in led for other in tied), *combinations(tied, 2)], key=_order)


def rests_of(leader: Experiment, past: Sequence[Experiment]) -> Iterator[Rest]:
    """Yield each combination behind `leader`, the newest first, without each part that was not left out before.

    A part that was accepted alone has shown its worth.
    """
    line, known = lineage(past, leader), {e.id: e for e in past}
    for place in (place for place in reversed(range(len(line))) if len(line[place].combines) > 1):
        built_on, combination, *later = line[place - 1 :]
        parts = [_made(known[name], combination) for name in combination.combines]
        since = past[past.index(combination) + 1 :]
        for part in parts:
            others = [other for other in parts if other is not part]
            names = {other.id for other in others}
            asked = any(e.parent == built_on.id and names <= {*e.combines} and part.id not in e.combines for e in since)
            if not asked and not part.accepted:
                yield Rest(built_on, (*others, *later), combination, part)


def _chain(e: Experiment, line: Mapping[str, Experiment], past: Sequence[Experiment]) -> tuple[Experiment, ...]:
    """Return what leads from a line to a rejected experiment on it, or to an accepted one beside it; else nothing."""
    if e.verdict is None or e.id in line:
        return ()
    if e.accepted:
        way = lineage(past, e)
        return () if {*line} <= {before.id for before in way} else tuple(b for b in way if b.id not in line)
    return (e,) if e.verdict.verdict == "rejected" and e.parent in line else ()


def _free(experiment: Experiment, branched_off: Experiment, parent: Experiment) -> Experiment:
    """Return an experiment without its changes of fields that the line has changed from `branched_off` to `parent`."""
    before, now = branched_off.configuration, parent.configuration
    changes = {name: value for name, value in experiment.changes.items() if before.get(name) == now.get(name)}
    return replace(experiment, changes=changes)


def _made(part: Experiment, combination: Experiment) -> Experiment:
    """Return a part with the changes of fields that the combination has taken from it."""
    made = combination.changes
    return replace(part, changes={name: value for name, value in part.changes.items() if made.get(name) == value})


def _order(parts: tuple[Part, ...]) -> tuple[bool, float, tuple[str, ...]]:
    overlap = len(parts) == 2 and bool(parts[0].touches & parts[1].touches)
    return overlap, -sum(part.lead.sigmas for part in parts), tuple(part.experiments[-1].id for part in parts)


def _is_refuted(experiment: Experiment) -> bool:
    """Return whether fresh seeds found it worse than its parent, by the whole interval."""
    verdict = experiment.verdict
    return bool(verdict and verdict.rival == experiment.parent and verdict.interval and verdict.interval[1] < 0)


def _dropped(past: Sequence[Experiment]) -> frozenset[str]:
    """Return the changes that an accepted experiment has left out of one accepted before it."""
    ranks = {e.id: e.verdict.number for e in past if e.verdict and e.accepted}
    accepted = [e for e in past if e.accepted]
    return frozenset().union(
        *(
            left_out(past, one.parent or "", one.combines, other)
            for one in accepted
            for other in accepted
            if one.combines and ranks[one.id] > ranks[other.id]
        )
    )
