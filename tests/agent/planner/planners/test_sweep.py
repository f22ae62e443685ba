import json
import math
import sys
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import replace
from typing import Any

import pytest

from agent.executor.code.code_state import CodeState
from agent.executor.code.search_space import read_space
from agent.planner.contract import Options
from agent.planner.planners.sweep import Sweep, _space, _told
from agent.planner.proposal import Proposal
from agent.planner.registry import create_planner, planner_names
from memory.records import Experiment, Finding, Role
from tests.agent.experiments import FIDELITY, scored, situation
from tests.conftest import ROOT, UNCONTAINED


@pytest.fixture(scope="module")
def state() -> CodeState:
    return CodeState(ROOT, UNCONTAINED)


@pytest.fixture(scope="module")
def baseline(state: CodeState) -> Experiment:
    return scored("e0001", [0.3], configuration=state.resolve({}), block=0)


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


def test_proposals_are_configurations_that_the_code_accepts(state: CodeState, baseline: Experiment) -> None:
    for proposal in propose(state, [baseline]):
        resolved = state.resolve({**baseline.configuration, **proposal.changes})
        assert resolved.keys() == baseline.configuration.keys()
        for name in proposal.changes:
            field = state.fields[name]
            if field.low is not None and field.high is not None:
                assert field.low <= resolved[name] <= field.high


def test_a_hypothesis_names_what_changes_and_against_whom(state: CodeState, baseline: Experiment) -> None:
    proposal = propose(state, [baseline], count=1)[0]
    assert baseline.id in proposal.hypothesis
    assert any(name in proposal.hypothesis for name in proposal.changes)


def test_the_same_campaign_plans_the_same_and_another_seed_otherwise(state: CodeState, baseline: Experiment) -> None:
    assert propose(state, [baseline]) == propose(state, [baseline])
    assert propose(state, [baseline]) != propose(state, [baseline], seed=1)


def test_what_was_run_before_is_not_proposed_again(state: CodeState, baseline: Experiment) -> None:
    refused = propose(state, [baseline], count=1)[0]
    proposals = propose(
        state, [baseline], objection=lambda proposal: "known" if proposal.changes == refused.changes else None
    )
    assert len(proposals) == 6
    assert refused.changes not in [proposal.changes for proposal in proposals]


def test_a_space_without_news_ends(state: CodeState, baseline: Experiment) -> None:
    assert propose(state, [baseline], objection=lambda _: "known") == []


def test_it_learns_from_the_ledger(state: CodeState, baseline: Experiment) -> None:
    """On a score that depends on lr_S alone, later proposals come closer to the best lr_S than the first ones."""

    def exact(configuration: dict[str, Any]) -> float:
        return 1.0 - abs(math.log10(configuration["lr_S"]) + 1.5) / 3

    past = [scored("e0001", [exact(baseline.configuration)], configuration=baseline.configuration, block=0)]
    for _ in range(10):
        for proposal in propose(state, past):
            configuration = {**baseline.configuration, **proposal.changes}
            past.append(scored(f"e{len(past) + 1:04d}", [exact(configuration)], configuration=configuration))
    early = [e.scores(FIDELITY)[0] for e in past[1:13]]
    late = [e.scores(FIDELITY)[0] for e in past[-12:]]
    assert sum(late) / 12 > sum(early) / 12 + 0.1


def test_a_principle_is_tested_alone(state: CodeState, baseline: Experiment) -> None:
    principle = Finding(1, "established principle", "lr_S", "higher lr_S recovers more", ("e0001",), 0.7, 0.01, 0.0)
    proposal = propose(state, [baseline], count=1, role="principle", findings=[principle])[0]
    assert list(proposal.changes) == ["lr_S"]
    assert proposal.changes["lr_S"] > baseline.configuration["lr_S"]
    assert proposal.role == "principle"
    assert principle.statement in proposal.hypothesis


def test_a_fresh_sweep_on_new_code_starts_from_what_older_code_taught(state: CodeState, baseline: Experiment) -> None:
    """On the old code lr_S alone decided; the new code scores higher as a whole."""
    past = [baseline]
    for index in range(60):
        lr_S = 10 ** (-4 + 3 * ((index * 0.618) % 1.0))
        score = 0.5 - abs(math.log10(lr_S) + 1.5) / 10
        past.append(scored(f"e{index + 2:04d}", [score], configuration={**baseline.configuration, "lr_S": lr_S}))
    patched = replace(scored("e0062", [0.8], configuration=baseline.configuration), patch="a diff")
    told = situation(state, [*past, patched], [("exploit", patched)] * 12)
    tried = [p.changes.get("lr_S", baseline.configuration["lr_S"]) for p in Sweep(0, FIDELITY).propose(told)]
    assert sum(abs(math.log10(value) + 1.5) for value in tried) / len(tried) < 0.5


def test_a_field_that_is_not_swept_keeps_its_value(state: CodeState, baseline: Experiment) -> None:
    assert not state.fields["message"].swept
    roles: list[tuple[Role, Experiment]] = [("exploit", baseline), ("explore", baseline)] * 6
    proposals = Sweep(0, FIDELITY).propose(situation(state, [baseline], roles))
    assert len(proposals) == 12
    assert not any("message" in proposal.changes for proposal in proposals)


def test_every_planner_is_found_by_its_file_name() -> None:
    files = (ROOT / "agent" / "planner" / "planners").glob("[!_]*.py")
    assert planner_names() == sorted(path.stem for path in files)
    options = Options(0, FIDELITY, model="small@http://127.0.0.1:1/v1", program=sys.executable)
    for name in planner_names():
        assert create_planner(name, options).name == name


def test_of_a_long_past_the_best_and_the_newest_are_told(state: CodeState, baseline: Experiment) -> None:
    value = baseline.configuration["lr_S"]
    past = [baseline] + [
        scored(
            f"e{n:04d}", [0.9 if n == 2 else 0.1], configuration={**baseline.configuration, "lr_S": value + n * 1e-9}
        )
        for n in range(2, 1000)
    ]
    told = _told(past, _space(state), FIDELITY)
    assert len(told) < 400
    assert {round((t.params["lr_S"] - value) / 1e-9) for t in told} >= {2, *range(900, 1000)}


@pytest.mark.parametrize(
    "field",
    [
        {"kind": "int", "value": 0, "low": -1e15, "high": 1e15},
        {"kind": "float", "value": 1.0, "low": 1e-15, "high": 1e15, "log": True},
        {"kind": "float", "value": 0.0, "low": -1e15, "high": 1e15},
        {"kind": "float", "value": 1e-300, "low": 1e-15, "high": 1.0, "log": True},
        {"kind": "float", "value": 0.1, "low": 0.1, "high": math.nextafter(0.1, 1)},
        {"kind": "choice", "value": "a", "choices": ["a"]},
        {"kind": "choice", "value": 1, "choices": [1, "b", 0.5]},
    ],
)
def test_the_widest_and_narrowest_spaces_that_may_be_declared_can_be_swept(
    state: CodeState, baseline: Experiment, field: dict[str, Any]
) -> None:
    odd = copy(state)
    odd.fields = read_space(json.dumps({"odd": {"doc": "d", **field}}))
    past = [replace(baseline, configuration={"odd": field["value"]})]
    past += [scored(f"e{n:04d}", [0.3], configuration={"odd": field["value"]}) for n in range(2, 12)]
    principle = Finding(1, "established principle", "odd", "higher odd", ("e0001",), 0.5, 0.001, 0.0)
    roles: list[Role] = ["exploit", "explore", "principle"]
    for role in roles:
        for proposal in propose(odd, past, role=role, findings=[principle]):
            assert list(proposal.changes) == ["odd"]
