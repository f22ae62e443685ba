"""The sweep: Bayesian optimisation of the configuration, a few fields at a time, over the space that `gnn` declares.

It owns nothing: its model is built anew from the ledger for each call, so a resumed campaign plans as the uninterrupted
one would have. Experiments that are still running take part with the leads that the model expects of them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from agent.executor.code.code_state import CodeState
from agent.planner.contract import Options, Rung, Situation
from agent.planner.proposal import Proposal
from agent.planner.sweeps.evidence import ConfigurationLead, leads_of
from agent.planner.sweeps.reasons import hypothesis_of, title_of, way_of
from agent.planner.sweeps.scale import Scale
from agent.planner.sweeps.search import Search
from memory.leaderboard import codes_of
from memory.records import Experiment, Finding, Role

_TRIES_A_PROPOSAL = 20
_STEP = 0.25  # of a field's range, in the test of a principle


@dataclass(frozen=True)
class Sweep:
    """Proposes changes of a few fields. `seed` and `fidelity` are the campaign's."""

    seed: int
    fidelity: str
    name: str = "sweep"
    rungs: tuple[Rung, ...] = ("sweep",)

    def propose(self, situation: Situation) -> list[Proposal]:
        """See `Planner`. Exploits by expected improvement, explores single fields, and tests one principle alone."""
        leads = leads_of(situation.past, self.fidelity)
        proposals: list[Proposal] = []
        for role, parent in situation.roles:
            chance = Random(f"{self.seed} {len(situation.past) + len(proposals)}")
            found = _one(role, parent, situation, leads, chance)
            if found is None:
                break
            proposals.append(found)
            old, code = parent.configuration, codes_of(situation.past)[parent.id]
            leads.append(ConfigurationLead("", parent.id, code, old, {**old, **found.changes}, None, 1.0))
        return proposals


def create(options: Options) -> Sweep:
    """See `agent.planner.registry.create_planner`."""
    return Sweep(options.seed, options.fidelity)


def _one(
    role: Role, parent: Experiment, situation: Situation, leads: Sequence[ConfigurationLead], chance: Random
) -> Proposal | None:
    state = situation.host.state_of(parent)
    if role == "principle":
        for proposal in _tests_of_principles(parent, state, situation.findings):
            if situation.host.objection(proposal) is None:
                return proposal
    code = codes_of(situation.past)[parent.id]
    scales = {name: Scale(field) for name, field in state.fields.items() if field.swept}
    search = Search(parent.configuration, code, scales, leads, chance)
    for changes in (search.explore() if role == "explore" else search.exploit())[:_TRIES_A_PROPOSAL]:
        proposal = Proposal(
            title=title_of(changes),
            hypothesis=hypothesis_of(changes, parent.id, search),
            parent=parent.id,
            changes=changes,
            role="explore" if role == "explore" else "exploit",
        )
        if situation.host.objection(proposal) is None:
            return proposal
    return None


def _tests_of_principles(parent: Experiment, state: CodeState, findings: Sequence[Finding]) -> Iterator[Proposal]:
    """Controlled experiments: a field that a principle speaks of goes a quarter of its range, all else stays."""
    for finding in findings:
        field = state.fields.get(finding.subject)
        old = parent.configuration.get(finding.subject)
        if finding.kind != "established principle" or field is None or finding.effect is None:
            continue
        if field.kind == "choice" or not isinstance(old, (int, float)) or (field.log and old <= 0):
            continue
        scale = Scale(field)
        value = scale.value(min(max(scale.position(old) + math.copysign(_STEP, finding.effect), 0.0), 1.0))
        if value == old:
            continue
        way = way_of(finding.subject, old, value)
        yield Proposal(
            title=title_of({finding.subject: value}, alone=True),
            hypothesis=f"test of a principle, {finding.statistics}: {way} alone recovers more than {parent.id}",
            parent=parent.id,
            changes={finding.subject: value},
            role="principle",
        )
