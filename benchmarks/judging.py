"""Error rates and power of the judge, by simulation: `python -m benchmarks judging`.

Random numbers stand for trainings; everything else is the judge of campaigns, asked as the loop asks it. Prints one
JSON document with the share of cases in which each thing happens; progress goes to standard error.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Annotated, Protocol

import numpy as np
import typer
from rich.console import Console

from agent.analyzer.judging.acceptance import Wanted, judge, judge_baseline
from agent.analyzer.judging.ending_rule import reached
from agent.analyzer.judging.noise import Evidence
from benchmarks.laws import LAWS, Nature
from benchmarks.machine import this_machine
from memory.records import Experiment, TrialKey, TrialResult, Verdict, experiment_name

FACTORS = (0.5, 1.0, 2.0, 5.0)  # noise of the candidates over that of the incumbent
START = Nature(0.5, 0.03)
_WIDTH = 6  # candidates that are judged side by side
_SIBLINGS = 4


@dataclass
class SimulatedCampaign:
    """A campaign whose trainings are random numbers. `natures` are those of the experiments, by identity."""

    rng: np.random.Generator
    baseline: Nature
    siblings: int = 0
    experiments: dict[str, Experiment] = field(default_factory=dict)
    natures: dict[str, Nature] = field(default_factory=dict)
    incumbent: str = "e0001"
    trials: int = 0

    def __post_init__(self) -> None:
        """Measure the baseline."""
        self._add(self.baseline, parent=None)
        while isinstance(answer := judge_baseline(self.experiments["e0001"], ("probe",)), Wanted):
            self._run(answer.trials)
        self._close("e0001", answer)

    @property
    def leader(self) -> Experiment:
        """The incumbent."""
        return self.experiments[self.incumbent]

    def try_these(self, natures: Sequence[Nature], *, patched: bool = False, simpler: bool = False) -> list[Verdict]:
        """Judge candidates side by side as the loop does: all that are screened, then the best that is promoted."""
        names = [self._add(nature, parent=self.incumbent, patched=patched) for nature in natures]
        while waiting := [name for name in names if self.experiments[name].verdict is None]:
            evidence, wanted = Evidence(list(self.experiments.values()), ("probe",)), list[Wanted]()
            for name in waiting:
                candidate = self.experiments[name]
                answer = judge(candidate, self.leader, evidence, siblings=range(1, self.siblings + 1), simpler=simpler)
                if isinstance(answer, Verdict):
                    self._close(name, answer)
                    break
                wanted.append(answer)
            else:
                self._run(_next_trials(wanted))
        return [verdict for name in names if (verdict := self.experiments[name].verdict)]

    def _add(self, nature: Nature, *, parent: str | None, patched: bool = False) -> str:
        name, patch = experiment_name(len(self.experiments) + 1), "a patch" if patched else ""
        self.natures[name] = nature
        self.experiments[name] = Experiment(name, 0, parent, "none", "", {}, {}, name, 0.0, patch=patch)
        return name

    def _close(self, name: str, verdict: Verdict) -> None:
        rank = 1 + sum(e.verdict is not None for e in self.experiments.values())
        self.experiments[name] = replace(self.experiments[name], verdict=replace(verdict, number=rank))
        if verdict.verdict == "accepted":
            self.incumbent = name

    def _run(self, keys: Sequence[TrialKey]) -> None:
        for key in keys:
            self.trials += 1
            score = self.natures[key.experiment].draw(self.rng, elsewhere=key.sibling > 0)
            scores = {} if score is None else {"exact": score}
            trial = TrialResult(
                "/".join(map(str, key)), *key[:3], "crashed" if score is None else "completed", "", scores, 1.0, "",
                self.trials, sibling=key.sibling,
            )  # fmt: skip
            e = self.experiments[key.experiment]
            own, there = ((), (trial,)) if key.sibling else ((trial,), ())
            e = replace(e, trials=(*e.trials, *own), sibling_trials=(*e.sibling_trials, *there))
            self.experiments[key.experiment] = e


def _next_trials(wanted: Sequence[Wanted]) -> list[TrialKey]:
    """Return the trials of all that are screened, else of the best that is promoted."""
    screened = [key for each in wanted if each.stage == "screen" for key in each.trials]
    return list(dict.fromkeys(screened or max(wanted, key=lambda each: each.lead or 0.0).trials))


class Case(Protocol):
    """A kind of campaign in which something may happen."""

    def __call__(self, rng: np.random.Generator) -> bool:
        """Simulate one campaign; return whether it happened."""


@dataclass(frozen=True)
class AcceptsAnEqual:
    """Any of 30 candidates is accepted, all with the baseline's mean and `factor` times its noise."""

    law: str
    factor: float
    candidates: int = 30
    patched: bool = False

    def __call__(self, rng: np.random.Generator) -> bool:
        """See `Case`."""
        simulated = SimulatedCampaign(rng, replace(START, law=self.law), _SIBLINGS)
        equal = replace(START, law=self.law, sigma=START.sigma * self.factor)
        blocks = (simulated.try_these([equal] * _WIDTH, patched=self.patched) for _ in range(self.candidates // _WIDTH))
        return any(verdict.verdict == "accepted" for verdicts in blocks for verdict in verdicts)


@dataclass(frozen=True)
class Accepts:
    """A candidate is accepted over the baseline, after `before` that equal the baseline."""

    candidate: Nature
    baseline: Nature = START
    before: int = 0
    patched: bool = False

    def __call__(self, rng: np.random.Generator) -> bool:
        """See `Case`."""
        simulated = SimulatedCampaign(rng, self.baseline, _SIBLINGS)
        simulated.try_these([replace(self.baseline, sigma=self.candidate.sigma)] * self.before)
        return simulated.try_these([self.candidate], patched=self.patched)[0].verdict == "accepted"


@dataclass(frozen=True)
class FindsASuccessor:
    """A gain of 2 standard deviations of the incumbent is found, whose baseline is ten times as noisy."""

    sigma: float = 0.01

    def __call__(self, rng: np.random.Generator) -> bool:
        """See `Case`."""
        simulated = SimulatedCampaign(rng, Nature(0.3, 10 * self.sigma))
        quiet = Nature(0.8, self.sigma)
        simulated.try_these([quiet])
        better = replace(quiet, mean=quiet.mean + 2 * self.sigma)
        return simulated.try_these([better])[0].verdict == "accepted"


@dataclass(frozen=True)
class FitsConstants:
    """A planner that puts constants into the code and keeps those that score higher is accepted once.

    What it gains on the campaign's own network is real; on siblings it is `elsewhere`, in units of the noise.
    """

    elsewhere: float
    proposals: int = 200
    siblings: int = _SIBLINGS
    start: Nature = START

    def __call__(self, rng: np.random.Generator) -> bool:
        """See `Case`."""
        start = self.start
        simulated, mean = SimulatedCampaign(rng, start, self.siblings), start.mean
        for _ in range(self.proposals):
            better = mean + float(rng.normal(0.0, 0.5)) * start.sigma
            fitted = replace(start, mean=better, elsewhere=start.mean + self.elsewhere * start.sigma)
            if simulated.try_these([fitted], patched=True)[0].verdict == "accepted":
                return True
            mean = max(mean, min(better, 0.9))
        return False


@dataclass(frozen=True)
class EndsEarly:
    """The campaign ends before half of what could be gained is gained, with half of the proposals better by a sd."""

    start: Nature
    proposals: int = 60

    def __call__(self, rng: np.random.Generator) -> bool:
        """See `Case`."""
        simulated = SimulatedCampaign(rng, self.start)
        for _ in range(self.proposals // _WIDTH):
            best = simulated.natures[simulated.incumbent]
            if best.expected >= (1.0 + self.start.expected) / 2.0:
                return False
            if reached(simulated.leader, "probe", None):
                return True
            gains = [self.start.sigma if place % 2 else 0.0 for place in range(_WIDTH)]
            simulated.try_these([replace(best, mean=min(1.0, best.mean + gain)) for gain in gains])
        return False


@dataclass(frozen=True)
class Drifts:
    """Code with fewer lines, each a quarter of the noise worse, is accepted at least once in 100 proposals."""

    proposals: int = 100

    def __call__(self, rng: np.random.Generator) -> bool:
        """See `Case`."""
        simulated = SimulatedCampaign(rng, START)
        worse = replace(START, mean=START.mean - START.sigma / 4)
        blocks = (simulated.try_these([worse] * _WIDTH, simpler=True) for _ in range(self.proposals // _WIDTH))
        return any(verdict.verdict == "accepted" for verdicts in blocks for verdict in verdicts)


def cases() -> Iterator[tuple[str, str, Case]]:
    """Yield each case with the title of its table and its row."""
    for law in LAWS:
        for factor in FACTORS:
            yield "any of 30 equal candidates accepted", f"{law}, noise x {factor:g}", AcceptsAnEqual(law, factor)
    for law in LAWS:
        for factor in FACTORS:
            sigma = START.sigma * factor
            candidate = Nature(START.mean + sigma, sigma, law)
            title = "gain of one standard deviation of its own noise found"
            yield title, f"{law}, noise x {factor:g}", Accepts(candidate, replace(START, law=law))
    later = Accepts(replace(START, mean=START.mean + START.sigma), before=12)
    yield "gain of one standard deviation of its own noise found", "normal, after 12 equal candidates", later
    yield from _cases_of_code()
    yield "gain of 2 standard deviations found", "beside a baseline ten times as noisy", FindsASuccessor()
    for share in (0.75, 0.7, 0.6):
        for breaks, words in ((False, "scores 0"), (True, "does not complete")):
            failing = replace(START, mean=START.mean + 4 * START.sigma, fails=1 - share, breaks=breaks)
            yield "candidate that fails on some seeds accepted", f"+4 sd on {share:.0%}, else {words}", Accepts(failing)
    for elsewhere in (0.0, -2.0):
        yield "fitted constants accepted in 200 proposals", f"{elsewhere:g} sd on siblings", FitsConstants(elsewhere)
    for law in ("normal", "bimodal"):
        wide = f"0 sd on siblings, {law}, three times as noisy there"
        start = replace(START, law=law, wider=3.0)
        yield "fitted constants accepted in 200 proposals", wide, FitsConstants(0.0, start=start)
    for siblings in (1, 0):
        left = f"0 sd on siblings, {siblings} left"
        yield "fitted constants accepted in 200 proposals", left, FitsConstants(0.0, siblings=siblings)
    starts = {
        "bimodal .25 and .95": Nature(0.6, 0.35, "bimodal"),
        "a fifth of seeds fail, else .95": Nature(0.95, 0.02, fails=0.2),
        "uniform .4 to .95": Nature(0.675, 0.159, "uniform"),
        "normal .95 +- .03": Nature(0.95, 0.03),
        "normal .45 +- .15": Nature(0.45, 0.15),
        "normal .80 +- .03": Nature(0.8, 0.03),
        "normal .96 +- .01": Nature(0.96, 0.01),
    }
    for name, start in starts.items():
        yield "ended before half of what could be gained was gained", name, EndsEarly(start)
    yield "fewer lines accepted though worse, in 100 proposals", "a quarter of the noise worse", Drifts()


def _cases_of_code() -> Iterator[tuple[str, str, Case]]:
    """Yield the cases of code that is better or equal, half of whose trials are on siblings."""
    for factor in FACTORS:
        equal = AcceptsAnEqual("normal", factor, patched=True)
        yield "any of 30 equal candidates of code accepted", f"normal, noise x {factor:g}", equal
    for gain in (2, 4):
        code = Accepts(replace(START, mean=START.mean + gain * START.sigma), patched=True)
        yield "gain of code found, half of its trials on siblings", f"{gain} standard deviations", code
    noisy = replace(START, wider=3.0)
    code = Accepts(replace(START, mean=START.mean + 2 * START.sigma), noisy, patched=True)
    wide = "2 standard deviations, an incumbent three times as noisy on siblings"
    yield "gain of code found, half of its trials on siblings", wide, code
    better = replace(START, mean=START.mean + 4 * START.sigma, wider=5.0)
    code = Accepts(better, replace(START, wider=5.0), patched=True)
    wide = "4 standard deviations, both five times as noisy on siblings"
    yield "gain of code found, half of its trials on siblings", wide, code
    # Of a real campaign: the code fails on some seeds of a sibling, and gains less on siblings.
    partial = Nature(START.mean + 2 * START.sigma, START.sigma / 2, elsewhere=START.mean + 1.2 * START.sigma, wider=5.0)
    code = Accepts(partial, patched=True)
    wide = "2 standard deviations, 1.2 on siblings, five times as noisy there"
    yield "gain of code found, half of its trials on siblings", wide, code
    for factor in FACTORS[:3]:
        sigma = START.sigma * factor
        code = Accepts(Nature(START.mean + sigma, sigma), patched=True)
        yield "gain of code of one standard deviation of its own noise found", f"normal, noise x {factor:g}", code


def share(case: Case, campaigns: int) -> float:
    """Return the share of simulated campaigns in which something happens."""
    return sum(case(np.random.default_rng((0, number))) for number in range(campaigns)) / campaigns


def judging(
    campaigns: Annotated[int, typer.Option(min=1, help="Campaigns to simulate in each case.")] = 200,
    only: Annotated[str, typer.Option(help="Only tables whose title has these words.")] = "",
) -> None:
    """Simulate campaigns; print the shares of wrong acceptances and of real gains found."""
    console, tables = Console(stderr=True), dict[str, dict[str, float]]()
    chosen = [(title, row, case) for title, row, case in cases() if only in title]
    with ProcessPoolExecutor(this_machine().cores) as pool:
        running = [(title, row, pool.submit(share, case, campaigns)) for title, row, case in chosen]
        for title, row, found in running:
            tables.setdefault(title, {})[row] = found.result()
            console.print(f"{title}: {row}: {found.result():.3f}", highlight=False)
    print(json.dumps({"campaigns": campaigns, "tables": tables}, indent=1))
