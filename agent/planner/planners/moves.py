"""Code changes without a model: the moves of the catalogue, ordered by their results, stacked when accepted.

A move that no experiment has tried comes first, and of those the one that changes fewest lines; exploration is
bold and takes the one that changes most. Then come moves that were tried on other code, the one that led by most
before others. A move is proposed on top of code once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from agent.analyzer.judging.noise import mean_outcome
from agent.planner.contract import Options, Rung, Situation
from agent.planner.move_catalogue import MOVES, Move, move_names, read_move
from agent.planner.proposal import Proposal
from memory.leaderboard import codes_of, lineage
from memory.records import Experiment


@dataclass(frozen=True)
class Moves:
    """Proposes moves of `catalogue` for code; what it learns from is at `fidelity`."""

    fidelity: str
    catalogue: Path = MOVES
    name: str = "moves"
    rungs: tuple[Rung, ...] = ("code",)

    def propose(self, situation: Situation) -> list[Proposal]:
        """See `Planner`. A move that is in the parent's code already, or does not apply to it, is passed over.

        The log says once for each code which moves do not apply to it.
        """
        moves = [read_move(name, self.catalogue) for name in move_names(self.catalogue)]
        wrote, proposals = codes_of(situation.past), list[Proposal]()
        for role, parent in situation.roles:
            for move in self._ordered(moves, situation.past, bold=role == "explore"):
                stands = any(p.parent == parent.id and p.move == move.name for p in proposals)
                if stands or not _is_new(move, parent, situation.past, wrote):
                    continue
                if (proposal := _propose(move, parent, wrote[parent.id], situation)) is not None:
                    proposals.append(proposal.model_copy(update={"role": role}))
                    break
        return proposals

    def _ordered(self, moves: Sequence[Move], past: Sequence[Experiment], *, bold: bool) -> list[Move]:
        def rank(move: Move) -> tuple[bool, float, int, str]:
            leads = [lead_of(e, past, self.fidelity) for e in past if e.move == move.name]
            return bool(leads), -max(leads, default=0.0), -move.lines if bold else move.lines, move.name

        return sorted(moves, key=rank)


def create(options: Options) -> Moves:
    """See `agent.planner.registry.create_planner`."""
    return Moves(options.fidelity)


def lead_of(experiment: Experiment, past: Sequence[Experiment], fidelity: str) -> float:
    """By how much the mean score grew against the parent; a training that failed recovered 0."""
    return mean_outcome(experiment, fidelity) - mean_outcome(_parent(experiment, past), fidelity)


def _is_new(move: Move, parent: Experiment, past: Sequence[Experiment], wrote: Mapping[str, str]) -> bool:
    """Return whether `parent` holds what the move requires, does not hold it yet, and its code has not been tried."""
    stacked = {e.move for e in lineage(past, parent)}
    tried = any(e.move == move.name and e.parent and wrote[e.parent] == wrote[parent.id] for e in past)
    return not tried and move.name not in stacked and stacked.issuperset(move.description.requires)


def _propose(move: Move, parent: Experiment, code: str, situation: Situation) -> Proposal | None:
    """Return the move as a diff of the code of `parent`; None if it does not apply there, or changes nothing.

    `code` is the experiment whose code the parent runs.
    """
    diff = move.diff_on(situation.host.state_of(parent).folder)
    if not diff:  # the base commit holds the tree already, where a winner was picked before the campaign
        return None
    title, why = move.description.title, move.description.why
    proposal = Proposal(title=title, hypothesis=why, parent=parent.id, diff=diff, move=move.name)
    objection = situation.host.objection(proposal)
    if objection is None:
        return proposal
    if not objection.known:
        situation.host.note(f"move {move.name} is passed over on the code of {code}: {objection.words}")
    return None


def _parent(experiment: Experiment, past: Sequence[Experiment]) -> Experiment:
    """Return the experiment whose code a move was tried on."""
    return lineage(past, experiment)[-2]
