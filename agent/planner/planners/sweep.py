"""The sweep: Bayesian optimisation of the configuration, by a few fields at a time, over the space that `gnn` declares.

It owns nothing: its model is built anew from the ledger for each call, so a resumed campaign plans as the uninterrupted
one would have. Experiments that are still running take part with the leads that the model expects of them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from random import Random
from typing import Any

from agent.executor.code.code_state import CodeState
from agent.executor.code.search_space import Field, widened
from agent.planner.contract import Options, Rung, Situation
from agent.planner.proposal import Proposal
from agent.planner.sweeps.evidence import ConfigurationLead, has_led, leads_of
from agent.planner.sweeps.reasons import hypothesis_of, title_of, way_of
from agent.planner.sweeps.scale import Scale
from agent.planner.sweeps.search import Search
from memory.leaderboard import codes_of, lineage
from memory.records import Experiment, Finding

_TRIES_A_PROPOSAL = 20
_MODELS = 32  # that one call fits: each takes seconds once hundreds of experiments are running
_STEP = 0.25  # of a field's range, in the test of a principle
_MANY = 16  # proposals: in a call for more, others share a shape with them, as one process trains only one shape
_SHAPES = 4  # at least, in such a call


@dataclass(frozen=True)
class Sweep:
    """Proposes configurations a few fields away from one that was tried. `seed` and `fidelity` are the campaign's."""

    seed: int
    fidelity: str
    name: str = "sweep"
    rungs: tuple[Rung, ...] = ("sweep",)

    def propose(self, situation: Situation) -> list[Proposal]:
        """See `Planner`. Exploits by expected improvement, explores single fields, and tests one principle alone.

        Before that, a value that was accepted with older code is tested against the one that it replaced.
        """
        leads, codes = leads_of(situation.past, self.fidelity), codes_of(situation.past)
        proposals: list[Proposal] = []
        shapes = _Shapes(situation)
        drafts: dict[tuple[bool, str], Iterator[Proposal]] = {}
        for place, (role, parent) in enumerate(situation.roles):
            if place % math.ceil(len(situation.roles) / _MODELS) == 0:
                drafts = {}
            key = (role == "explore", parent.id)
            if key not in drafts:
                chance = Random(f"{self.seed} {len(situation.past) + place}")
                explore = role == "explore"
                drafts[key] = shapes.few(_drafts(parent, codes[parent.id], situation, leads, chance, explore=explore))
            found = _test_of_principle(parent, situation) if role == "principle" else None
            if role == "exploit" and not any(proposal.parent == parent.id for proposal in proposals):
                found = _passing(situation, _older_values(parent, codes, situation, leads))
            found = found or _passing(situation, drafts[key])
            if found is None:
                break
            proposals.append(found)
            shapes.add(found)
            old = parent.configuration
            new = {**old, **found.changes}
            leads.append(ConfigurationLead("", parent.id, codes[parent.id], old, new, None, 1.0))
        return proposals


def create(options: Options) -> Sweep:
    """See `agent.planner.registry.create_planner`."""
    return Sweep(options.seed, options.fidelity)


class _Shapes:
    """The shapes in one call: the values of the fields in which trials that share a process must agree."""

    def __init__(self, situation: Situation) -> None:
        self._most = max(_SHAPES, len(situation.roles) // _MANY) if len(situation.roles) > _MANY else math.inf
        self._situation, self._codes, self._known = situation, codes_of(situation.past), set[str]()

    def add(self, proposal: Proposal) -> None:
        """Count the shape of a proposal."""
        self._known.add(self._of(proposal))

    def few(self, drafts: Iterator[Proposal]) -> Iterator[Proposal]:
        """Yield drafts, those of new shapes last once there are enough."""
        held = list[Proposal]()
        for draft in drafts:
            if len(self._known) < self._most or self._of(draft) in self._known:
                yield draft
            else:
                held.append(draft)
        yield from held

    def _of(self, proposal: Proposal) -> str:
        parent = next(e for e in self._situation.past if e.id == proposal.parent)
        fields = self._situation.host.state_of(parent).fields
        values = {**parent.configuration, **proposal.changes}
        return repr(
            [self._codes[parent.id], *(values.get(name) for name, field in sorted(fields.items()) if field.shared)]
        )


def _passing(situation: Situation, drafts: Iterator[Proposal]) -> Proposal | None:
    """Return the next proposal to which there is no objection, None after too many."""
    tries = islice(drafts, _TRIES_A_PROPOSAL)
    return next((proposal for proposal in tries if situation.host.objection(proposal) is None), None)


def _drafts(
    parent: Experiment,
    code: str,
    situation: Situation,
    leads: Sequence[ConfigurationLead],
    chance: Random,
    *,
    explore: bool,
) -> Iterator[Proposal]:
    """Yield proposals on `parent`, the best first, by a model of the leads as they are now."""
    fields = widened(situation.host.state_of(parent).fields, parent.configuration)
    scales = {name: _scale(name, field, parent, leads) for name, field in fields.items() if field.swept}
    codes = codes_of(situation.past)
    tried: list[Mapping[str, Any]] = [e.configuration for e in situation.past if codes[e.id] == code]
    tried += [lead.new for lead in leads if lead.code == code and lead.new not in tried]
    search = Search(parent.configuration, code, scales, tuple(leads), tried, chance)
    # A call for many may try every change of one field.
    for ranked in (search.explore, search.exploit) if explore else (search.exploit,):
        for changes in ranked():
            yield Proposal(
                title=title_of(changes),
                hypothesis=hypothesis_of(changes, parent.id, search),
                parent=parent.id,
                changes=changes,
                role="explore" if explore else "exploit",
            )


def _scale(name: str, field: Field, parent: Experiment, leads: Sequence[ConfigurationLead]) -> Scale:
    """Return the scale of a field, which goes on beyond an edge to which a change that led has brought its value."""
    scale, value = Scale(field), parent.configuration.get(name)
    if field.log and field.kind == "float" and (edge := scale.at_edge(value)) and has_led(leads, name, value):
        return Scale(field, beyond=edge)
    return scale


def _older_values(
    parent: Experiment, codes: Mapping[str, str], situation: Situation, leads: Sequence[ConfigurationLead]
) -> Iterator[Proposal]:
    """Yield each value back that an accepted change of the configuration replaced, where the code has changed since.

    A value that helped older code may hinder newer code. Values that were tried on the newer code are passed over. A
    field that an accepted experiment brought has no older value.
    """
    fields, code = situation.host.state_of(parent).fields, codes[parent.id]
    tried = [lead.new for lead in leads if lead.code == code]
    for before, e in pairwise(lineage(situation.past, parent)):
        names = [name for name in e.changes if name in fields and fields[name].swept and name in before.configuration]
        for name in names if codes[e.id] != code else ():
            now, old = parent.configuration.get(name), before.configuration[name]
            again = any(configuration.get(name) == old for configuration in tried)
            if now == e.configuration.get(name) != old and not again:
                way = way_of(name, now, old)
                yield Proposal(
                    title=title_of({name: old}),
                    hypothesis=f"{way} recovers more than {parent.id}: {e.id} was accepted with it on other code",
                    parent=parent.id,
                    changes={name: old},
                )


def _test_of_principle(parent: Experiment, situation: Situation) -> Proposal | None:
    """Return the first test of a principle to which there is no objection."""
    tests = _tests_of_principles(parent, situation.host.state_of(parent), situation.findings)
    return next((proposal for proposal in tests if situation.host.objection(proposal) is None), None)


def _tests_of_principles(parent: Experiment, state: CodeState, findings: Sequence[Finding]) -> Iterator[Proposal]:
    """Controlled experiments: a field that a principle speaks of goes a quarter of its range, all else stays."""
    fields = widened(state.fields, parent.configuration)
    for finding in findings:
        field = fields.get(finding.subject)
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
