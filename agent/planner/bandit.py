"""The choice of whom to ask: Thompson sampling over planners and models, by what their proposals earned for their cost.

An accepted experiment earns 1. One that led its own parent on a shared seed earns the share of such leads that were
accepted, over all arms, by Laplace's rule of succession. Costs are the seconds of an arm's judged trials and of its
requests, and the price of these: a dollar counts as 1,000 s, and where no price is known, a million tokens count as a
dollar. The earnings of an arm are taken as a Poisson count at an unknown rate, whose prior is a Gamma distribution of
shape 1 with the rate of all arms together as its mean:

    rate_i ~ Gamma(1 + earned_i, 1 / (cost / (1 + earned) + cost_i))

with the sums over all arms without an index (Thompson, Biometrika 25, 1933; Russo et al., A Tutorial on Thompson
Sampling, 2018, section 4). Each proposal goes to the arm with the highest draw; of ten, one goes to any arm, so that
none is starved. Draws depend on the campaign's seed and the ledger alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from agent.planner.contract import Planner, Situation
from agent.planner.proposal import Proposal
from memory.leaderboard import paired_trial
from memory.records import Call, Experiment

_ANYONE = 0.1  # share of proposals that go to any arm
_DOLLAR_S, _TOKENS = 1000.0, 1e6  # seconds that a dollar counts as, and tokens for a dollar where no price is known


@dataclass(frozen=True)
class Worth:
    """The earnings of the proposals of one arm, and their cost in seconds."""

    earned: float
    cost: float


def worths(names: Sequence[str], past: Sequence[Experiment], calls: Sequence[Call]) -> dict[str, Worth]:
    """Return the worth of each arm, by the name that its experiments carry."""
    known = {e.id: e for e in past}
    judged = [e for e in past if e.planner in names and e.verdict is not None and e.kind == "candidate"]
    accepted = {e.id for e in judged if e.accepted}
    led = {e.id for e in judged if e.id not in accepted and _led(e, known[e.parent or ""])}
    share = (len(accepted) + 1) / (len(accepted) + len(led) + 2)

    def worth(name: str) -> Worth:
        own = [e for e in judged if e.planner == name]
        earned = sum(1.0 if e.id in accepted else share * (e.id in led) for e in own)
        asking = sum(call.seconds + _DOLLAR_S * _price(call) for call in calls if call.planner == name)
        return Worth(earned, asking + sum(trial.seconds for e in own for trial in e.trials))

    return {name: worth(name) for name in names}


def shares(worth: dict[str, Worth], count: int, seed: Sequence[int]) -> Counter[str]:
    """Return how many of `count` proposals each arm is asked for."""
    draw, names = np.random.default_rng(seed), list(worth)
    cost = sum(each.cost for each in worth.values())
    usual = max(cost, 1.0) / (1.0 + sum(each.earned for each in worth.values()))
    shapes = np.array([1.0 + each.earned for each in worth.values()])
    scales = np.array([1.0 / (usual + each.cost) for each in worth.values()])
    chosen: Counter[str] = Counter()
    for _ in range(count):
        best = int(np.argmax(draw.gamma(shapes, scales)))
        chosen[names[int(draw.integers(len(names))) if draw.random() < _ANYONE else best]] += 1
    return chosen


def ask_by_worth(planners: Sequence[Planner], situation: Situation, seed: int) -> list[Proposal]:
    """Ask each planner of the rung for its share of the proposals; where one falls short, the next ones fill in."""
    able = [planner for planner in planners if situation.rung in planner.rungs]
    if not able:
        return []
    worth = worths([planner.name for planner in able], situation.past, situation.call_log.calls())
    share = shares(worth, len(situation.roles), (seed, len(situation.past)))
    proposals, due = list[Proposal](), 0
    # Those with the smallest share come first, and those without one last, so that most of the others may fill in.
    for planner in sorted(able, key=lambda planner: (share[planner.name] == 0, share[planner.name])):
        due += share[planner.name]
        if roles := situation.roles[len(proposals) : due]:
            found = planner.propose(replace(situation, roles=roles))
            proposals += [proposal.model_copy(update={"planner": planner.name}) for proposal in found]
    return proposals


def _price(call: Call) -> float:
    """Return the price of a request in dollars; where it is not known, by its tokens."""
    return call.dollars or (call.tokens_in + call.tokens_out) / _TOKENS


def _led(experiment: Experiment, parent: Experiment) -> bool:
    pair = paired_trial(experiment, parent)
    return pair is not None and pair.lead > 0
