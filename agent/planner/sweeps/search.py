"""The search for the next change of a configuration: few fields, ranked by expected improvement."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from random import Random
from typing import Any

import numpy as np
from scipy import stats

from agent.planner.sweeps.evidence import ConfigurationLead
from agent.planner.sweeps.response import Floats, Response
from agent.planner.sweeps.scale import Scale, groups_of

Changes = dict[str, Any]

MOST_CHANGES = 4  # fields, or groups of them, that a proposal changes
_BEAM = 8  # combinations that are widened by one more field
_SURE = 1.28  # standard deviations by which a change must be expected to gain before it is combined with others
_LOCAL = 24  # random changes of the fields that matter
_NEAR = 0.15  # of a range: standard deviation of these
_SHIFTS = (-0.25, -0.125, 0.125, 0.25)  # of the ranges of a group, all at once
_STEP = 0.26  # of a range: a quarter, and what rounding adds
_ROUNDING = 1e-3  # of a range: values have three digits
_TIES = 0.1  # share of its rank that chance decides, so that campaigns differ in what they try first


@dataclass(frozen=True)
class Search:
    """Ranks changes of the configuration `start` that are new on its code.

    `code` is the id of the experiment that wrote it. `chance` depends on the campaign's seed and past alone.
    """

    start: Mapping[str, Any]
    code: str
    scales: Mapping[str, Scale]
    leads: Sequence[ConfigurationLead]
    chance: Random

    @cached_property
    def response(self) -> Response:
        """Return the model of all leads."""
        return Response(self.scales, self.leads)

    @cached_property
    def steps(self) -> list[Changes]:
        """Return every change of one field to a value that a sweep tries.

        A value that is far away tells little of what lies between, and most are bad: it has to be expected to gain.
        """
        every = [
            {name: value}
            for name, scale in self.scales.items()
            for value in scale.values
            if value != self.start.get(name)
        ]
        gains = self.predict(every)[0] > 0.0
        return [each for each, gain in zip(every, gains, strict=True) if gain or self._is_near(each)]

    def _is_near(self, change: Changes) -> bool:
        """Return whether the new value of a field is within the usual step, or the next one there is."""
        ((name, value),) = change.items()
        scale = self.scales[name]
        here, there = (scale.position(each) for each in (self.start.get(name), value))
        between = (scale.position(other) for other in scale.values)
        return (
            not scale.ordered
            or abs(there - here) <= _STEP
            or not any(min(here, there) < place < max(here, there) for place in between)
        )

    @cached_property
    def groups(self) -> list[tuple[str, ...]]:
        """Return the names of the fields that also move together."""
        return groups_of(self.scales)

    @cached_property
    def shifts(self) -> list[Changes]:
        """Return the changes of whole groups: each field by the same share of its range, where all have room."""
        found = list[Changes]()
        for names, shift in product(self.groups, _SHIFTS):
            places = {name: self.scales[name].position(self.start.get(name)) + shift for name in names}
            if min(places.values()) >= -_ROUNDING and max(places.values()) <= 1.0 + _ROUNDING:
                found.append({name: self.scales[name].value(place) for name, place in places.items()})
        return found

    def predict(self, changes: Sequence[Changes]) -> tuple[Floats, Floats]:
        """Return mean and standard deviation of the lead of each of these changes."""
        return self.response.predict(self.start, [{**self.start, **each} for each in changes])

    def explore(self) -> list[Changes]:
        """Return changes of one field, those first that may gain most where little was tried."""
        mean, deviation = self.predict(self.steps)
        before = self._changed_before(self.leads)
        tried = np.array([1.0 + before[frozenset(each)] for each in self.steps])
        return self._ranked(self.steps, improvement(mean, deviation) / tried)

    def exploit(self) -> list[Changes]:
        """Return changes of one field or group, combinations of those that should gain, and changes nearby.

        The best come first.
        """
        changes = [*self.steps, *self.shifts, *self._combinations(), *self._nearby()]
        mean, deviation = self.predict(changes)
        parts = np.array([self._parts(each) for each in changes])
        unknown = self._changed_before([each for each in self.leads if each.scores is None])
        running = np.array([1.0 + unknown[frozenset(each)] for each in changes])
        return self._ranked(changes, improvement(mean - self._best, deviation) / np.sqrt(parts) / running)

    def _changed_before(self, leads: Sequence[ConfigurationLead]) -> Counter[frozenset[str]]:
        """Return how often these leads changed exactly these fields of the start."""
        return Counter(
            frozenset(name for name, value in lead.new.items() if lead.old.get(name) != value)
            for lead in leads
            if lead.old == self.start
        )

    def _parts(self, changes: Changes) -> int:
        """Return the number of changes; that of a whole group is one."""
        return len(changes) - sum(len(names) - 1 for names in self.groups if changes.keys() >= set(names))

    @cached_property
    def _tried(self) -> list[Mapping[str, Any]]:
        return [self.start, *(each.new for each in self.leads if each.code == self.code)]

    @cached_property
    def _best(self) -> float:
        """Return the largest lead over the start that is expected of any configuration that was tried on its code."""
        return float(self.response.predict(self.start, self._tried)[0].max())

    def _combinations(self) -> Iterator[Changes]:
        singles = [*self.steps, *self.shifts]
        mean, deviation = self.predict(singles)
        gains = [each for each, m, s in zip(singles, mean, deviation, strict=True) if m > _SURE * s]
        beam = gains
        for _ in range(MOST_CHANGES - 1):
            wider = {
                tuple(sorted({**some, **one}.items())): {**some, **one}
                for some in beam
                for one in gains
                if not some.keys() & one.keys()
            }
            if not wider:
                return
            beam = list(wider.values())
            yield from beam
            mean, deviation = self.predict(beam)
            beam = self._ranked(beam, improvement(mean - self._best, deviation))[:_BEAM]

    def _nearby(self) -> Iterator[Changes]:
        """Yield random changes, of fields by their importance: without them, a long sweep would run out of values."""
        names = list(self.scales)
        weights = [self.response.importance[name] for name in names]
        for _ in range(_LOCAL if names else 0):
            chosen = dict.fromkeys(self.chance.choices(names, weights, k=self.chance.randint(1, MOST_CHANGES - 1)))
            drawn = {name: self._draw(name) for name in chosen}
            if changes := {name: value for name, value in drawn.items() if value != self.start.get(name)}:
                yield changes

    def _draw(self, name: str) -> Any:
        scale = self.scales[name]
        if scale.field.kind == "choice":
            return self.chance.choice(scale.values)
        # Beyond an edge it looks by steps alone: half of all chance values near the best one would lie there.
        return scale.within(scale.value(self.chance.gauss(scale.position(self.start.get(name)), _NEAR)))

    def _ranked(self, changes: Sequence[Changes], merits: Floats) -> list[Changes]:
        rank = {place: merit * (1.0 - _TIES * self.chance.random()) for place, merit in enumerate(merits.tolist())}
        tried = [{**each} for each in self._tried]
        ranked = (changes[place] for place in sorted(rank, key=lambda place: -rank[place]))
        return [each for each in ranked if {**self.start, **each} not in tried]


def improvement(mean: Floats, deviation: Floats) -> Floats:
    """Return the expected positive part of normal variables (Jones, Schonlau and Welch, 1998)."""
    spread = np.maximum(deviation, math.ulp(1.0))
    z = mean / spread
    return np.asarray(spread * (z * stats.norm.cdf(z) + stats.norm.pdf(z)))
