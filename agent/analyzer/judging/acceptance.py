"""Acceptance: is a candidate better than the incumbent, or lucky? A pure function of the measurements.

1. Screen (`screening`). At each fidelity, from `probe` up to the campaign's own, the candidate races against the
   incumbent's mean on seeds that belong to the incumbent.
2. Confirm (`confirmation`), at the campaign's fidelity, on fresh seeds; half of those of code on sibling networks.

A failure on one of the first seeds of a fidelity fails the experiment. Later ones count as a score of 0, and more than
a quarter of the fresh seeds fail it.

A candidate also has to beat an answer that learns nothing (`trivial`).

Fewer lines of code than the incumbent's, or fewer changes, win ties; their confirmation is worth least.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from agent.analyzer.judging.across_networks import (
    EXCHANGED,
    Scores,
    by_network,
    contrast_across,
    exchanges,
    on_most,
    on_siblings,
)
from agent.analyzer.judging.confirmation import (
    CARRIED,
    FAILING,
    FURTHER,
    HOPE,
    LOOKS,
    MARGIN,
    MIN_PAIRS,
    Contrast,
    Look,
    large,
    level_of,
    paired,
    passes,
    welch,
)
from agent.analyzer.judging.ending_rule import ENOUGH, is_complete
from agent.analyzer.judging.noise import Evidence, Prior, outcomes, slope
from agent.analyzer.judging.screening import LOOKS as SCREENS
from agent.analyzer.judging.screening import Race, looks, race, reference
from agent.analyzer.judging.seeds import BASELINE_SEEDS, confirm_seeds, own_seeds, screen_seeds
from agent.analyzer.judging.trivial import to_beat
from memory.records import Experiment, TrialKey, TrialResult, Verdict

_DEARER = 1.5


@dataclass(frozen=True)
class Wanted:
    """Trials that are needed before a verdict.

    `lead` is that over the incumbent so far, None before the first result; of those that are confirmed, the largest is
    worth most. `ahead` are trials of the next look, worth running when a slot would idle.
    """

    trials: tuple[TrialKey, ...]
    lead: float | None = None
    stage: Literal["baseline", "screen", "confirm"] = "screen"
    ahead: tuple[TrialKey, ...] = ()


def judge_baseline(baseline: Experiment, fidelities: Sequence[str]) -> Wanted | Verdict:
    """Accept the baseline once it has been measured on all its seeds at all fidelities.

    One that leaves nothing to gain on these is measured on as many as the end of a campaign takes.
    """
    for trial in baseline.trials:
        if trial.status != "completed":
            return Verdict("failed", _why_failed(trial))
    count, top = len(BASELINE_SEEDS), fidelities[-1]
    wanted = [TrialKey(baseline.id, seed, fidelity) for fidelity in fidelities for seed in BASELINE_SEEDS]
    if is_complete(list(baseline.scores(top).values())):
        count = ENOUGH
        wanted += [TrialKey(baseline.id, seed, top) for seed in screen_seeds(baseline.id, ENOUGH)]
    if missing := tuple(key for key in dict.fromkeys(wanted) if key.seed not in baseline.tried(key.fidelity)):
        return Wanted(missing, stage="baseline")
    return Verdict("accepted", f"the baseline, measured on {count} seeds")


def judge(
    candidate: Experiment,
    incumbent: Experiment,
    evidence: Evidence,
    *,
    siblings: Sequence[int] = (),
    simpler: bool = False,
) -> Wanted | Verdict:
    """Return the trials still needed, or the verdict.

    `siblings` are the numbers of the sibling networks that there are; `simpler` says that the candidate's code has
    fewer lines than the incumbent's, or fewer changes.
    """
    patched = siblings if evidence.is_patched(candidate) else ()
    answer = _Hearing(candidate, incumbent, evidence, patched, simpler).answer()
    if isinstance(answer, Wanted):
        return answer
    return replace(answer, reason=answer.reason + _cost(candidate, evidence))


class _Half(NamedTuple):
    """One half of a confirmation: on the campaign's own network, with the lead that is enough, or on its siblings."""

    contrast: Contrast
    p_value: float
    shown: bool
    enough: float = 0.0


class _Reach(NamedTuple):
    """The look that each half has reached: one that has shown the gain gets no further trials."""

    here: Look
    there: Look


class _AboveTrivial(NamedTuple):
    """A candidate against the trivial answer, and why it is rejected where that is not shown to be worse."""

    contrast: Contrast
    words: str


@dataclass(frozen=True)
class _Hearing:
    """A candidate before the judge; `siblings` are none unless half of its pairs are to be on sibling networks."""

    candidate: Experiment
    incumbent: Experiment
    evidence: Evidence
    siblings: Sequence[int]
    simpler: bool

    @property
    def top(self) -> str:
        """The campaign's fidelity."""
        return self.evidence.fidelities[-1]

    def answer(self) -> Wanted | Verdict:
        """Return the trials still needed, or the verdict without its cost."""
        fresh = confirm_seeds(self.incumbent.id)
        tried = (*self.candidate.trials, *self.candidate.sibling_trials)
        if any(t.fidelity == self.top and t.seed in fresh for t in tried):
            return self._confirm()  # it was promoted, and stays so
        names = self.evidence.fidelities
        reached = max((names.index(t.fidelity) for t in self.candidate.trials if t.fidelity in names), default=0)
        for fidelity in names[reached:]:
            if (answer := self._screen(fidelity)) is not None:
                return answer
        return self._confirm()

    def _screen(self, fidelity: str) -> Wanted | Verdict | None:
        """Return what is needed at one fidelity or why the candidate is screened out, None if it goes on."""
        fresh = confirm_seeds(self.incumbent.id)
        first = [t for t in self.candidate.trials if t.fidelity == fidelity and t.seed not in fresh]
        for trial in first[: SCREENS[0]]:
            if trial.status != "completed":
                return Verdict("failed", _why_failed(trial))
        state = self._race(fidelity)
        if state is None or state.decision is None:
            further = list(looks(self.candidate, self.incumbent, fidelity))
            if not further:
                reason = f"the incumbent, {self.incumbent.id}, did not complete enough seeds at {fidelity} to compare"
                return Verdict("rejected", reason, self.incumbent.id)
            ahead = tuple(key for key in further[1] if key not in further[0]) if len(further) > 1 else ()
            return Wanted(further[0], state.lead if state else None, ahead=ahead)
        if not state.decision:
            return Verdict("rejected", self._screened_out(state, fidelity), self.incumbent.id, state.lead)
        trivial = to_beat(self.candidate, self.incumbent, self.evidence)
        if fidelity == self.top and trivial is not None and state.ours <= trivial.score:
            reason = f"{trivial.not_above(state.ours, state.seeds)}; it leads {self.incumbent.id}"
            return Verdict("rejected", reason, self.incumbent.id, state.lead)
        return None

    def _race(self, fidelity: str) -> Race | None:
        return race(self.candidate, self.incumbent, self.evidence, fidelity, simpler=self.simpler)

    def _screened_out(self, state: Race, fidelity: str) -> str:
        seeds = f"{state.seeds} seed{'s' if state.seeds > 1 else ''}"
        pair = f"{state.ours:.4f} against {state.theirs:.4f} of {self.incumbent.id}, {state.lead:+z.4f}"
        rule = f"a lead of more than {state.needed:.4f} was needed"
        if state.needed < 0:
            rule = f"a lag of less than {-state.needed:.4f} was allowed{' to simpler code' if self.simpler else ''}"
        return f"screened out at {fidelity} on {seeds}: {pair}; {rule}"

    def _confirm(self) -> Wanted | Verdict:
        """Take the looks in turn, up to the first that decides or has not been measured."""
        state = self._race(self.top)
        lead = state.lead if state else 0.0
        if self.simpler and not (state and state.leads):
            lead -= 1.0  # below the lead of any candidate that is better: scores are shares
        here: Look | None = None
        there: Look | None = None
        for look, further in zip(self._looks, (*self._looks[1:], None), strict=True):
            at = _Reach(here or look, there or look)
            if missing := self._missing(at):
                ahead = self._missing(_Reach(here or further, there or further)) if further else ()
                return Wanted(missing, lead, "confirm", tuple(key for key in ahead if key not in missing))
            answer = self._look(look, at)
            if isinstance(answer, Verdict):
                return answer
            here, there = (reached if half.shown else None for reached, half in zip(at, answer, strict=True))
        raise AssertionError("the last look decides")

    @property
    def _looks(self) -> Sequence[Look]:
        """The looks at the candidate: three for fewer lines, since a fourth accepts small losses."""
        if self.simpler:
            return LOOKS[:3]
        return (*LOOKS, FURTHER) if self.siblings else LOOKS

    @property
    def _halves(self) -> int:
        return 2 if self.siblings else 1

    def _elsewhere(self, count: int) -> list[tuple[int, int]]:
        """Return seed and sibling of at least `count` trials on sibling networks, as many on each."""
        if not self.siblings:
            return []
        each = -(-count // len(self.siblings))
        seeds = confirm_seeds(self.incumbent.id, each * len(self.siblings))
        return [(seed, self.siblings[place % len(self.siblings)]) for place, seed in enumerate(seeds)]

    def _missing(self, at: _Reach) -> tuple[TrialKey, ...]:
        keys: list[TrialKey] = []
        for e, count, elsewhere in (
            (self.candidate, at.here.pairs, at.there.pairs // 2),
            (self.incumbent, at.here.rivals, at.there.rivals),
        ):
            own, there = e.tried(self.top), on_siblings(e, self.top)
            fresh = confirm_seeds(self.incumbent.id, count // self._halves)
            keys += [TrialKey(e.id, seed, self.top) for seed in fresh if seed not in own]
            wanted = self._elsewhere(elsewhere)
            keys += [
                TrialKey(e.id, seed, self.top, sibling) for seed, sibling in wanted if (seed, sibling) not in there
            ]
        return tuple(keys)

    def _look(self, look: Look, at: _Reach) -> Verdict | tuple[_Half, _Half]:
        """Return the verdict of a look that has been measured, or both halves if it does not decide."""
        fresh = confirm_seeds(self.incumbent.id, at.here.pairs // self._halves)
        if incomplete := self._fails(at) or self._too_few(fresh):
            return incomplete
        place = self.evidence.place(self.candidate, self.incumbent)
        last, last_here = look is self._looks[-1], look in (self._looks[-1], LOOKS[-1])
        level = at.here.share * level_of(place)
        here = self._here(at.here, level, fresh)
        there = self._there(at.there, at.there.elsewhere * level_of(place), here.contrast.effect)
        told = (self.incumbent.id, here.contrast.effect, here.contrast.interval, here.p_value)
        better = f"better than {self.incumbent.id}"
        if self.simpler:
            better = f"simpler, and not worse than {self.incumbent.id} by {self._margin:.4f},"
        on = f"on {len(fresh)} fresh seeds: {here.contrast.effect:+z.4f}, p = {here.p_value:.2g}"
        above = self._above_trivial([outcomes(self.candidate, self.top)[seed] for seed in fresh])
        shown, proved = here.shown and there.shown, above is None or above.contrast.p_value() < level
        nothing = above is not None and here.contrast.effect > 0 >= above.contrast.effect
        if above is not None and (nothing or (last_here and shown and not proved)):
            return Verdict("rejected", f"{above.words}; it leads {self.incumbent.id}", *told)
        if shown and not proved:
            return here._replace(shown=False), there
        if shown:
            also = "; the gain is shown on sibling networks" if self.siblings else ""
            return Verdict("accepted", f"{better} {on}, below the level {level:.2g} of test {place}{also}", *told)
        promising = here.shown or (not last_here and here.p_value <= look.futile)
        if not last and promising and there.p_value <= (HOPE if here.shown else look.hopeless):
            return here, there
        needed = f"a level of {level:.2g} was needed in test {place}"
        if not last_here:
            needed = f"{look.futile:g} was needed to go on, {level:.2g} to be accepted, in test {place}"
        more = f"; a lead of more than {here.enough:.4f} would have been enough"
        reason = f"not shown to be {better} {on}, where {needed}{more if here.contrast.effect < here.enough else ''}"
        if promising:
            reason = f"the gain over {self.incumbent.id} is not shown on sibling networks; {on}"
        return Verdict("rejected", reason, *told)

    @property
    def _prior(self) -> Prior:
        return self.evidence.prior(self.candidate, self.incumbent, self.top)

    @property
    def _margin(self) -> float:
        """Return by how much the candidate may be worse: by nothing unless its code has fewer lines."""
        if not self.simpler:
            return 0.0
        known = reference(self.incumbent, self.top)
        return MARGIN * self.evidence.prior(self.incumbent, self.incumbent, self.top).sigma(known)

    def _here(self, look: Look, level: float, fresh: Sequence[int]) -> _Half:
        """Compare on the campaign's own network."""
        rival, prior, ours = self.incumbent, self._prior, outcomes(self.candidate, self.top)
        scores, theirs = [ours[seed] for seed in fresh], rival.scores(self.top)
        own = [theirs[seed] for seed in theirs if seed in own_seeds(rival.id)]
        contrast = welch(scores, own, prior, self.evidence.prior(rival, rival, self.top))
        enough = large(prior, slope(statistics.fmean(scores))) if look.only_large else 0.0
        # A failed trial of the incumbent is no evidence about the candidate: that pair is left out.
        pairs = [ours[seed] - theirs[seed] for seed in fresh if seed in theirs]
        shown = contrast.effect >= enough and passes(contrast, pairs, level, -self._margin)
        least = max(enough, contrast.least_shown(level, -self._margin))
        return _Half(contrast, contrast.p_value(-self._margin), shown, least)

    def _there(self, look: Look, level: float, gain: float) -> _Half:
        """Compare on sibling networks, with a `gain` on the campaign's own; without any, that half shows the gain."""
        if not self.siblings:
            return _Half(Contrast(0.0, 0.0, 1), 0.0, shown=True)
        ours = by_network(self.candidate, self.top, self._elsewhere(look.pairs // 2), failed=0.0)
        theirs = by_network(self.incumbent, self.top, self._elsewhere(look.rivals))
        ours = {network: scores for network, scores in ours.items() if network in theirs}
        theirs = {network: theirs[network] for network in ours}
        if sum(map(len, theirs.values())) < MIN_PAIRS:
            return _Half(Contrast(0.0, 0.0, 1), 1.0, shown=False)
        rival, least = self.incumbent, -self._margin if self.simpler else self._carried(gain, theirs)
        contrast = contrast_across(ours, theirs, self._prior, self.evidence.prior(rival, rival, self.top))
        p_value = contrast.p_value(least)
        shown = contrast.effect >= 0.0 and p_value < level and on_most(ours, theirs, -self._margin)
        return _Half(contrast, p_value, shown and exchanges(ours, theirs, least) <= max(level, EXCHANGED))

    def _carried(self, gain: float, theirs: Scores) -> float:
        """Return the gain that siblings have to exceed; less where less can be gained there."""
        here = 1.0 - statistics.fmean(self.incumbent.scores(self.top).values())
        there = 1.0 - statistics.fmean(statistics.fmean(scores) for scores in theirs.values())
        return CARRIED * max(gain, 0.0) * min(1.0, there / here if here > 0 else 1.0)

    def _above_trivial(self, scores: Sequence[float]) -> _AboveTrivial | None:
        """Compare a candidate with the trivial answer, None if it need not beat that."""
        trivial = to_beat(self.candidate, self.incumbent, self.evidence)
        if trivial is None:
            return None
        contrast = paired([score - trivial.score for score in scores], self._prior.sigma(scores))
        if contrast.effect > 0:
            return _AboveTrivial(contrast, trivial.not_shown_above(contrast.effect))
        return _AboveTrivial(contrast, trivial.not_above(statistics.fmean(scores), len(scores)))

    def _too_few(self, fresh: Sequence[int]) -> Verdict | None:
        """Return the verdict where the incumbent did not complete enough fresh trainings, else None."""
        compared = len(self.incumbent.scores(self.top).keys() & set(fresh))
        if compared >= MIN_PAIRS:
            return None
        reason = f"completed only {compared} of {len(fresh)} fresh seeds, too few to compare"
        return Verdict("rejected", f"the incumbent, {self.incumbent.id}, {reason}", self.incumbent.id)

    def _fails(self, at: _Reach) -> Verdict | None:
        """Return the verdict on a candidate too many of whose fresh trainings did not complete."""
        fresh = confirm_seeds(self.incumbent.id, at.here.pairs // self._halves)
        pairs = set(self._elsewhere(at.there.pairs // 2))
        tried = [t for t in self.candidate.trials if t.fidelity == self.top and t.seed in fresh]
        there = [t for t in self.candidate.sibling_trials if t.fidelity == self.top and (t.seed, t.sibling) in pairs]
        broken, elsewhere = ([t for t in trials if t.status != "completed"] for trials in (tried, there))
        if len(broken) + len(elsewhere) <= FAILING * (len(tried) + len(there)):
            return None
        most = f"{100 * FAILING:g} %"
        if len(broken) <= FAILING * len(tried):
            reason = f"more than {most} of the fresh trainings did not complete, above all on sibling networks"
            return Verdict("failed", reason)
        told = f"{len(broken)} of {len(tried)} fresh trainings did not complete; at most {most} may fail"
        return Verdict("failed", f"{told}: {_why_failed(broken[0])}")


def _why_failed(trial: TrialResult) -> str:
    return f"{trial.status.replace('_', ' ')} in {trial.trial}: {trial.reason}"


def _cost(candidate: Experiment, evidence: Evidence) -> str:
    """Return the seconds of a trial and of the parent's where these differ by more than half, else nothing."""
    parent = evidence.parent(candidate)
    for fidelity in reversed(evidence.fidelities):
        ours, theirs = (
            [t.seconds for t in e.trials if t.fidelity == fidelity and t.status == "completed"] if e else []
            for e in (candidate, parent)
        )
        if ours and theirs and parent is not None:
            here, there = statistics.median(ours), statistics.median(theirs)
            if max(here, there) <= _DEARER * min(here, there):
                return ""
            return f"; {here:.3g} s a trial where its parent, {parent.id}, takes {there:.3g} s"
    return ""
