"""The search for the next configuration: few fields differ from one that was tried; ranked by expected improvement."""

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

_STRAYS = 3  # fields, at most, that chance changes at once
_LOCAL = 24  # such changes, of the fields that matter
_NEAR = 0.15  # of a range: standard deviation of these
_SHIFTS = (-0.25, -0.125, 0.125, 0.25)  # of the ranges of a group, all at once
_STEP = 0.26  # of a range: a quarter, and what rounding adds
_ROUNDING = 1e-3  # of a range: values have three digits
_DOUBT = 2.0  # standard deviations above 0 of an expected lead: a sweep builds on no smaller one
_TIES = 0.1  # share of its rank that chance decides, so that campaigns differ in what they try first


@dataclass(frozen=True)
class Search:
    """Ranks changes of the configuration `start` that are new on its code.

    `code` is the id of the experiment that wrote it, `tried` holds all configurations that were proposed on it.
    `chance` depends on the campaign's seed and past alone.
    """

    start: Mapping[str, Any]
    code: str
    scales: Mapping[str, Scale]
    leads: Sequence[ConfigurationLead]
    tried: Sequence[Mapping[str, Any]]
    chance: Random

    @cached_property
    def response(self) -> Response:
        """Return the model of all leads.

        A proposal is compared with the start, wherever it goes on from.
        """
        return Response(self.scales, self.leads, self.start)

    @cached_property
    def best(self) -> ConfigurationLead | None:
        """Return the experiment that most surely leads the start, of those compared with it; None if none surely does.

        It need not be accepted: small gains add up before any of them alone can be shown. The luckiest of many that do
        not lead would hinder all that is built on it.
        """
        known = [lead for lead in self.leads if lead.scores is not None and self._within_reach(lead)]
        if not known:
            return None
        mean, deviation = self.response.predict(self.start, [lead.new for lead in known])
        sure = mean - _DOUBT * deviation
        place = int(sure.argmax())
        return known[place] if sure[place] > 0.0 else None

    @property
    def _origin(self) -> Mapping[str, Any]:
        """Return the best configuration of those that were tried."""
        return self.best.new if self.best else self.start

    def explore(self) -> list[Changes]:
        """Return changes that alter one field of the best configuration.

        Those that may gain most come first. Each counts less, the more experiments on the start changed its field.
        """
        origin = self._origin
        steps = self._steps(origin)
        mean, deviation = self.predict(origin, steps)
        made = [lead.new for lead in self.leads if lead.old == self.start]
        changed = Counter(name for new in made for name in self._changed(self.start, new))
        tried = np.array([1.0 + changed[name] for step in steps for name in step])  # a step changes one field
        return self._ranked(origin, steps, improvement(mean, deviation) / tried)

    def exploit(self) -> list[Changes]:
        """Return changes that go one step on from the best configuration, the best of them first.

        A step is a change of one field or group, or a random one nearby.
        """
        origin = self._origin
        steps = [*self._steps(origin), *self._shifts(origin), *self._nearby(origin)]
        mean, deviation = self.predict(origin, steps)
        beaten = self.response.predict(origin, [self.start, *self.tried])[0].max()
        unknown = [lead.new for lead in self.leads if lead.scores is None and lead.code == self.code]
        running = Counter(self._changed(origin, new) for new in unknown)
        costs = np.array([self._parts(step) * (1.0 + running[frozenset(step)]) for step in steps])
        return self._ranked(origin, steps, improvement(mean - beaten, deviation) / costs)

    def predict(self, origin: Mapping[str, Any], steps: Sequence[Changes]) -> tuple[Floats, Floats]:
        """Return mean and standard deviation of the lead over `origin` of each change of it."""
        return self.response.predict(origin, [{**origin, **step} for step in steps])

    def _within_reach(self, lead: ConfigurationLead) -> bool:
        """Return whether it is a lead over the start, on its code, by swept fields within their ranges."""
        if lead.code != self.code or lead.old != self.start:
            return False
        changes = {name: value for name, value in lead.new.items() if value != self.start.get(name)}
        return all(name in self.scales and self.scales[name].holds(value) for name, value in changes.items())

    def _steps(self, origin: Mapping[str, Any]) -> list[Changes]:
        """Return every change of one field to a value that a sweep tries.

        A value that is far away tells little of what lies between, and most are bad: it has to be expected to gain.
        """
        every = [
            {name: value} for name, scale in self.scales.items() for value in scale.values if value != origin.get(name)
        ]
        gains = self.predict(origin, every)[0] > 0.0
        return [each for each, gain in zip(every, gains, strict=True) if gain or self._is_near(origin, each)]

    def _is_near(self, origin: Mapping[str, Any], change: Changes) -> bool:
        """Return whether the new value of a field is within the usual step, or the next one there is."""
        ((name, value),) = change.items()
        scale = self.scales[name]
        here, there = (scale.position(each) for each in (origin.get(name), value))
        between = (scale.position(other) for other in scale.values)
        return (
            not scale.ordered
            or abs(there - here) <= _STEP
            or not any(min(here, there) < place < max(here, there) for place in between)
        )

    @cached_property
    def _groups(self) -> list[tuple[str, ...]]:
        return groups_of(self.scales)

    def _shifts(self, origin: Mapping[str, Any]) -> list[Changes]:
        """Return the changes of whole groups: each field by the same share of its range, where all have room."""
        found = list[Changes]()
        for names, shift in product(self._groups, _SHIFTS):
            places = {name: self.scales[name].position(origin.get(name)) + shift for name in names}
            if min(places.values()) >= -_ROUNDING and max(places.values()) <= 1.0 + _ROUNDING:
                found.append({name: self.scales[name].value(place) for name, place in places.items()})
        return found

    def _nearby(self, origin: Mapping[str, Any]) -> Iterator[Changes]:
        """Yield random changes, of fields by their importance: without them, a long sweep would run out of values."""
        names = list(self.scales)
        weights = [self.response.importance[name] for name in names]
        for _ in range(_LOCAL if names else 0):
            chosen = dict.fromkeys(self.chance.choices(names, weights, k=self.chance.randint(1, _STRAYS)))
            drawn = {name: self._draw(name, origin.get(name)) for name in chosen}
            if changes := {name: value for name, value in drawn.items() if value != origin.get(name)}:
                yield changes

    def _draw(self, name: str, near: Any) -> Any:
        scale = self.scales[name]
        if scale.field.kind == "choice":
            return self.chance.choice(scale.values)
        # Beyond an edge it looks by steps alone: half of all chance values near the best one would lie there.
        return scale.within(scale.value(self.chance.gauss(scale.position(near), _NEAR)))

    def _changed(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> frozenset[str]:
        """Return the fields in which two configurations differ."""
        return frozenset(name for name in self.scales if new.get(name) != old.get(name))

    def _parts(self, changes: Changes) -> int:
        """Return the number of changes; that of a whole group is one."""
        return len(changes) - sum(len(names) - 1 for names in self._groups if changes.keys() >= set(names))

    def _ranked(self, origin: Mapping[str, Any], steps: Sequence[Changes], merits: Floats) -> list[Changes]:
        """Return the changes of the start by which each step from `origin` arrives, without what was tried."""
        rank = {place: merit * (1.0 - _TIES * self.chance.random()) for place, merit in enumerate(merits.tolist())}
        reached = [{**origin, **steps[place]} for place in sorted(rank, key=lambda place: -rank[place])]
        return [
            {name: value for name, value in new.items() if value != self.start.get(name)}
            for new in reached
            if new != self.start and new not in self.tried
        ]


def improvement(mean: Floats, deviation: Floats) -> Floats:
    """Return the expected positive part of normal variables (Jones, Schonlau and Welch, 1998)."""
    spread = np.maximum(deviation, math.ulp(1.0))
    z = mean / spread
    return np.asarray(spread * (z * stats.norm.cdf(z) + stats.norm.pdf(z)))
