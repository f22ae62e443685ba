"""Error rates and power of the judge, by simulation: `python -m benchmarks judging`.

Random numbers stand for trainings; everything else is the judge that campaigns use, asked as the loop asks it. Prints
one JSON document with a share for each case; progress goes to standard error.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated

import numpy as np
import typer
from rich.console import Console

from agent.analyzer.judging.acceptance import Wanted, judge, judge_baseline
from agent.analyzer.judging.ending_rule import reached
from agent.analyzer.judging.noise import Evidence
from memory.records import Experiment, TrialKey, TrialResult, Verdict, experiment_name

Draws = np.ndarray[tuple[int], np.dtype[np.float64]]
Law = Callable[[np.random.Generator, int], Draws]

_ROOT3 = math.sqrt(3.0)


def _two(first: float, share: float, second: float) -> Law:
    return lambda rng, n: np.where(rng.random(n) < share, first, second) + rng.normal(0.0, 0.1, n)


# Laws of mean 0 and standard deviation about 1; those with heavy tails are scaled by what most seeds do.
LAWS: Mapping[str, Law] = {
    "normal": lambda rng, n: rng.normal(size=n),
    "uniform": lambda rng, n: rng.uniform(-_ROOT3, _ROOT3, n),
    "bimodal": _two(1.0, 0.5, -1.0),
    "t with 2 degrees, clipped": lambda rng, n: np.clip(rng.standard_t(2, n), -8.0, 8.0) / 1.9,
    "Cauchy, clipped": lambda rng, n: np.clip(rng.standard_cauchy(n), -10.0, 10.0) / 2.4,
    "a fifth of seeds fail": _two(-2.0, 0.2, 0.5),
    "a tenth of seeds are lucky": _two(3.0, 0.1, -1 / 3),
    "skewed, near a ceiling": lambda rng, n: 1.0 - rng.exponential(size=n),
    "one edge more on 30 % of seeds": lambda rng, n: (np.where(rng.random(n) < 0.3, 1.0, 0.0) - 0.3) / 0.458,
}


@dataclass(frozen=True)
class Nature:
    """The true scores of an experiment. `fails` is the share of seeds that score 0, or whose training `breaks` off.

    `gain_elsewhere` is the mean score on sibling networks, None where it is that on the own one.
    """

    mean: float
    sigma: float
    law: Law = LAWS["normal"]
    fails: float = 0.0
    breaks: bool = False
    elsewhere: float | None = None

    def draw(self, rng: np.random.Generator, sibling: int) -> float | None:
        """Return the score of a training, None if it does not complete."""
        if self.fails and rng.random() < self.fails:
            return None if self.breaks else 0.0
        mean = self.elsewhere if sibling and self.elsewhere is not None else self.mean
        return float(np.clip(mean + self.sigma * self.law(rng, 1)[0], 0.0, 1.0))


@dataclass
class SimulatedCampaign:
    """A campaign whose trainings are random numbers. `natures` are those of the experiments, by identity."""

    rng: np.random.Generator
    baseline: Nature
    fidelities: tuple[str, ...] = ("probe",)
    siblings: int = 0
    experiments: dict[str, Experiment] = field(default_factory=dict)
    natures: dict[str, Nature] = field(default_factory=dict)
    incumbent: str = "e0001"
    trials: int = 0

    def __post_init__(self) -> None:
        """Measure the baseline."""
        self._add(self.baseline, parent=None)
        while isinstance(answer := judge_baseline(self.experiments["e0001"], self.fidelities), Wanted):
            self._run(answer.trials)
        self._close("e0001", answer)

    def try_these(self, natures: Sequence[Nature], *, patched: bool = False, simpler: bool = False) -> list[Verdict]:
        """Judge candidates side by side as the loop does: all that are screened, then the best that is confirmed."""
        names = [self._add(nature, parent=self.incumbent, patched=patched) for nature in natures]
        waiting = list(names)
        while waiting:
            wanted = []
            for name in list(waiting):
                evidence = Evidence(list(self.experiments.values()), self.fidelities)
                rival = self.experiments[self.incumbent]
                answer = judge(self.experiments[name], rival, evidence, siblings=self.siblings, simpler=simpler)
                if isinstance(answer, Verdict):
                    self._close(name, answer)
                    waiting.remove(name)
                else:
                    wanted.append(answer)
            screened = [trial for each in wanted if each.stage == "screen" for trial in each.trials]
            confirmed = max((w for w in wanted if w.stage == "confirm"), key=lambda w: w.lead or 0.0, default=None)
            self._run(list(dict.fromkeys(screened)) if screened or confirmed is None else confirmed.trials)
        return [verdict for name in names if (verdict := self.experiments[name].verdict)]

    def _add(self, nature: Nature, *, parent: str | None, patched: bool = False) -> str:
        name = experiment_name(len(self.experiments) + 1)
        self.natures[name] = nature
        self.experiments[name] = Experiment(
            name, 0, parent, "none", "", {}, {}, name, 0.0, patch="a patch" if patched else ""
        )
        return name

    def _close(self, name: str, verdict: Verdict) -> None:
        ranks = sum(e.verdict is not None for e in self.experiments.values())
        self.experiments[name] = replace(self.experiments[name], verdict=replace(verdict, number=ranks + 1))
        if verdict.verdict == "accepted":
            self.incumbent = name

    def _run(self, keys: Sequence[TrialKey]) -> None:
        own: dict[str, list[TrialResult]] = {}
        there: dict[str, list[TrialResult]] = {}
        for key in keys:
            self.trials += 1
            score = self.natures[key.experiment].draw(self.rng, key.sibling)
            (there if key.sibling else own).setdefault(key.experiment, []).append(_result(key, score, self.trials))
        for name in {*own, *there}:
            e = self.experiments[name]
            trials = (*e.trials, *own.get(name, ()))
            self.experiments[name] = replace(e, trials=trials, sibling_trials=(*e.sibling_trials, *there.get(name, ())))


def _result(key: TrialKey, score: float | None, at: int) -> TrialResult:
    name = f"{key.experiment}/s{key.seed}/{key.fidelity}"
    if score is None:
        return TrialResult(name, *key[:3], "crashed", "exit status 1", {}, 1.0, "", at, sibling=key.sibling)
    return TrialResult(name, *key[:3], "completed", "", {"exact": score}, 1.0, "", at, sibling=key.sibling)


def share(cases: int, happens: Callable[[np.random.Generator], bool], seed: int = 0) -> float:
    """Return the share of simulated cases in which something happens."""
    return sum(happens(np.random.default_rng((seed, case))) for case in range(cases)) / cases


def accepts_an_equal(
    law: Law, factor: float, candidates: int = 30, width: int = 6
) -> Callable[[np.random.Generator], bool]:
    """Return a campaign of candidates of the baseline's mean, `factor` times as noisy: does it accept any?"""

    def campaign(rng: np.random.Generator) -> bool:
        simulated = SimulatedCampaign(rng, Nature(0.5, 0.03, law))
        equal = Nature(0.5, 0.03 * factor, law)
        return any(
            any(verdict.verdict == "accepted" for verdict in simulated.try_these([equal] * width))
            for _ in range(candidates // width)
        )

    return campaign


def finds(candidate: Nature, baseline: Nature, **settings: object) -> Callable[[np.random.Generator], bool]:
    """Return a campaign whose first candidate is `candidate`: is it accepted?"""

    def campaign(rng: np.random.Generator) -> bool:
        return SimulatedCampaign(rng, baseline).try_these([candidate])[0].verdict == "accepted"

    return campaign
