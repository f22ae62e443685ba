import math
from collections.abc import Callable
from typing import Any

import pytest

from agent.executor.code_state import CodeState
from agent.planner import create_planner, planner_names
from agent.planner.proposal import Proposal
from agent.planner.sweep import Sweep
from memory.records import Experiment
from tests.agent.experiments import FIDELITY, scored
from tests.conftest import ROOT


@pytest.fixture(scope="module")
def state() -> CodeState:
    return CodeState(ROOT)


@pytest.fixture(scope="module")
def baseline(state: CodeState) -> Experiment:
    return scored("e0001", [0.3], configuration=state.resolve({}), block=0)


def never_seen(_proposal: Proposal) -> bool:
    return True


def propose(
    state: CodeState,
    past: list[Experiment],
    count: int = 6,
    seed: int = 0,
    is_new: Callable[[Proposal], bool] = never_seen,
) -> list[Proposal]:
    return Sweep(seed=seed, fidelity=FIDELITY).propose(count, past[0], state, past, is_new)


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
    proposals = propose(state, [baseline], is_new=lambda proposal: proposal.changes != refused.changes)
    assert len(proposals) == 6
    assert refused.changes not in [proposal.changes for proposal in proposals]


def test_a_space_without_news_ends(state: CodeState, baseline: Experiment) -> None:
    assert propose(state, [baseline], is_new=lambda _: False) == []


def test_it_learns_from_the_ledger(state: CodeState, baseline: Experiment) -> None:
    """On a score that depends on lr_S alone, later proposals come closer to the best lr_S than the first ones."""

    def exact(configuration: dict[str, Any]) -> float:
        return 1.0 - abs(math.log10(configuration["lr_S"]) + 1.5) / 3

    past = [scored("e0001", [exact(baseline.configuration)], configuration=baseline.configuration, block=0)]
    for _ in range(10):
        for proposal in propose(state, past):
            configuration = {**baseline.configuration, **proposal.changes}
            past.append(scored(f"e{len(past) + 1:04d}", [exact(configuration)], configuration=configuration))
    early = [e.exact(FIDELITY)[0] for e in past[1:13]]
    late = [e.exact(FIDELITY)[0] for e in past[-12:]]
    assert sum(late) / 12 > sum(early) / 12 + 0.1


def test_every_planner_is_found_by_its_file_name() -> None:
    assert {"auto", "sweep"} <= set(planner_names())
    for name in planner_names():
        assert create_planner(name, seed=0, fidelity=FIDELITY).name
