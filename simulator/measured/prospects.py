"""Prospects of a table and a network before any training: what the data can tell, and what to measure next.

Nothing is fitted. A rate counts as some smooth function of its participants, with a constant of its own and one for
each participant at the least.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations, pairwise

import numpy as np
from pydantic import BaseModel, ConfigDict

from simulator.kinetics import Floats
from simulator.measured.csv_table import TimeSeries
from simulator.measured.problem_list import shortened
from simulator.measured_regime import StatedNetwork

_ALIKE = 0.98  # of the variance of one rate's participants that those of another explain
_NEVER_VARIED = 1.5  # ratio of the largest to the smallest start
_LARGE_STEP = 0.25  # share of all change between two samples
_NAMED = 6


class Prospects(BaseModel):
    """Counts and findings on which `advice` rests.

    Attributes:
        intervals: intervals between samples. unknown_rates: reactions; each has a rate in each interval.
        rank: directions in which concentrations vary, each metabolite in units of its own variation.
        thin: metabolites with fewer measured changes than the rates around them have constants, at the least.
        never_apart: groups of reactions whose participants vary together, so that their rates may.
        unexplained: changes of a metabolite that no reaction of the network makes.
        verdict: what to expect. advice: what to measure next, in sentences.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    intervals: int
    unknown_rates: int
    rank: int
    thin: tuple[str, ...]
    never_apart: tuple[tuple[str, ...], ...]
    unexplained: tuple[str, ...]
    verdict: str
    advice: tuple[str, ...]


def prospects_of(
    network: StatedNetwork,
    names: Sequence[str],
    courses: Sequence[TimeSeries],
    noise: Floats,
    missing: Mapping[str, int],
) -> Prospects:
    """Return the prospects of courses, whose columns are `names`.

    `missing` counts the reactions in which each species takes part that was not measured.
    """
    places = {name: number for number, name in enumerate(names)}
    intervals = sum(len(course.time) - 1 for course in courses)
    apart = _never_apart(network, places, courses)
    thin = _thin(network, places, courses)
    rank = _rank(np.concatenate([course.concentration for course in courses]))
    rates = len(network.reactions)
    short = f"{intervals} intervals between samples for {rates} unknown rates"
    if intervals < rates:
        verdict = f"{short}: too few to tell S; expect most coefficients as not determined"
    elif len(thin) * 2 > len(network.metabolite_names):
        verdict = f"{short}: few for most metabolites; expect many coefficients as not determined"
    else:
        verdict = f"{short}: enough for most metabolites, if their rates vary apart"
    return Prospects(
        intervals=intervals,
        unknown_rates=rates,
        rank=rank,
        thin=thin,
        never_apart=apart,
        unexplained=_unexplained(network, places, courses, noise),
        verdict=verdict,
        advice=(
            *_starts(network, names, courses),
            *_apart(network, apart),
            *_times(courses),
            *_others(missing),
        ),
    )


def _rank(frames: Floats) -> int:
    """Count the directions that carry 99 % of the variance, each metabolite in units of its standard deviation."""
    spread = np.nanstd(frames, axis=0)
    scaled = np.nan_to_num((frames - np.nanmean(frames, axis=0))[:, spread > 0] / spread[spread > 0])
    power = np.linalg.svd(scaled, compute_uv=False) ** 2
    return int(np.searchsorted(np.cumsum(power) / power.sum(), 0.99) + 1) if power.sum() > 0 else 0


def _thin(network: StatedNetwork, places: Mapping[str, int], courses: Sequence[TimeSeries]) -> tuple[str, ...]:
    found = []
    for name in network.metabolite_names:
        readings = sum(max(0, int((~np.isnan(c.concentration[:, places[name]])).sum()) - 1) for c in courses)
        around = [equation for equation in network.reactions.values() if name in equation.members]
        if readings < sum(1 + len(equation.participants) for equation in around):
            found.append(name)
    return tuple(found)


def _never_apart(
    network: StatedNetwork, places: Mapping[str, int], courses: Sequence[TimeSeries]
) -> tuple[tuple[str, ...], ...]:
    """Return groups of reactions whose participants explain each other's variation, and that share a metabolite."""
    frames = np.concatenate([course.concentration for course in courses])
    with np.errstate(invalid="ignore", divide="ignore"):
        logs = np.log(np.where(frames > 0, frames, np.nan))
    logs = np.nan_to_num(logs - np.nanmean(logs, axis=0))
    spaces = {
        name: _orthonormal(logs[:, [places[one] for one in equation.participants]])
        for name, equation in network.reactions.items()
        if equation.participants
    }
    group: dict[str, set[str]] = {name: {name} for name in spaces}
    for one, other in combinations(spaces, 2):
        share = set(network.reactions[one].members) & set(network.reactions[other].members)
        if share and group[one] is not group[other] and _alike(spaces[one], spaces[other]):
            joined = group[one] | group[other]
            group |= dict.fromkeys(joined, joined)
    distinct = {id(names): tuple(sorted(names)) for names in group.values() if len(names) > 1}
    return tuple(sorted(distinct.values()))


def _orthonormal(columns: Floats) -> Floats:
    left, power, _ = np.linalg.svd(columns, full_matrices=False)
    return np.asarray(left[:, power > 0.1 * power[0]]) if power[0] > 0 else left[:, :0]


def _alike(one: Floats, other: Floats) -> bool:
    """Return whether two spaces of columns are nearly the same."""
    if one.shape[1] != other.shape[1] or not one.shape[1]:
        return False
    return bool(np.linalg.svd(one.T @ other, compute_uv=False).min() ** 2 > _ALIKE)


def _unexplained(
    network: StatedNetwork, places: Mapping[str, int], courses: Sequence[TimeSeries], noise: Floats
) -> tuple[str, ...]:
    """Return metabolites that rise though no reaction makes them, or fall though none uses them up."""
    found = []
    for name in network.metabolite_names:
        place = places[name]
        sides = {
            side
            for equation in network.reactions.values()
            for side, members in ((-1, equation.substrates), (1, equation.products))
            if name in members
            for side in ((-1, 1) if equation.reversible else (side,))
        }
        for side, verb, wanted in ((1, "rises", "makes it"), (-1, "falls", "uses it up")):
            factor = max(_largest_ratio(course.concentration[:, place], side) for course in courses)
            if side not in sides and factor > 1.0 + 6.0 * float(np.nan_to_num(noise[place], nan=0.05)) + 0.05:
                exchange = f"-> {name}" if side > 0 else f"{name} ->"
                found.append(
                    f"{name} {verb} by a factor of {factor:.2g}, though no reaction {wanted}: write a reaction of it "
                    f"as reversible (<->), add one such as '{exchange}', or name it in 'inputs' if you set it"
                )
    return tuple(found)


def _largest_ratio(column: Floats, side: int) -> float:
    """Return the largest factor by which readings rise later on, or fall."""
    known = column[~np.isnan(column) & (column > 0)]
    if len(known) < 2:
        return 1.0
    ordered = known if side > 0 else known[::-1]
    return float(np.max(ordered / np.minimum.accumulate(ordered)))


def _starts(network: StatedNetwork, names: Sequence[str], courses: Sequence[TimeSeries]) -> list[str]:
    if len(courses) < 2:
        return [
            "measure more trajectories, from other starts: a single one runs along a line, on which rates look alike"
        ]
    starts = np.stack([course.concentration[0] for course in courses])
    wanted = [
        name
        for place, name in enumerate(names)
        if name in network.metabolite_names
        and np.fmax.reduce(starts[:, place]) < _NEVER_VARIED * np.fmin.reduce(starts[:, place])
    ]
    return [f"start from other concentrations of {shortened(wanted, _NAMED)}: all starts are alike"] if wanted else []


def _apart(network: StatedNetwork, groups: Sequence[Sequence[str]]) -> list[str]:
    found = []
    for group in groups[:_NAMED]:
        acting = {name: frozenset(network.reactions[name].participants) for name in group}
        if len(set(acting.values())) == 1:
            mend = "they depend on the same species: switch one off by its enzyme, or by an inhibitor in the network"
        else:
            mend = f"choose starts at which {shortened(sorted(set().union(*acting.values())), _NAMED)} differ by ratio"
        found.append(f"{shortened(group, _NAMED)} never vary apart; {mend}")
    return found


def _times(courses: Sequence[TimeSeries]) -> list[str]:
    """Return where to sample more often: the interval of a trajectory in which most of the change happens."""
    found: dict[tuple[float, float], float] = {}
    for course in courses:
        spread = np.fmax.reduce(course.concentration) - np.fmin.reduce(course.concentration)
        moving = spread > 0
        steps = np.nan_to_num(np.abs(np.diff(course.concentration[:, moving], axis=0)) / spread[moving]).sum(axis=1)
        if not len(steps) or not steps.sum():
            continue
        most = int(np.argmax(steps))
        if len(steps) > 2 and steps[most] > _LARGE_STEP * steps.sum():
            found[list(pairwise(course.time.tolist()))[most]] = float(steps[most] / steps.sum())
    return [
        f"sample between {start:g} and {end:g}: {share:.0%} of all change of a trajectory happens there, unseen"
        for (start, end), share in sorted(found.items(), key=lambda item: -item[1])[:2]
    ]


def _others(missing: Mapping[str, int]) -> list[str]:
    if not missing:
        return []
    first = sorted(missing, key=lambda name: (-missing[name], name))[:_NAMED]
    named = ", ".join(f"{name} ({missing[name]})" for name in first)
    return [f"measure too, with the number of reactions that each takes part in: {named}"]
