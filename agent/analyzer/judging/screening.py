"""Screening: a race of a candidate against the incumbent's mean, which drops the hopeless early.

A truncated sequential probability ratio test (A. Wald, Annals of Mathematical Statistics 16, 1945) at each fidelity.
With d the lead of the candidate's mean over the incumbent's, v the variance of d, and g the smallest gain of interest,
one standard deviation of the candidate's own noise, the logarithm of the ratio of the likelihoods of d under a gain of
g and of none is

    L = (d - g / 2) g / v

The candidate is dropped once L <= log(MISSED / (1 - FALSE)) and promoted once L >= log((1 - MISSED) / FALSE). Between
the two it gets more seeds, up to `LOOKS[-1]`, where the sign of L decides. MISSED bounds the chance that a gain of g is
dropped before that, FALSE the chance that a candidate that is no better is promoted; both hold for normal scores with a
known variance, and docs/evidence.md has what they are without. On its first seed a candidate can only be dropped.

The incumbent's mean is over its own seeds, on which nothing was selected, and over those that confirmed it, never over
those on which it was screened itself. Neither the lead nor any seed of a screening counts in a confirmation.

Code with fewer lines need not lead: it is raced for a loss of none against a loss of g.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from agent.analyzer.judging.noise import Evidence, outcomes
from agent.analyzer.judging.seeds import confirm_seeds, own_seeds, screen_seeds
from memory.records import Experiment, TrialKey

LOOKS = (2, 4, 8)
MISSED, FALSE = 0.15, 0.1
_DROPPED, _PROMOTED = math.log(MISSED / (1.0 - FALSE)), math.log((1.0 - MISSED) / FALSE)


@dataclass(frozen=True)
class Race:
    """The state of a race. `lead` is that over the incumbent, `needed` the lead that goes on.

    `decision` is None while more seeds are needed. `leads` tells whether it leads without the favour of fewer lines.
    """

    ours: float
    theirs: float
    seeds: int
    needed: float
    decision: bool | None
    leads: bool

    @property
    def lead(self) -> float:
        """The candidate's mean minus the incumbent's."""
        return self.ours - self.theirs


def race(
    candidate: Experiment, incumbent: Experiment, evidence: Evidence, fidelity: str, *, simpler: bool
) -> Race | None:
    """Return the state of a race at one fidelity, None before both have results."""
    fresh = confirm_seeds(incumbent.id)
    ours = [score for seed, score in outcomes(candidate, fidelity).items() if seed not in fresh]
    theirs = reference(incumbent, fidelity)
    if not ours or len(theirs) < 2:
        return None
    prior = evidence.prior(candidate, incumbent, fidelity)
    noise = prior.sigma(ours)
    rivals = evidence.prior(incumbent, incumbent, fidelity).sigma(theirs)
    mean, other, n = float(np.mean(ours)), float(np.mean(theirs)), len(ours)
    gain = noise or rivals
    variance = noise**2 / n + rivals**2 / len(theirs)
    favour = gain if simpler else 0.0
    if variance == 0.0:  # scores do not vary at all
        ahead = mean > other or (simpler and mean == other)
        return Race(mean, other, n, 0.0, ahead if n >= LOOKS[0] else None, mean > other)
    likely = (mean - other + favour - gain / 2.0) * gain / variance
    decision: bool | None = None
    needed = gain / 2.0 - favour
    if likely <= _DROPPED:
        decision, needed = False, needed + variance / gain * _DROPPED
    elif n >= LOOKS[-1]:
        decision = likely > 0.0
    elif n >= LOOKS[0] and likely >= _PROMOTED:
        decision = True
    return Race(mean, other, n, needed, decision, mean - other > gain / 2.0)


def reference(incumbent: Experiment, fidelity: str) -> list[float]:
    """Return the scores that an incumbent is known by: on its own seeds, and on those that confirmed it."""
    rival = incumbent.verdict.rival if incumbent.verdict else None
    own, confirmed = own_seeds(incumbent.id), confirm_seeds(rival) if rival else ()
    return [score for seed, score in incumbent.scores(fidelity).items() if seed in own or seed in confirmed]


def looks(candidate: Experiment, incumbent: Experiment, fidelity: str) -> Iterator[tuple[TrialKey, ...]]:
    """Yield what each further look needs, the next one first: missing trials of the candidate and of the incumbent.

    A candidate that another incumbent has screened keeps its trials. The incumbent is trained on its candidates' seeds
    too, and first, so that planners can compare the two even where a candidate is dropped at once. It needs twice as
    many seeds as the candidate, since all of its challengers share them.
    """
    done = candidate.tried(fidelity) - {*confirm_seeds(incumbent.id)}
    tried, known = incumbent.tried(fidelity), len(reference(incumbent, fidelity))
    seeds = screen_seeds(incumbent.id, 2 * LOOKS[-1])
    new, untried = ([seed for seed in seeds if seed not in used] for used in (done, tried))
    for look in LOOKS:
        more = new[: max(0, look - len(done))]
        shared = [seed for seed in untried if seed in more]
        others = [seed for seed in untried if seed not in more][: max(0, 2 * look - known - len(shared))]
        trials = [
            TrialKey(e.id, seed, fidelity)
            for e, own in ((incumbent, shared), (candidate, more), (incumbent, others))
            for seed in own
        ]
        if trials:
            yield tuple(trials)
