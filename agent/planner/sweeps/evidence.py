"""Leads of past experiments over their own parents, on seeds that both have: the evidence of a sweep."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from memory.leaderboard import codes_of
from memory.records import Experiment

_BEST, _NEWEST = 50, 100  # leads of a long past that are looked at
_LOWER = 0.5  # weight of a seed at a lower fidelity than the campaign's, where leads may differ


class ConfigurationLead(NamedTuple):
    """A change of the configuration and its lead.

    Attributes:
        experiment, parent: ids. code: id of the experiment whose code both run.
        old, new: configuration before and after.
        lead: mean over seeds, None while no seed has both results.
        seeds: the number of these seeds, those at a lower fidelity counting less.
    """

    experiment: str
    parent: str
    code: str
    old: Mapping[str, Any]
    new: Mapping[str, Any]
    lead: float | None
    seeds: float


def leads_of(past: Sequence[Experiment], fidelity: str) -> list[ConfigurationLead]:
    """Return the lead of every experiment that changes the configuration alone, oldest first.

    `fidelity` is the campaign's. Of a long past, the experiments that led by most are returned and the newest, so that
    the time for a proposal stays bounded.
    """
    leads = list(_all(past, fidelity))
    best = sorted(range(len(leads)), key=lambda index: -(leads[index].lead or 0.0))[:_BEST]
    kept = {*best, *range(len(leads))[-_NEWEST:]}
    return [lead for index, lead in enumerate(leads) if index in kept]


def _all(past: Sequence[Experiment], fidelity: str) -> Iterator[ConfigurationLead]:
    known, wrote = {e.id: e for e in past}, codes_of(past)
    for e in past:
        parent = known.get(e.parent or "")
        if parent is None or e.patch or e.configuration == parent.configuration:
            continue
        lead, seeds = _lead(e, parent, fidelity)
        if lead is not None or e.verdict is None:
            yield ConfigurationLead(e.id, parent.id, wrote[e.id], parent.configuration, e.configuration, lead, seeds)


def _lead(experiment: Experiment, parent: Experiment, top: str) -> tuple[float | None, float]:
    """Return the mean lead at the last fidelity at which both have seeds in common, and the number of these seeds.

    A training that failed recovered nothing: 0.
    """
    for fidelity in reversed(list(dict.fromkeys(t.fidelity for t in experiment.trials))):
        ours, theirs = experiment.scores(fidelity), parent.scores(fidelity)
        if shared := sorted(experiment.tried(fidelity) & theirs.keys()):
            lead = statistics.fmean(ours.get(seed, 0.0) - theirs[seed] for seed in shared)
            return lead, len(shared) * (1.0 if fidelity == top else _LOWER)
    return None, 1.0
