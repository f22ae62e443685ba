import json
import math
import re
import sys
from collections.abc import Callable
from copy import copy
from dataclasses import replace
from random import Random
from statistics import fmean
from typing import Any

import pytest

from agent.executor.code.code_state import CodeState
from agent.executor.code.search_space import read_space
from agent.planner.contract import Options
from agent.planner.planners.sweep import Sweep
from agent.planner.registry import create_planner, planner_names
from memory.records import Experiment, Finding, Role, Verdict
from tests.agent.experiments import FIDELITY, scored, situation
from tests.agent.planner.sweeping import propose
from tests.conftest import ROOT


def test_proposals_are_configurations_that_the_code_accepts(state: CodeState, baseline: Experiment) -> None:
    for proposal in propose(state, [baseline]):
        resolved = state.resolve({**baseline.configuration, **proposal.changes})
        assert resolved.keys() == baseline.configuration.keys()
        for name in proposal.changes:
            field = state.fields[name]
            if field.low is not None and field.high is not None:
                assert field.low <= resolved[name] <= field.high


def test_a_value_that_was_accepted_with_older_code_is_tested_against_the_one_before_it(
    state: CodeState, baseline: Experiment
) -> None:
    """In a recorded night, attention helped early and cost 0.06 once the code had changed."""
    accepted = Verdict("accepted", "", number=2)
    configuration = {**baseline.configuration, "attention": "edge"}
    swept = replace(scored("e0002", [0.4], configuration=configuration, verdict=accepted), parent="e0001")
    swept = replace(swept, changes={"attention": "edge"})
    coded = replace(scored("e0003", [0.5], configuration=configuration, verdict=accepted), parent="e0002", patch="a")
    first, second, *_ = propose(state, [coded, baseline, swept], count=3)
    assert first.changes == {"attention": "none"}
    assert (
        "attention edge -> none recovers more than e0003: e0002 was accepted with it on other code" in first.hypothesis
    )
    assert second.changes != first.changes
    assert {"attention": "none"} not in [p.changes for p in propose(state, [swept, baseline], count=1)]


def test_a_value_that_a_later_experiment_replaced_is_no_older_value(state: CodeState, baseline: Experiment) -> None:
    past, accepted = [baseline], Verdict("accepted", "", number=2)
    for value in ("relu", "gelu"):
        name, parent = f"e000{len(past) + 1}", past[-1]
        configuration = {**baseline.configuration, "message_activation": value}
        swept = scored(name, [0.4], configuration=configuration, verdict=accepted)
        past.append(replace(swept, parent=parent.id, changes={"message_activation": value}))
    coded = scored("e0004", [0.5], configuration=past[-1].configuration, verdict=accepted)
    first, *_ = propose(state, [replace(coded, parent="e0003", patch="a"), *past], count=1)
    assert first.changes == {"message_activation": "relu"}
    assert "e0003 was accepted with it on other code" in first.hypothesis


@pytest.mark.parametrize("name", ["momentum", "message"], ids=["a new field", "a field that is not swept"])
def test_a_field_without_an_older_value_to_sweep_is_left_alone(
    name: str, state: CodeState, baseline: Experiment
) -> None:
    accepted = Verdict("accepted", "", number=2)
    configuration = {**baseline.configuration, name: "hypergraph"}
    brought = replace(scored("e0002", [0.4], configuration=configuration, verdict=accepted), parent="e0001", patch="a")
    brought = replace(brought, changes={name: "hypergraph"})
    coded = replace(scored("e0003", [0.5], configuration=configuration, verdict=accepted), parent="e0002", patch="b")
    proposals = propose(state, [coded, baseline, brought], count=3)
    assert len(proposals) == 3
    assert all(name not in proposal.changes for proposal in proposals)


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


def test_a_proposal_changes_few_fields_and_says_which_way(state: CodeState, baseline: Experiment) -> None:
    for proposal in propose(state, [baseline], count=12):
        assert len(proposal.changes) <= 4
        for name, value in proposal.changes.items():
            old = baseline.configuration[name]
            way = "" if isinstance(value, str) else " (higher)" if value > old else " (lower)"
            assert re.search(rf"{name} \S+ -> \S+{re.escape(way)}", proposal.hypothesis)


def test_the_first_proposals_change_one_field_or_group_each(state: CodeState, baseline: Experiment) -> None:
    first = [tuple(sorted(proposal.changes)) for proposal in propose(state, [baseline], count=10)]
    assert len(set(first)) >= 9
    assert sum(len(names) == 1 for names in first) >= 8
    together = {("lr_S", "lr_func", "lr_k"), ("coeff_S_L1", "coeff_S_L2", "coeff_S_integer", "coeff_mass")}
    assert {names for names in first if len(names) > 1} <= together


def best_of_forty(state: CodeState, baseline: Experiment, exact: Callable[[dict[str, Any]], float]) -> dict[str, Any]:
    """The best of forty proposals, asked one at a time; a lead of four standard deviations of the noise is accepted."""
    noise = Random(0)
    incumbent = scored("e0001", [exact(baseline.configuration)], configuration=baseline.configuration, block=0)
    past = [incumbent]
    for number in range(2, 42):
        told = situation(state, past, [("explore" if number % 5 == 0 else "exploit", incumbent)])
        (proposal,) = Sweep(0, FIDELITY).propose(told)
        configuration = {**incumbent.configuration, **proposal.changes}
        score = exact(configuration) + noise.gauss(0.0, 0.005)
        past.append(replace(scored(f"e{number:04d}", [score], configuration=configuration), parent=incumbent.id))
        if score > incumbent.scores(FIDELITY)[0] + 0.02:
            incumbent = past[-1]
    return incumbent.configuration


def test_forty_proposals_find_the_two_fields_of_sixteen_that_matter(state: CodeState, baseline: Experiment) -> None:
    """A smooth score of two fields whose best values lie inside their ranges."""

    def exact(configuration: dict[str, Any]) -> float:
        far = (math.log10(configuration["lr_S"]) + 1.5) ** 2 + (math.log10(configuration["init_scale_S"]) + 0.9) ** 2
        return 0.8 - 0.2 * far

    assert sum(field.swept for field in state.fields.values()) == 16
    assert exact(baseline.configuration) < 0.53
    assert exact(best_of_forty(state, baseline, exact)) > 0.77


def test_learning_rates_that_have_to_rise_together_are_found(state: CodeState, baseline: Experiment) -> None:
    """Each alone is no better than before."""

    def exact(configuration: dict[str, Any]) -> float:
        rates = [math.log10(configuration[name]) for name in ("lr_S", "lr_k", "lr_func")]
        return 0.8 - 0.2 * (fmean(rates) + 2.0) ** 2 - 0.4 * (max(rates) - min(rates)) ** 2

    assert exact(baseline.configuration) < 0.75
    assert exact({**baseline.configuration, "lr_S": 0.01}) < exact(baseline.configuration)
    assert exact(best_of_forty(state, baseline, exact)) > 0.78


def test_a_far_value_is_tried_once_a_nearer_one_has_led(state: CodeState, baseline: Experiment) -> None:
    def rates(past: list[Experiment]) -> set[float]:
        found = [proposal.changes for proposal in propose(state, past, count=40)]
        return {changes["lr_S"] for changes in found if changes.keys() == {"lr_S"}}

    step = scored("e0002", [0.4], configuration={**baseline.configuration, "lr_S": 0.0178})
    assert max(rates([baseline])) < 0.02
    assert max(rates([baseline, replace(step, parent="e0001")])) == 0.1


def test_a_hypothesis_of_many_changes_is_cut(state: CodeState, baseline: Experiment) -> None:
    many = copy(state)
    field = {"doc": "d", "kind": "float", "value": 0.1, "low": 0.01, "high": 1.0, "log": True}
    many.fields = read_space(json.dumps({f"weight{n}": field for n in range(30)}))
    start, end = (dict.fromkeys(many.fields, value) for value in (0.1, 1.0))
    past = [replace(baseline, configuration=start), scored("e0002", [0.5], configuration=end)]
    assert all(proposal.hypothesis.endswith(" ...") for proposal in propose(many, past))


def test_a_call_for_many_explores_on_when_every_field_was_changed_alone(state: CodeState, baseline: Experiment) -> None:
    found = propose(state, [baseline], count=80, role="explore")
    assert len(found) == 80
    assert {proposal.role for proposal in found} == {"explore"}


def test_a_call_for_many_and_calls_for_one_each_plan_alike(state: CodeState, baseline: Experiment) -> None:
    """Of experiments that are still running, the sweep knows that they run."""
    at_once = propose(state, [baseline], count=6)
    past = [baseline]
    for number in range(2, 8):
        (proposal,) = propose(state, past, count=1)
        configuration = {**baseline.configuration, **proposal.changes}
        past.append(scored(f"e{number:04d}", configuration=configuration))
    assert [proposal.changes for proposal in at_once] == [
        {name: value for name, value in e.configuration.items() if value != baseline.configuration[name]}
        for e in past[1:]
    ]


def test_a_call_for_many_has_few_shapes_so_that_they_train_together(state: CodeState, baseline: Experiment) -> None:
    def shapes(count: int) -> int:
        configurations = [{**baseline.configuration, **each.changes} for each in propose(state, [baseline], count)]
        shared = [name for name, field in state.fields.items() if field.shared]
        assert len(configurations) == count
        return len({tuple(configuration[name] for name in shared) for configuration in configurations})

    assert shapes(16) > 4
    assert shapes(32) <= 4


def test_a_call_for_many_is_filled_though_parents_have_shapes_of_their_own(
    state: CodeState, baseline: Experiment
) -> None:
    other = scored("e0002", [0.3], configuration={**baseline.configuration, "width": 16})
    roles: list[tuple[Role, Experiment]] = [("exploit", baseline), ("explore", other)] * 16
    proposals = Sweep(0, FIDELITY).propose(situation(state, [baseline, other], roles))
    assert [proposal.parent for proposal in proposals] == ["e0001", "e0002"] * 16


def test_a_sweep_goes_on_beyond_the_edge_of_a_range_where_the_best_value_stands_on_it(
    state: CodeState, baseline: Experiment
) -> None:
    configuration = {**baseline.configuration, "init_scale_S": 0.05}
    better = scored("e0002", [0.7], configuration=configuration, verdict=Verdict("accepted", "", number=2))
    others: list[dict[str, Any]] = [{"depth": 1}, {"gate": "sigmoid"}, {"lr_k": 0.1}, {"batch_frames": 32}]
    past = [baseline, better]
    past += [scored(f"e{n:04d}", [0.69], configuration={**configuration, **c}) for n, c in enumerate(others, 3)]
    first, *_ = found = Sweep(0, FIDELITY).propose(situation(state, past, [("exploit", better)] * 8))
    words = "the best init_scale_S, 0.05, stands on the lower edge of its range, and the sweep goes on beyond it"
    assert words in first.hypothesis
    tried = [proposal.changes["init_scale_S"] for proposal in found if "init_scale_S" in proposal.changes]
    assert min(tried) == pytest.approx(0.05 * (0.05 / 2.0) ** 0.25, rel=0.01)
    unmoved = replace(baseline, configuration=configuration)
    told = situation(state, [unmoved], [("exploit", unmoved)] * 12)
    assert all(each.changes.get("init_scale_S", 1.0) > 0.05 for each in Sweep(0, FIDELITY).propose(told))


def test_a_principle_beyond_the_edge_of_a_range_is_tested_in_its_own_direction(
    state: CodeState, baseline: Experiment
) -> None:
    parent = replace(baseline, configuration={**baseline.configuration, "init_scale_S": 0.01})
    words = "lower init_scale_S recovers more"
    principle = Finding(1, "established principle", "init_scale_S", words, ("e0001",), -0.7, 0.01, 0.0)
    for proposal in propose(state, [parent], count=1, role="principle", findings=[principle]):
        assert proposal.role != "principle"


def test_a_principle_is_tested_alone(state: CodeState, baseline: Experiment) -> None:
    principle = Finding(1, "established principle", "lr_S", "higher lr_S recovers more", ("e0001",), 0.7, 0.01, 0.0)
    proposal = propose(state, [baseline], count=1, role="principle", findings=[principle])[0]
    assert list(proposal.changes) == ["lr_S"]
    assert proposal.changes["lr_S"] > baseline.configuration["lr_S"]
    assert proposal.role == "principle"
    assert principle.statement in proposal.hypothesis


def test_a_fresh_sweep_on_new_code_starts_from_what_older_code_taught(state: CodeState, baseline: Experiment) -> None:
    """On the old code lr_S alone mattered, and higher was better."""
    past = [baseline]
    for number, lr_S in enumerate((1e-4, 1e-3, 1e-2, 1e-1), 2):
        score = 0.3 + 0.1 * math.log10(lr_S / baseline.configuration["lr_S"])
        past.append(scored(f"e{number:04d}", [score], configuration={**baseline.configuration, "lr_S": lr_S}))
    patched = replace(scored("e0006", [0.8], configuration=baseline.configuration), patch="a diff")
    told = situation(state, [*past, patched], [("exploit", patched)])
    assert Sweep(0, FIDELITY).propose(told)[0].changes["lr_S"] > 3e-2


def test_a_field_that_is_not_swept_keeps_its_value(state: CodeState, baseline: Experiment) -> None:
    assert not state.fields["message"].swept
    roles: list[tuple[Role, Experiment]] = [("exploit", baseline), ("explore", baseline)] * 6
    proposals = Sweep(0, FIDELITY).propose(situation(state, [baseline], roles))
    assert len(proposals) == 12
    assert not any("message" in proposal.changes for proposal in proposals)


def test_every_planner_is_found_by_its_file_name() -> None:
    files = (ROOT / "agent" / "planner" / "planners").glob("[!_]*.py")
    assert planner_names() == sorted(path.stem for path in files)
    options = Options(0, FIDELITY, models=("small@http://127.0.0.1:1/v1",), program=sys.executable)
    for name in planner_names():
        assert create_planner(name, options).name == name


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
