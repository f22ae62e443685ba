"""Laws of random scores that stand for trainings."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

Law = Callable[[np.random.Generator], float]

_ROOT3 = math.sqrt(3.0)


def _two(first: float, share: float, second: float) -> Law:
    return lambda rng: (first if rng.random() < share else second) + rng.normal(0.0, 0.1)


# Mean 0 and a standard deviation of about 1; those with heavy tails are scaled by what most seeds do.
LAWS: Mapping[str, Law] = {
    "normal": lambda rng: rng.normal(),
    "uniform": lambda rng: rng.uniform(-_ROOT3, _ROOT3),
    "bimodal": _two(1.0, 0.5, -1.0),
    "t with 2 degrees, clipped": lambda rng: float(np.clip(rng.standard_t(2), -8.0, 8.0)) / 1.9,
    "Cauchy, clipped": lambda rng: float(np.clip(rng.standard_cauchy(), -10.0, 10.0)) / 2.4,
    "a fifth of seeds fail": _two(-2.0, 0.2, 0.5),
    "a tenth of seeds are lucky": _two(3.0, 0.1, -1 / 3),
    "skewed, near a ceiling": lambda rng: 1.0 - rng.exponential(),
    "one edge more on 30 % of seeds": lambda rng: (float(rng.random() < 0.3) - 0.3) / 0.458,
}


@dataclass(frozen=True)
class Nature:
    """The true scores of an experiment, by the name of their law.

    `fails` is the share of seeds that score 0, or whose training does not complete if it `breaks`. `elsewhere` is the
    mean score on sibling networks, None where it is that on the own one; noise there is `wider` times as large.
    """

    mean: float
    sigma: float
    law: str = "normal"
    fails: float = 0.0
    breaks: bool = False
    elsewhere: float | None = None
    wider: float = 1.0

    @property
    def expected(self) -> float:
        """The mean score, failures included."""
        return self.mean * (1.0 - self.fails)

    def draw(self, rng: np.random.Generator, *, elsewhere: bool) -> float | None:
        """Return the score of a training, None if it does not complete."""
        if self.fails and rng.random() < self.fails:
            return None if self.breaks else 0.0
        mean = self.elsewhere if elsewhere and self.elsewhere is not None else self.mean
        sigma = self.sigma * (self.wider if elsewhere else 1.0)
        return min(max(mean + sigma * LAWS[self.law](rng), 0.0), 1.0)
