"""The sweep: Optuna's tree-structured Parzen estimator by ask and tell, over the space that `gnn` declares.

The optimiser owns nothing: its study is built anew from the ledger for every block, so a resumed campaign
plans as the uninterrupted one would have.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from agent.executor.code.code_state import CodeState, Field
from agent.planner.contract import Options, Rung, Situation
from agent.planner.proposal import Proposal
from memory.formatting import counted
from memory.leaderboard import codes_of
from memory.records import TITLE_CHARACTERS, Experiment, Finding, Role
from stoichloop.foreign_text import shorten

optuna.logging.set_verbosity(optuna.logging.WARNING)
warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)

_TRIES_A_PROPOSAL = 20
_NAMED_CHANGES = 4
_BEST, _NEWEST = 100, 200  # what the optimiser is told of a long past
_STEP = 0.25  # of a field's range, in the test of a principle


@dataclass(frozen=True)
class Sweep:
    """Proposes whole configurations. `seed` is the campaign's; `fidelity` that of the scores it learns from."""

    seed: int
    fidelity: str
    name: str = "sweep"
    rungs: tuple[Rung, ...] = ("sweep",)

    def propose(self, situation: Situation) -> list[Proposal]:
        """See `Planner`. Exploits by TPE, explores at random, and tests one principle alone."""
        studies: dict[tuple[bool, str], optuna.Study] = {}
        proposals: list[Proposal] = []
        for role, parent in situation.roles:
            key = (role == "explore", parent.id)
            if key not in studies:
                studies[key] = self._study(parent, situation, explore=role == "explore")
            found = self._one(role, parent, situation, studies[key])
            if found is None:
                break
            proposals.append(found)
        return proposals

    def _one(self, role: Role, parent: Experiment, situation: Situation, study: optuna.Study) -> Proposal | None:
        state = situation.host.state_of(parent)
        if role == "principle":
            for proposal in _tests_of_principles(parent, state, situation.findings):
                if situation.host.objection(proposal) is None:
                    return proposal
        for _ in range(_TRIES_A_PROPOSAL):
            trial = study.ask(_space(state))
            values = {name: _legible(value) for name, value in trial.params.items()}
            changes = {name: value for name, value in values.items() if value != parent.configuration.get(name)}
            if not changes:
                continue
            title, hypothesis = _texts(changes, parent, state)
            proposal = Proposal(
                title=title,
                hypothesis=hypothesis,
                parent=parent.id,
                changes=changes,
                role="explore" if role == "explore" else "exploit",
            )
            if situation.host.objection(proposal) is None:
                return proposal
        return None

    def _study(self, parent: Experiment, situation: Situation, *, explore: bool) -> optuna.Study:
        seed = (self.seed * 1_000_003 + len(situation.past) + explore) % 2**32
        sampler = (
            optuna.samplers.RandomSampler(seed)
            if explore
            else optuna.samplers.TPESampler(seed=seed, multivariate=True, constant_liar=True, n_startup_trials=8)
        )
        study = optuna.create_study(direction="maximize", sampler=sampler)
        if not explore:  # chance needs no past
            study.add_trials(_told(situation.past, _space(situation.host.state_of(parent)), self.fidelity))
        return study


def create(options: Options) -> Sweep:
    """See `agent.planner.registry.create_planner`."""
    return Sweep(options.seed, options.fidelity)


def _space(state: CodeState) -> dict[str, BaseDistribution]:
    return {name: _distribution(field) for name, field in state.fields.items() if field.swept}


def _told(past: Sequence[Experiment], space: dict[str, BaseDistribution], fidelity: str) -> list[FrozenTrial]:
    """Return the optimiser's view of the past: each experiment's score on the lowest seed, which all share.

    More seeds are spent on promising experiments only; their mean would compare unlike
    with unlike. A training that failed recovered nothing: 0. What was learned on other code still orders the
    configurations, so a score counts from the best of its own code: a fresh sweep starts from what is known.

    Of a long past it is told the best, from which it draws, and the newest, which stand for the rest: the time that a
    proposal takes does not grow for ever.
    """
    wrote = codes_of(past)
    scores: dict[str, list[tuple[Experiment, float]]] = {}
    for e in past:
        inside = all(
            name in e.configuration and _contains(distribution, e.configuration[name])
            for name, distribution in space.items()
        )
        if inside and (tried := e.tried(fidelity)):
            scores.setdefault(wrote[e.id], []).append((e, e.scores(fidelity).get(min(tried), 0.0)))
    tops = {code: max(score for _, score in group) for code, group in scores.items()}
    known = [(e, score - tops[code]) for code, group in scores.items() for e, score in group]
    ranked = sorted(known, key=lambda each: -each[1])
    told = {e.id for e, _ in [*ranked[:_BEST], *known[-_NEWEST:]]}
    return [
        create_trial(
            state=TrialState.COMPLETE,
            params={name: e.configuration[name] for name in space},
            distributions=space,
            value=value,
        )
        for e, value in known
        if e.id in told
    ]


def _tests_of_principles(parent: Experiment, state: CodeState, findings: Sequence[Finding]) -> Iterator[Proposal]:
    """Controlled experiments: a field that a principle speaks of goes a quarter of its range, all else stays."""
    for finding in findings:
        field = state.fields.get(finding.subject)
        old = parent.configuration.get(finding.subject)
        if finding.kind != "established principle" or field is None or finding.effect is None:
            continue
        if field.low is None or field.high is None or not isinstance(old, (int, float)) or (field.log and old <= 0):
            continue
        way = math.copysign(_STEP, finding.effect)
        new = old * (field.high / field.low) ** way if field.log else old + way * (field.high - field.low)
        new = min(max(_legible(float(new)), field.low), field.high)
        value = round(new) if field.kind == "int" else new
        if value == old:
            continue
        yield Proposal(
            title=_title(f"test {finding.subject} {_short(old)} -> {_short(value)} alone"),
            hypothesis=f"test of a principle, {finding.statistics}: {finding.subject} {_short(old)} -> {_short(value)} "
            f"alone recovers more than {parent.id}",
            parent=parent.id,
            changes={finding.subject: value},
            role="principle",
        )


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


def _texts(changes: dict[str, Any], parent: Experiment, state: CodeState) -> tuple[str, str]:
    """Return title and hypothesis, which name the changes that go farthest through their range."""

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
    more = len(ranked) - _NAMED_CHANGES
    rest = f" and {counted(more, 'smaller change')}" if more > 0 else ""
    title = ", ".join(f"{name} {_short(changes[name])}" for name in ranked)
    return _title(title), f"{named}{rest} recover more coefficients than {parent.id}"


def _title(words: str) -> str:
    return shorten(words, TITLE_CHARACTERS, " ...")


def _legible(value: Any) -> Any:
    """Round to three significant digits: the training is the same, and the diff is readable."""
    return float(f"{value:.3g}") if isinstance(value, float) else value


def _short(value: Any) -> str:
    return f"{value:.2g}" if isinstance(value, float) else str(value)
