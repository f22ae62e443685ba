"""Experiments as a ledger would give them back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from agent.executor.code.code_state import CodeState
from agent.planner.contract import Objection, Rung, Situation
from agent.planner.proposal import Proposal
from memory.records import Experiment, Finding, Role, TrialResult, Verdict
from tests.agent.hosts import Calls, Campaign

FIDELITY = "probe"


def scored(
    name: str,
    scores: Mapping[int, float] | Sequence[float] = (),
    *,
    verdict: Verdict | None = None,
    configuration: dict[str, Any] | None = None,
    block: int = 1,
) -> Experiment:
    """Return an experiment with a completed trial for each seed's score."""
    by_seed = scores if isinstance(scores, Mapping) else dict(enumerate(scores))
    trials = tuple(
        TrialResult(
            trial=f"{name}/s{seed}/{FIDELITY}",
            experiment=name,
            seed=seed,
            fidelity=FIDELITY,
            status="completed",
            reason="",
            scores={"exact": exact, "skill": 0.0, "blind": 0.0},
            seconds=1.0,
            folder=f"experiments/{name}/s{seed}-{FIDELITY}",
            finished_at=0.0,
        )
        for seed, exact in by_seed.items()
    )
    return Experiment(
        id=name,
        block=block,
        parent=None if block == 0 else "e0001",
        planner="sweep",
        hypothesis=f"{name} is better",
        changes={},
        configuration=configuration or {},
        fingerprint=name,
        proposed_at=0.0,
        commit="c" * 40,
        trials=trials,
        verdict=verdict,
    )


def failed(name: str, status: Any, reason: str) -> Experiment:
    """Return an experiment whose only trial did not complete."""
    experiment = scored(name, [0.0])
    trial = replace(experiment.trials[0], status=status, reason=reason, scores={})
    return replace(experiment, trials=(trial,))


def with_crash(experiment: Experiment, reason: str) -> Experiment:
    """Return an experiment that has crashed on one more seed, before the seeds that it completed last."""
    *earlier, last = experiment.trials
    crashed = replace(last, seed=999, status="crashed", reason=reason, scores={}, folder=f"{last.folder}-crashed")
    return replace(experiment, trials=(*earlier, crashed, last))


def situation(
    state: CodeState,
    past: Sequence[Experiment],
    roles: Sequence[tuple[Role, Experiment]],
    *,
    rung: Rung = "sweep",
    objection: Callable[[Proposal], str | None] = lambda _: None,  # in words
    findings: Sequence[Finding] = (),
) -> Situation:
    """Return the situation of a campaign with this past, all on the same code."""
    return Situation(
        regime="pde_m1_tiny",
        objective="exact",
        rung=rung,
        roles=roles,
        past=past,
        findings=findings,
        brief="",
        blocks=(),
        host=Campaign(state, objections=lambda proposal: Objection(words) if (words := objection(proposal)) else None),
        call_log=Calls(),
    )
