"""The sweep: Optuna's tree-structured Parzen estimator by ask and tell, over the space that `gnn` declares.

The optimiser owns nothing: its study is built anew from the ledger for every block, so a resumed campaign
plans as the uninterrupted one would have.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from agent.executor.code_state import CodeState, Field
from agent.planner.proposal import Proposal
from memory.records import Experiment

optuna.logging.set_verbosity(optuna.logging.WARNING)
warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)

_TRIES_A_PROPOSAL = 20
_NAMED_CHANGES = 4


@dataclass(frozen=True)
class Sweep:
    """Proposes whole configurations. `seed` is the campaign's; `fidelity` that of the scores it learns from."""

    seed: int
    fidelity: str
    name: str = "sweep"

    def propose(
        self,
        count: int,
        parent: Experiment,
        state: CodeState,
        past: Sequence[Experiment],
        is_new: Callable[[Proposal], bool],
    ) -> list[Proposal]:
        """See `Planner`. Returns fewer than `count` when the space is exhausted."""
        space = {name: _distribution(field) for name, field in state.fields.items()}
        study = self._study(space, past)
        proposals: list[Proposal] = []
        for _ in range(count * _TRIES_A_PROPOSAL):
            if len(proposals) == count:
                break
            trial = study.ask(space)
            values = {name: _legible(value) for name, value in trial.params.items()}
            changes = {name: value for name, value in values.items() if value != parent.configuration.get(name)}
            if changes and is_new(
                proposal := Proposal(hypothesis=_hypothesis(changes, parent, state), changes=changes)
            ):
                proposals.append(proposal)
        return proposals

    def _study(self, space: dict[str, BaseDistribution], past: Sequence[Experiment]) -> optuna.Study:
        sampler = optuna.samplers.TPESampler(
            seed=(self.seed * 1_000_003 + len(past)) % 2**32, multivariate=True, constant_liar=True, n_startup_trials=8
        )
        study = optuna.create_study(direction="maximize", sampler=sampler)
        study.add_trials([told for e in past if (told := _told(e, space, self.fidelity)) is not None])
        return study


def create(seed: int, fidelity: str) -> Sweep:
    """See `agent.planner.create_planner`."""
    return Sweep(seed, fidelity)


def _told(experiment: Experiment, space: dict[str, BaseDistribution], fidelity: str) -> FrozenTrial | None:
    """What the optimiser is told of an experiment: its score on the lowest seed, the one that all share.

    More seeds are spent on promising experiments only; their mean would flatter nobody but compare unlike
    with unlike. A training that failed recovered nothing: 0.
    """
    tried, exact = experiment.tried(fidelity), experiment.exact(fidelity)
    inside = all(
        name in experiment.configuration and _contains(distribution, experiment.configuration[name])
        for name, distribution in space.items()
    )
    if not tried or not inside:
        return None
    params = {name: experiment.configuration[name] for name in space}
    return create_trial(state=TrialState.COMPLETE, params=params, distributions=space, value=exact.get(min(tried), 0.0))


def _contains(distribution: BaseDistribution, value: Any) -> bool:
    if isinstance(distribution, FloatDistribution | IntDistribution):
        return bool(distribution.low <= value <= distribution.high)
    assert isinstance(distribution, CategoricalDistribution)
    return value in distribution.choices


def _distribution(field: Field) -> BaseDistribution:
    if field.kind == "choice":
        return CategoricalDistribution(field.choices)
    assert field.low is not None
    assert field.high is not None
    if field.kind == "int":
        return IntDistribution(int(field.low), int(field.high))
    return FloatDistribution(field.low, field.high, log=field.log)


def _hypothesis(changes: dict[str, Any], parent: Experiment, state: CodeState) -> str:
    """Names the changes that go farthest through their range."""

    def distance(name: str) -> float:
        field, new, old = state.fields[name], changes[name], parent.configuration.get(name)
        if field.kind == "choice" or not isinstance(old, (int, float)) or field.low is None or field.high is None:
            return 1.0
        if field.log and old > 0:
            return abs(math.log(new / old)) / math.log(field.high / field.low)
        return float(abs(new - old) / (field.high - field.low))

    ranked = sorted(changes, key=lambda name: (-distance(name), name))
    named = ", ".join(
        f"{name} {_short(parent.configuration.get(name))} -> {_short(changes[name])}"
        for name in ranked[:_NAMED_CHANGES]
    )
    rest = f" and {len(ranked) - _NAMED_CHANGES} smaller changes" if len(ranked) > _NAMED_CHANGES else ""
    return f"{named}{rest} recover more coefficients than {parent.id}"


def _legible(value: Any) -> Any:
    """Three significant digits: no training can tell the difference, and a person can read the diff."""
    return float(f"{value:.3g}") if isinstance(value, float) else value


def _short(value: Any) -> str:
    return f"{value:.2g}" if isinstance(value, float) else str(value)
