"""Experiments before the judge, and its answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from agent.analyzer.judging.acceptance import Wanted, judge
from agent.analyzer.judging.confirmation import LOOKS
from agent.analyzer.judging.noise import Evidence
from agent.analyzer.judging.seeds import BASELINE_SEEDS, confirm_seeds, screen_seeds
from memory.records import Experiment, TrialKey, Verdict
from tests.agent.experiments import FIDELITY, scored

FIRST, SECOND, THIRD, LAST = (look.pairs for look in LOOKS)
ACCEPTED = Verdict("accepted", "")
WOBBLE = (0.01, -0.01, 0.004, -0.004)  # what seeds add to a mean
FRESH = confirm_seeds("e0001", LOOKS[-1].rivals)


def around(mean: float, seeds: Sequence[int]) -> dict[int, float]:
    return {seed: mean + WOBBLE[index % 4] for index, seed in enumerate(seeds)}


def baseline(mean: float = 0.3, fresh: int = 0) -> Experiment:
    return scored("e0001", around(mean, BASELINE_SEEDS) | around(mean, FRESH[:fresh]), block=0, verdict=ACCEPTED)


def answer_to(candidate: Experiment, incumbent: Experiment, *others: Experiment, **how: int) -> Wanted | Verdict:
    first = incumbent if incumbent.id == "e0001" else baseline()
    experiments = list({e.id: e for e in (first, incumbent, *others, candidate)}.values())
    simpler, siblings = bool(how.get("simpler", False)), range(1, how.get("siblings", 0) + 1)
    return judge(candidate, incumbent, Evidence(experiments, (FIDELITY,)), siblings=siblings, simpler=simpler)


def verdict_on(candidate: Experiment, incumbent: Experiment, *others: Experiment, **how: int) -> Verdict:
    answer = answer_to(candidate, incumbent, *others, **how)
    assert isinstance(answer, Verdict)
    return answer


def wanted_of(candidate: Experiment, incumbent: Experiment, **how: int) -> Wanted:
    answer = answer_to(candidate, incumbent, **how)
    assert isinstance(answer, Wanted)
    return answer


def confirmed(gain: float, pairs: int = LAST, rest: Mapping[int, float] | None = None) -> tuple[Experiment, Experiment]:
    """Return a candidate that leads in its screening and is better by `gain` on its fresh seeds, and the baseline."""
    fresh = around(0.3 + gain, FRESH[:pairs]) | dict(rest or {})
    rivals = next(look.rivals for look in LOOKS if look.pairs == pairs)
    return scored("e0007", around(0.32 + gain, screen_seeds("e0001", 4)) | fresh), baseline(fresh=rivals)


def on_siblings(experiment: Experiment, mean: float, pairs: int, siblings: int = 2) -> Experiment:
    """Return an experiment with scores on sibling networks, each of its own difficulty."""
    place = dict(enumerate(confirm_seeds("e0001", pairs)))
    trials = scored(experiment.id, around(mean, tuple(place.values()))).trials
    there = [replace(t, sibling=1 + index % siblings) for index, t in enumerate(trials)]
    return replace(experiment, sibling_trials=tuple(there))


def shifted(experiment: Experiment, by: Sequence[float]) -> Experiment:
    """Return an experiment with the scores of its trials on siblings shifted, each by its own amount."""
    pairs = zip(experiment.sibling_trials, by, strict=True)
    trials = tuple(replace(t, scores={"exact": t.scores["exact"] + more}) for t, more in pairs)
    return replace(experiment, sibling_trials=trials)


def measured(experiment: Experiment, mean: float, keys: Sequence[TrialKey]) -> Experiment:
    """Return an experiment with the results of those of these trials on siblings that are its own."""
    own = {key.seed: key.sibling for key in keys if key.experiment == experiment.id}
    trials = [replace(t, sibling=own[t.seed]) for t in scored(experiment.id, around(mean, tuple(own))).trials]
    return replace(experiment, sibling_trials=(*experiment.sibling_trials, *trials))
