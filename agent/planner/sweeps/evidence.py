"""Leads of past experiments over their own parents and over incumbents, on seeds that both have: a sweep's evidence."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from memory.leaderboard import codes_of
from memory.records import Experiment

_BEST, _NEWEST = 50, 100  # leads of a long past that are looked at
_LOWER = 0.5  # weight of a seed at a lower fidelity than the campaign's, where leads may differ
_LEAST_LEFT = 1e-3  # of the score: one coefficient in a thousand


class ConfigurationLead(NamedTuple):
    """A change of the configuration and its lead.

    Attributes:
        experiment, rival: ids. code: id of the experiment whose code both run.
        old, new: configuration of the rival, and that of the experiment.
        scores: means of experiment and rival over the seeds that both have, None while there are none.
        seeds: the number of these seeds, those at a lower fidelity counting less.
    """

    experiment: str
    rival: str
    code: str
    old: Mapping[str, Any]
    new: Mapping[str, Any]
    scores: tuple[float, float] | None
    seeds: float

    @property
    def lead(self) -> float | None:
        """The difference of the scores."""
        return self.scores and self.scores[0] - self.scores[1]

    @property
    def gain(self) -> float | None:
        """The lead on a scale on which halving what is left to recover is worth the same at any score.

        Noise is more alike at all scores there, and what is hopeless does not outweigh small gains near 1.
        """
        return self.scores and math.log(_left(self.scores[1]) / _left(self.scores[0]))


def _left(score: float) -> float:
    return max(1.0 - score, _LEAST_LEFT)


def leads_of(past: Sequence[Experiment], fidelity: str) -> list[ConfigurationLead]:
    """Return the leads of every experiment that changes the configuration alone, oldest first.

    It has one over its parent and one over each earlier incumbent on the same code, where they have seeds in common:
    an incumbent that came after the proposal has other seeds than the parent. `fidelity` is the campaign's. Of a long
    past, the leads that gained most are returned and the newest, so that the time for a proposal stays bounded.
    """
    leads = list(_all(past, fidelity))
    best = sorted(range(len(leads)), key=lambda index: -(leads[index].gain or 0.0))[:_BEST]
    kept = {*best, *range(len(leads))[-_NEWEST:]}
    return [lead for index, lead in enumerate(leads) if index in kept]


def has_led(leads: Sequence[ConfigurationLead], name: str, value: object) -> bool:
    """Return whether a change of the field `name` to this value has led."""
    return any(
        each.lead is not None and each.lead > 0 and each.new.get(name) == value != each.old.get(name) for each in leads
    )


def _all(past: Sequence[Experiment], fidelity: str) -> Iterator[ConfigurationLead]:
    known, wrote = {e.id: e for e in past}, codes_of(past)
    accepted = [e for e in past if e.accepted]
    for e in past:
        parent = known.get(e.parent or "")
        if parent is None or e.patch or e.configuration == parent.configuration:
            continue
        others = (r for r in accepted if r is not parent and wrote[r.id] == wrote[e.id] and _was_there(r, e))
        rivals = [parent, *(r for r in others if r.configuration != e.configuration)]
        found = [_lead(e, rival, wrote[e.id], fidelity) for rival in rivals]
        yield from [each for each in found if each.scores is not None] or found[:1]


def _was_there(incumbent: Experiment, experiment: Experiment) -> bool:
    """Return whether it was accepted before the experiment had a verdict."""
    assert incumbent.verdict is not None
    return experiment.verdict is None or incumbent.verdict.number < experiment.verdict.number


def _lead(experiment: Experiment, rival: Experiment, code: str, top: str) -> ConfigurationLead:
    """Return the lead at the last fidelity at which both have seeds in common.

    A training that failed recovered nothing: 0.
    """
    scores, seeds = None, 1.0
    for fidelity in reversed(list(dict.fromkeys(t.fidelity for t in experiment.trials))):
        ours, theirs = experiment.scores(fidelity), rival.scores(fidelity)
        if shared := sorted(experiment.tried(fidelity) & theirs.keys()):
            scores = statistics.fmean(ours.get(s, 0.0) for s in shared), statistics.fmean(theirs[s] for s in shared)
            seeds = len(shared) * (1.0 if fidelity == top else _LOWER)
            break
    return ConfigurationLead(
        experiment.id, rival.id, code, rival.configuration, experiment.configuration, scores, seeds
    )
