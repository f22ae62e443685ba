import math
from dataclasses import replace
from typing import Any

import pytest

from agent.planner.sweeps.evidence import leads_of
from memory.records import Experiment, TrialResult, Verdict
from tests.agent.experiments import FIDELITY, failed, scored

OLD, NEW = {"lr_S": 0.003}, {"lr_S": 0.03}


def at(fidelity: str, e: Experiment) -> tuple[TrialResult, ...]:
    return tuple(replace(trial, fidelity=fidelity) for trial in e.trials)


def leads(*past: Experiment, fidelity: str = FIDELITY) -> list[tuple[Any, float]]:
    return [(each.lead and round(each.lead, 6), each.seeds) for each in leads_of(past, fidelity)]


def test_a_lead_is_the_mean_over_the_seeds_that_parent_and_child_share() -> None:
    baseline = scored("e0001", {0: 0.3, 1: 0.4, 2: 0.9}, configuration=OLD, block=0)
    child = scored("e0002", {0: 0.5, 1: 0.5, 7: 0.1}, configuration=NEW)
    assert leads(baseline, child) == [(0.15, 2.0)]


def test_an_experiment_that_a_later_incumbent_screened_is_evidence_over_that_one() -> None:
    """The first incumbent of a campaign was replaced while half of its challengers were still running."""
    accepted = Verdict("accepted", "", number=2)
    baseline = scored("e0001", {0: 0.3, 1: 0.3}, configuration=OLD, block=0, verdict=Verdict("accepted", "", number=1))
    incumbent = scored("e0002", {0: 0.5, 5: 0.6}, configuration={"lr_S": 0.01}, verdict=accepted)
    child = scored("e0003", {5: 0.4}, configuration=NEW, verdict=Verdict("rejected", "", number=3))
    found = leads_of([baseline, incumbent, child], FIDELITY)
    assert [(each.experiment, each.rival) for each in found] == [("e0002", "e0001"), ("e0003", "e0002")]
    assert found[1].old == incumbent.configuration
    assert found[1].lead == pytest.approx(-0.2)
    early = replace(child, verdict=Verdict("rejected", "", number=1))
    assert leads_of([baseline, incumbent, early], FIDELITY)[1].scores is None


def test_a_gain_counts_what_is_left_to_recover() -> None:
    gains = []
    for before, after in ((0.2, 0.6), (0.8, 0.9), (0.9999, 1.0)):
        baseline = scored("e0001", {0: before}, configuration=OLD, block=0)
        gains += [each.gain for each in leads_of([baseline, scored("e0002", {0: after}, configuration=NEW)], FIDELITY)]
    assert gains == pytest.approx([math.log(2), math.log(2), 0.0])


def test_without_a_shared_seed_a_lead_is_unknown() -> None:
    baseline = scored("e0001", {0: 0.3}, configuration=OLD, block=0)
    assert leads(baseline, scored("e0002", {1: 0.9}, configuration=NEW)) == [(None, 1.0)]
    assert leads(baseline, scored("e0002", configuration=NEW)) == [(None, 1.0)]


def test_a_failed_training_recovered_nothing() -> None:
    baseline = scored("e0001", {0: 0.3}, configuration=OLD, block=0)
    child = replace(failed("e0002", "non_finite", "infinite loss"), configuration=NEW)
    assert leads(baseline, child) == [(-0.3, 1.0)]


def test_the_highest_fidelity_counts_and_a_lower_one_counts_half() -> None:
    baseline = scored("e0001", {0: 0.3}, configuration=OLD, block=0)
    baseline = replace(baseline, trials=(*baseline.trials, *at("full", scored("e0001", {0: 0.5}))))
    short = scored("e0002", {0: 0.4}, configuration=NEW)
    both = replace(short, trials=(*short.trials, *at("full", scored("e0002", {0: 0.7}))))
    assert leads(baseline, short, fidelity="full") == [(0.1, 0.5)]
    assert leads(baseline, both, fidelity="full") == [(0.2, 1.0)]


def test_a_patch_is_no_evidence_about_the_configuration() -> None:
    baseline = scored("e0001", {0: 0.3}, configuration=OLD, block=0)
    assert leads(baseline, replace(scored("e0002", {0: 0.9}, configuration=NEW), patch="a diff")) == []


def test_of_a_long_past_the_best_and_the_newest_count() -> None:
    baseline = scored("e0001", {0: 0.3}, configuration=OLD, block=0)
    past = [scored(f"e{n:04d}", {0: 0.9 if n == 2 else 0.1}, configuration={"lr_S": n * 1e-6}) for n in range(2, 1000)]
    kept = {each.experiment for each in leads_of([baseline, *past], FIDELITY)}
    assert len(kept) <= 150
    assert {"e0002", *(f"e{n:04d}" for n in range(900, 1000))} <= kept
