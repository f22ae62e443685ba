"""The words of a sweep: which field a proposal changes, which way, and what the leads so far say of it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from agent.planner.sweeps.evidence import has_led
from agent.planner.sweeps.search import Changes, Search
from memory.records import HYPOTHESIS_CHARACTERS, TITLE_CHARACTERS
from stoichloop.foreign_text import shorten


def title_of(changes: Changes, *, alone: bool = False) -> str:
    """Return the title of a proposal: its new values."""
    words = ", ".join(f"{name} {_short(value)}" for name, value in changes.items())
    return shorten(f"{words} alone" if alone else words, TITLE_CHARACTERS, " ...")


def way_of(name: str, old: Any, new: Any) -> str:
    """Return a change of a field with its direction, such as `init_scale_S 0.5 -> 0.05 (lower)`."""
    change = f"{name} {_short(old)} -> {_short(new)}"
    if not isinstance(new, int | float) or not isinstance(old, int | float):
        return change
    return f"{change} ({'higher' if new > old else 'lower'})"


def hypothesis_of(changes: Changes, parent: str, search: Search) -> str:
    """Return the hypothesis of a proposal: what changes which way, why, and what stands on an edge of its range."""
    ways = " and ".join(way_of(name, search.start.get(name), value) for name, value in changes.items())
    verb = "recovers" if len(changes) == 1 else "together recover"
    reasons = [*_origin(changes, search), _expected(changes, search)]
    evidence = [_evidence(name, value, search) for name, value in changes.items()]
    words = f"{ways} {verb} more than {parent}: {'; '.join([*reasons, *evidence, *_edges(search)])}"
    return shorten(words, HYPOTHESIS_CHARACTERS, " ...")


def _origin(changes: Changes, search: Search) -> Iterator[str]:
    """Yield the experiment that this builds on, if it keeps a change that is not accepted."""
    if search.best and len(changes) > 1 and any(search.best.new.get(name) == value for name, value in changes.items()):
        yield f"built on {search.best.experiment}, which leads more surely than all others that were tried"


def _expected(changes: Changes, search: Search) -> str:
    mean, deviation = search.predict(search.start, [changes])
    left = math.exp(-mean[0])
    return f"expected gain {1.0 - left:+z.1%} of what is left, with a standard deviation of {left * deviation[0]:.1%}"


def _evidence(name: str, value: Any, search: Search) -> str:
    """Return the best lead that a change of this field the same way had alone, or that there is none."""
    scale, start = search.scales[name], search.start.get(name)

    def same_way(old: Any, new: Any) -> bool:
        if not scale.ordered:
            return bool(new == value)
        ours, theirs = scale.position(value) - scale.position(start), scale.position(new) - scale.position(old)
        return ours * theirs > 0

    alone = [
        each
        for each in search.leads
        if each.lead is not None
        and {key for key, new in each.new.items() if each.old.get(key) != new} == {name}
        and same_way(each.old.get(name), each.new[name])
    ]
    if not alone:
        return f"{name} has not gone that way alone"
    best = max(alone, key=lambda each: each.lead or 0.0)
    return f"{name} at {_short(best.new[name])} led {best.rival} by {best.lead:+z.3f} alone ({best.experiment})"


def _edges(search: Search) -> Iterator[str]:
    """Yield the numbers of the start that stand on an edge to which a change with a lead has brought them."""
    for name, scale in search.scales.items():
        value = search.start.get(name)
        if (edge := scale.at_edge(value)) and has_led(search.leads, name, value):
            goes_on = ", and the sweep goes on beyond it" if scale.beyond else ""
            yield f"the best {name}, {_short(value)}, stands on the {edge} edge of its range{goes_on}"


def _short(value: Any) -> str:
    return f"{value:.2g}" if isinstance(value, float) else str(value)
