"""Combinations of what was tried: near misses together, accepted lines merged, and combinations without a part.

First come new combinations of parts on the experiment to change. Then come fields that several experiments moved the
same way and that lead together. At last a combination behind the incumbent is tried without one of its parts: with
fewer changes it need not be better, so a part that does nothing is dropped. This tests a principle, so for that role it
comes first. Nothing is combined twice on the same experiment.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from agent.planner.combinations import Part, Rest, parts_for, rests_of, sets_of
from agent.planner.composition import compose, hypothesis_of
from agent.planner.contract import Options, Rung, Situation
from agent.planner.families import Family, families
from agent.planner.proposal import Proposal
from memory.formatting import counted
from memory.leaderboard import incumbent, left_out
from memory.records import TITLE_CHARACTERS, Experiment, Role
from stoichloop.foreign_text import shorten

_Key = tuple[str, frozenset[str]]  # a parent, and what is combined on it


@dataclass(frozen=True)
class Combine:
    """Combines what led its parent at `fidelity`; moves named in `without` are left out."""

    fidelity: str
    without: tuple[str, ...] = ()
    name: str = "combine"
    rungs: tuple[Rung, ...] = ("sweep", "code")
    _composed: dict[_Key, Proposal | None] = field(default_factory=dict, repr=False)  # None has met an objection
    _rests: dict[_Key, Proposal | None] = field(default_factory=dict, repr=False)  # of a combination, not of a parent

    def propose(self, situation: Situation) -> list[Proposal]:
        """See `Planner`. On the rung `sweep`, configurations alone are combined."""
        proposals = list[Proposal]()
        for role, parent in situation.roles:
            found = next(self._all(role, parent, situation, proposals), None)
            if found is not None:
                proposals.append(found.model_copy(update={"role": role}))
        return proposals

    def _all(
        self, role: Role, parent: Experiment, situation: Situation, earlier: Sequence[Proposal]
    ) -> Iterator[Proposal]:
        rests = self._without_a_part(parent, situation, earlier)
        if role == "principle":
            yield from rests
        yield from self._combinations(parent, situation, earlier)
        if situation.rung == "sweep":
            yield from _shared(parent, situation, self.fidelity, earlier)
        yield from rests

    def _combinations(
        self, parent: Experiment, situation: Situation, earlier: Sequence[Proposal]
    ) -> Iterator[Proposal]:
        past, code = situation.past, situation.rung == "code"
        parts = [part for part in parts_for(parent, past, self.fidelity, self.without) if code or not part.patches]
        tried = {_key(e.parent, e.combines) for e in past} | {_key(p.parent, p.combines) for p in earlier}
        for wanted in sets_of(parts, parent):
            key = _key(parent.id, [e.id for part in wanted for e in part.experiments])
            if key in tried or code != any(part.patches for part in wanted):
                continue
            if key not in self._composed:
                self._composed[key] = _compose(wanted, parent, situation)
            made = self._composed[key]
            if made is None or made.patches != code or _key(made.parent, made.combines) in tried:
                continue
            if situation.host.objection(made) is None:
                yield made.model_copy(update={"hypothesis": _hypothesis(wanted, parent, made)})
            else:
                self._composed[key] = None

    def _without_a_part(
        self, parent: Experiment, situation: Situation, earlier: Sequence[Proposal]
    ) -> Iterator[Proposal]:
        """Yield the incumbent without a part of a combination behind it, one at a time."""
        past, leader = situation.past, incumbent(situation.past)
        if leader is None or parent.id != leader.id:
            return
        pending = [(e.parent or "", e.combines) for e in past if e.verdict is None]
        pending += [(proposal.parent, proposal.combines) for proposal in earlier]
        if any(left_out(past, built_on, combines, leader) for built_on, combines in pending):
            return
        for rest in rests_of(leader, past):
            key = _key(rest.combination.id, [e.id for e in rest.parts])
            if key not in self._rests:
                attempt = compose(rest.parts, rest.parent, situation.host)
                self._rests[key] = attempt if isinstance(attempt, Proposal) else None
            made = self._rests[key]
            if made is None or made.patches != (situation.rung == "code"):
                continue
            told = made.model_copy(update=_texts(rest, leader))
            if situation.host.objection(told) is None:
                yield told


def create(options: Options) -> Combine:
    """See `agent.planner.registry.create_planner`."""
    return Combine(options.fidelity, options.without)


def _key(parent: str | None, combines: Sequence[str]) -> _Key:
    return parent or "", frozenset(combines)


def _compose(wanted: Sequence[Part], parent: Experiment, situation: Situation) -> Proposal | None:
    """Return the proposal that combines these parts; of more than two, those that fit to the ones before them.

    The log says why two do not fit.
    """
    chosen, made = list[Part](), None
    for part in wanted:
        if any(part.changes & other.changes for other in chosen):
            continue
        attempt = compose([e for each in (*chosen, part) for e in each.experiments], parent, situation.host)
        if isinstance(attempt, Proposal):
            chosen.append(part)
            made = attempt
        elif len(wanted) == 2:
            situation.host.note(attempt.words)
    return made if len(chosen) >= min(2, len(wanted)) else None


def _hypothesis(wanted: Sequence[Part], parent: Experiment, made: Proposal) -> str:
    """Return the hypothesis of a combination, with the lead of each part over its own parent."""
    leads = {
        part.experiments[-1].id: f"{part.lead.mean:+z.4f} on {counted(part.lead.seeds, 'seed')}" for part in wanted
    }
    parts = [e for part in wanted for e in part.experiments if e.id in made.combines]
    return hypothesis_of(parts, parent, leads)


def _shared(parent: Experiment, situation: Situation, fidelity: str, earlier: Sequence[Proposal]) -> Iterator[Proposal]:
    """Yield the fields that families of experiments moved the same way, all together, unless these were tried on it."""
    past = situation.past
    found = [f for f in families(parent, past, fidelity) if parent.configuration.get(f.field) != f.value]
    changes = {family.field: family.value for family in found}
    tried = [(e.parent, e.changes.keys()) for e in past if e.planner == Combine.name and not e.combines]
    tried += [(proposal.parent, proposal.changes.keys()) for proposal in earlier if not proposal.combines]
    again = (parent.id, changes.keys()) in tried
    if not changes or again:
        return
    proposal = Proposal(
        title=shorten(
            f"together: {', '.join(f'{n} {_short(v)}' for n, v in changes.items())}", TITLE_CHARACTERS, " ..."
        ),
        hypothesis=shorten(
            f"{'; '.join(map(_told, found))}: together they recover more than {parent.id}", 2000, " ..."
        ),
        parent=parent.id,
        changes=changes,
    )
    if situation.host.objection(proposal) is None:
        yield proposal


def _told(family: Family) -> str:
    members = ", ".join(family.members)
    return f"{family.field} {_short(family.value)} ({members} led by {family.gain:+z.4f} more than the others)"


def _texts(rest: Rest, leader: Experiment) -> dict[str, str]:
    name, part = rest.combination.id, rest.without
    parts = " and ".join(rest.combination.combines)
    return {
        "title": f"{name} without {part.move or part.id}",
        "hypothesis": f"{name} combines {parts}; without {part.id} ({part.headline}), as good as {leader.id}",
    }


def _short(value: object) -> str:
    return f"{value:.2g}" if isinstance(value, float) else str(value)
