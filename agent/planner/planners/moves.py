"""Code changes without a model: the moves of the catalogue, ordered by their results, stacked when accepted.

Small moves that no experiment has tried come first, the smallest before others; then moves that led on other code, by
falling lead; then large ones that are untried; at last those that did not lead. Exploration is bold: it begins with the
untried move that changes most. A move is proposed on top of code once, and brings the moves that it requires where the
code lacks them: alone they need not lead. One that neither led nor lagged is tried again in combination, by
`agent.planner.planners.combine`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from agent.planner.contract import Options, Rung, Situation
from agent.planner.lead import lead_on_parent
from agent.planner.move_catalogue import MOVES, Move, diff_of, move_names, read_move, with_requirements
from agent.planner.proposal import Proposal
from memory.leaderboard import changes_behind, codes_of
from memory.records import Experiment
from stoichloop.errors import StoichloopError

SMALL = 100  # lines, added and removed


@dataclass(frozen=True)
class Moves:
    """Proposes moves of `catalogue` for code, except those `without`; it learns from scores at `fidelity`."""

    fidelity: str
    without: tuple[str, ...] = ()
    catalogue: Path = MOVES
    name: str = "moves"
    rungs: tuple[Rung, ...] = ("code",)

    def __post_init__(self) -> None:
        """Read the catalogue, so that a move that cannot be read is refused before a campaign starts."""
        self._brings()

    def _brings(self) -> dict[str, list[str]]:
        """Return, for each move, what it requires and itself."""
        names = [name for name in move_names(self.catalogue) if name not in self.without]
        return {name: with_requirements(name, self.catalogue) for name in names}

    def propose(self, situation: Situation) -> list[Proposal]:
        """See `Planner`. A move that is in the parent's code already, or does not apply to it, is passed over.

        The log says once for each code which moves do not apply to it.
        """
        brings = self._brings()
        moves = {name: read_move(name, self.catalogue) for name, whole in brings.items() if {*brings}.issuperset(whole)}
        wrote, proposals = codes_of(situation.past), list[Proposal]()
        for role, parent in situation.roles:
            held = _held_by(parent, situation.past, brings)
            for move in self._ordered(list(moves.values()), situation.past, bold=role == "explore"):
                stands = any(p.parent == parent.id and p.move == move.name for p in proposals)
                if stands or _was_tried(move, parent, situation.past, wrote):
                    continue
                lacking = [moves[name] for name in brings[move.name] if name not in held]
                if lacking and (proposal := _propose(lacking, parent, wrote[parent.id], situation)) is not None:
                    proposals.append(proposal.model_copy(update={"role": role}))
                    break
        return proposals

    def _ordered(self, moves: Sequence[Move], past: Sequence[Experiment], *, bold: bool) -> list[Move]:
        leads = {move.name: _lead_of(move, past, self.fidelity) for move in moves}

        def rank(move: Move) -> tuple[int, float, str]:
            lead = leads[move.name]
            if lead is None:
                return (0, -move.lines, move.name) if bold else (2 * (move.lines > SMALL), move.lines, move.name)
            return 1 if lead > 0 else 3, -lead, move.name

        return sorted(moves, key=rank)


def create(options: Options) -> Moves:
    """See `agent.planner.registry.create_planner`."""
    return Moves(options.fidelity, options.without)


def _lead_of(move: Move, past: Sequence[Experiment], fidelity: str) -> float | None:
    """Return the largest lead of a move over a parent on equal seeds, None if it is untried."""
    tries = [e for e in past if e.move == move.name]
    leads = [lead.mean for e in tries if (lead := lead_on_parent(e, past, fidelity)) is not None]
    return max(leads, default=0.0) if tries else None


def _was_tried(move: Move, parent: Experiment, past: Sequence[Experiment], wrote: Mapping[str, str]) -> bool:
    """Return whether the move was tried on the code of `parent`."""
    return any(e.move == move.name and e.parent and wrote[e.parent] == wrote[parent.id] for e in past)


def _held_by(parent: Experiment, past: Sequence[Experiment], brings: Mapping[str, Sequence[str]]) -> set[str]:
    """Return the names of the moves in the code of `parent`, with those that they brought."""
    behind = changes_behind(past, parent)
    stacked = [e.move for e in past if e.id in behind and e.move]
    return {name for move in stacked for name in brings.get(move, [move])}


def _propose(moves: Sequence[Move], parent: Experiment, code: str, situation: Situation) -> Proposal | None:
    """Return the last of these moves, with those before it, as a diff of the code of `parent`.

    Returns None if they do not apply there, or change nothing. `code` is the experiment whose code the parent runs.
    """
    *brought, move = moves
    try:
        diff = diff_of(moves, situation.host.state_of(parent).folder)
    except StoichloopError as error:
        situation.host.note(f"move {move.name} is skipped on the code of {code}: {error}")
        return None
    if not diff:  # the base commit holds the tree already, where a winner was picked before the campaign
        return None
    title, why = move.description.title, move.description.why
    if brought:
        why = f"{why.rstrip()} Brings what it requires: {', '.join(other.name for other in brought)}."
    proposal = Proposal(title=title, hypothesis=why, parent=parent.id, diff=diff, move=move.name)
    objection = situation.host.objection(proposal)
    if objection is None:
        return proposal
    if not objection.known:
        situation.host.note(f"move {move.name} is skipped on the code of {code}: {objection.words}")
    return None
