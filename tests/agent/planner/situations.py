"""Situations as the loop would give them, on the code of this repository, and what was recorded of the calls."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from agent.executor.code.code_state import CodeState
from agent.planner.contract import Objection, Options, Rung, Situation
from agent.planner.planners.llm import Llm
from agent.planner.planners.llm import planner_of as asked_at
from agent.planner.proposal import Edit, Proposal
from memory.records import Block, Call, Experiment, Role, Verdict
from tests.agent.experiments import FIDELITY, scored
from tests.agent.hosts import Calls, Campaign
from tests.agent.planner.model_server import ModelServer
from tests.conftest import ROOT, UNCONTAINED

EDIT = Edit(
    file="gnn/loss.py", search="from __future__ import annotations\n", replace="from __future__ import annotations\n\n"
)
ACCEPTED = Verdict("accepted", "it is the baseline", number=1)


@dataclass
class Told:
    """A situation and the calls that were recorded in it."""

    situation: Situation
    calls: list[Call] = field(default_factory=list)

    @property
    def outcomes(self) -> list[str]:
        return [call.outcome for call in self.calls]


def baseline(state: CodeState) -> Experiment:
    return scored("e0001", [0.3], configuration=state.resolve({}), block=0, verdict=ACCEPTED)


def broken(name: str = "e0002", repairs: str | None = None, **changes: Any) -> Experiment:
    """Return an experiment whose patch made the training fail."""
    failed = Verdict("failed", "exit status 1: NameError: name 'beta' is not defined", number=2)
    patched = replace(scored(name), planner="llm", patch="--- a/gnn/loss.py\n+++ b/gnn/loss.py\n", verdict=failed)
    return replace(patched, repairs=repairs, trials=(), **changes)


def situation(
    state: CodeState,
    *,
    rung: Rung = "sweep",
    roles: Sequence[Role] = ("exploit",),
    past: Sequence[Experiment] = (),
    brief: str = "Recover every coefficient.",
    blocks: Sequence[Block] = (),
    output: str = "",
    objection: Callable[[Proposal], Objection | None] | None = None,
    check: Callable[[], None] = lambda: None,
) -> Told:
    experiments = [baseline(state), *past]
    calls = Calls()
    return Told(
        Situation(
            regime="pde_m1_tiny",
            objective="exact",
            rung=rung,
            roles=[(role, experiments[0]) for role in roles],
            past=experiments,
            findings=(),
            brief=brief,
            blocks=blocks,
            host=Campaign(
                state,
                curve=(1.0, 0.5, 0.25),
                output=output,
                objections=objection or (lambda proposal: applies(proposal, state.folder)),
                on_check=check,
            ),
            call_log=calls,
        ),
        calls.made,
    )


def planner_of(server: ModelServer, **limits: Any) -> Llm:
    """Return the planner of a server, with less patience than a campaign's."""
    made = asked_at(Options(seed=0, fidelity=FIDELITY), server.address)
    return replace(made, limits=replace(made.limits, backoff_s=0.01, answer_tokens=1000, **limits))


def applies(proposal: Proposal, folder: Path = ROOT) -> Objection | None:
    """Return whether each edit is of a file in gnn/ in which its text stands exactly once."""
    for edit in proposal.edits:
        if not edit.file.startswith("gnn/"):
            return Objection(f"{edit.file} is refused: a patch may change files under gnn/ only")
        count = (folder / edit.file).read_text(encoding="utf-8").count(edit.search)
        if count != 1:
            return Objection(f"the text to replace stands {count} times in {edit.file}, but must stand there once")
    return None


def code_in(folder: Path) -> CodeState:
    """Return a state of the code that a test may change."""
    shutil.copytree(ROOT / "gnn", folder / "gnn", ignore=shutil.ignore_patterns("__pycache__"))
    return CodeState(folder, UNCONTAINED)
