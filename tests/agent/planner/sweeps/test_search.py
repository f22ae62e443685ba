from dataclasses import replace
from typing import Any

import pytest

from agent.executor.code.code_state import CodeState
from agent.planner.planners.sweep import Sweep
from memory.records import Experiment, Verdict
from tests.agent.experiments import FIDELITY, scored, situation
from tests.agent.planner.sweeping import propose


def test_a_sweep_builds_on_what_led_though_it_was_rejected(state: CodeState, baseline: Experiment) -> None:
    rates = dict.fromkeys(("lr_S", "lr_k", "lr_func"), 0.0169)
    rejected = Verdict("rejected", "learns nothing", number=2)
    led = scored("e0002", [0.5], configuration={**baseline.configuration, **rates}, verdict=rejected)
    beside = scored("e0003", [0.2], configuration={**baseline.configuration, "width": 64}, verdict=rejected)
    found = propose(state, [baseline, led, beside], count=6)
    assert all(proposal.parent == "e0001" for proposal in found)
    for proposal in found:
        kept = {name for name in rates if proposal.changes.get(name) == rates[name]}
        moved = {name for name in proposal.changes if name not in kept}
        assert len(moved) <= 4
        assert kept == rates.keys() - moved
        assert ("built on e0002" in proposal.hypothesis) == bool(kept)
    assert sum(rates.items() <= proposal.changes.items() for proposal in found) >= 3


@pytest.mark.parametrize(("seeds", "built_on"), [(1, False), (32, True)])
def test_a_sweep_builds_only_on_a_lead_that_is_no_luck(
    state: CodeState, baseline: Experiment, seeds: int, built_on: bool
) -> None:
    rates = {"lr_S": 0.0169, "lr_k": 0.0169}
    start = scored("e0001", [0.3] * 32, configuration=baseline.configuration, block=0)
    led = scored("e0002", [0.33] * seeds, configuration={**baseline.configuration, **rates})
    beside = scored("e0003", [0.26], configuration={**baseline.configuration, "coeff_mass": 0.00178})
    found = propose(state, [start, led, beside])
    assert len(found) == 6
    assert any(rates.items() <= proposal.changes.items() for proposal in found) == built_on


def test_a_sweep_explores_around_the_best_configuration_too(state: CodeState, baseline: Experiment) -> None:
    rates = dict.fromkeys(("lr_S", "lr_k", "lr_func"), 0.0169)
    rejected = Verdict("rejected", "learns nothing", number=2)
    led = scored("e0002", [0.5], configuration={**baseline.configuration, **rates}, verdict=rejected)
    found = propose(state, [baseline, led], count=6, role="explore")
    assert len(found) == 6
    for proposal in found:
        reached = {**baseline.configuration, **proposal.changes}
        assert sum(reached[name] != led.configuration[name] for name in state.fields) == 1


def test_an_exploration_goes_on_to_other_fields_when_the_best_configuration_is_another(
    state: CodeState, baseline: Experiment
) -> None:
    def changed(experiment: str, score: float, **changes: float) -> Experiment:
        return scored(experiment, [score] * 8, configuration={**baseline.configuration, **changes})

    past = [
        scored("e0001", [0.3] * 8, configuration=baseline.configuration, block=0),
        changed("e0002", 0.5, lr_S=0.0169),
        changed("e0003", 0.2, lr_k=1e-3),
        changed("e0004", 0.1, lr_func=1e-3),
        changed("e0005", 0.15, coeff_mass=1e-6),
    ]
    found = propose(state, past, count=3, role="explore")
    assert len(found) == 3
    assert all(proposal.changes["lr_S"] == 0.0169 for proposal in found)
    assert not any({"lr_k", "lr_func", "coeff_mass"} & proposal.changes.keys() for proposal in found)


def test_an_exploration_begins_with_the_numbers_of_wide_ranges(state: CodeState, baseline: Experiment) -> None:
    first = [name for proposal in propose(state, [baseline], count=6, role="explore") for name in proposal.changes]
    assert len(set(first)) == 6
    assert all(state.fields[name].kind == "float" for name in first)


@pytest.mark.parametrize("change", [{"message": "hypergraph"}, {"init_scale_S": 0.001}])
def test_a_sweep_does_not_build_on_what_it_may_not_propose(
    state: CodeState, baseline: Experiment, change: dict[str, Any]
) -> None:
    """A language model may change a field that is not swept, or go beyond a range with a reason."""
    led = scored("e0002", [0.5], configuration={**baseline.configuration, **change, "lr_S": 0.0169})
    found = propose(state, [baseline, led], count=12)
    assert len(found) == 12
    assert not any(change.items() <= proposal.changes.items() for proposal in found)


def test_a_sweep_builds_only_on_experiments_that_were_compared_with_the_parent(
    state: CodeState, baseline: Experiment
) -> None:
    """A user may pin an older experiment: its proposals stay around it."""
    accepted = Verdict("accepted", "", number=2)
    newer = scored("e0002", {7: 0.6}, configuration={**baseline.configuration, "init_scale_S": 0.05}, verdict=accepted)
    on_it = scored("e0003", {7: 0.7}, configuration={**newer.configuration, "width": 64})
    past = [baseline, newer, replace(on_it, parent="e0002")]
    assert not any({"width", "init_scale_S"} <= proposal.changes.keys() for proposal in propose(state, past))
    on_newer = Sweep(0, FIDELITY).propose(situation(state, past, [("exploit", newer)] * 6))
    assert sum(proposal.changes.get("width") == 64 for proposal in on_newer) >= 4
