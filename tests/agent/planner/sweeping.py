"""Proposals of the sweep after given experiments, on the code of this repository."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from agent.executor.code.code_state import CodeState
from agent.planner.planners.sweep import Sweep
from agent.planner.proposal import Proposal
from memory.records import Experiment, Finding, Role
from tests.agent.experiments import FIDELITY, situation


def propose(
    state: CodeState,
    past: list[Experiment],
    count: int = 6,
    seed: int = 0,
    objection: Callable[[Proposal], str | None] = lambda _: None,
    role: Role = "exploit",
    findings: Sequence[Finding] = (),
) -> list[Proposal]:
    told = situation(state, past, [(role, past[0])] * count, objection=objection, findings=findings)
    return Sweep(seed=seed, fidelity=FIDELITY).propose(told)
