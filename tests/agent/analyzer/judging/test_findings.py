from dataclasses import replace

import numpy as np
import pytest

from agent.analyzer.judging.findings import MIN_EXPERIMENTS, find
from agent.analyzer.judging.noise import Noise
from agent.analyzer.judging.seeds import confirm_seeds
from memory.records import Experiment, Finding, Verdict
from tests.agent.experiments import FIDELITY, scored

NOISE = {FIDELITY: Noise(0.01, 12)}


def experiments(count: int, *, field_matters: bool, seed: int = 0) -> list[Experiment]:
    rng = np.random.default_rng(seed)
    made = [scored("e0001", [0.3], configuration={"lr_S": 0.5, "width": 32, "schedule": "a"}, block=0)]
    for number in range(2, count + 1):
        rate = float(rng.uniform(0, 1))
        exact = 0.3 + (0.2 * rate if field_matters else 0.0) + float(rng.normal(0, 0.01))
        configuration = {"lr_S": rate, "width": int(rng.choice([16, 32])), "schedule": str(rng.choice(["a", "b"]))}
        made.append(scored(f"e{number:04d}", [exact], configuration=configuration))
    return made


def subjects(findings: list[Finding], kind: str) -> list[str]:
    return [finding.subject for finding in findings if finding.kind == kind]


def test_a_field_that_moves_the_score_becomes_a_principle_with_its_evidence() -> None:
    found = find(experiments(30, field_matters=True), [], NOISE, 3, "exact")
    assert subjects(found, "established principle") == ["noise", "lr_S"]
    principle = found[1]
    assert "higher lr_S recovers more" in principle.statement
    assert len(principle.experiments) == 30
    assert principle.p_value is not None
    assert principle.p_value < 0.001


def test_noise_teaches_no_principle() -> None:
    false = sum(
        subjects(find(experiments(30, field_matters=False, seed=seed), [], NOISE, 3, "exact"), "established principle")
        != ["noise"]
        for seed in range(100)
    )
    assert false <= 10  # 5 expected by the level, for all three fields together


def test_few_experiments_leave_the_question_open() -> None:
    found = find(experiments(MIN_EXPERIMENTS - 1, field_matters=True), [], NOISE, 1, "exact")
    assert subjects(found, "open question") == ["fields"]


@pytest.mark.parametrize("changes_code", [False, True])
def test_whether_the_formulation_is_the_limit_is_asked_until_something_is_accepted(changes_code: bool) -> None:
    tried = experiments(20, field_matters=False)
    found = find(tried, [], NOISE, 3, "exact")
    assert "no field moves exact measurably in 20 configurations" in found[-1].statement
    better = patched("e0021", 0.9, Verdict("accepted", "", "e0001", 0.6, (0.58, 0.62), 1e-6))
    better = replace(better, patch="a diff" if changes_code else "", configuration=tried[0].configuration)
    assert subjects(find([*tried, better], [], NOISE, 4, "exact"), "open question") == []


def test_experiments_that_change_code_say_nothing_of_the_fields() -> None:
    code = [patched(f"e{n:04d}", 0.2, Verdict("rejected", "", "e0001", -0.1)) for n in range(100, 120)]
    tried = experiments(MIN_EXPERIMENTS - 1, field_matters=False)
    few = find([*tried, *code], [], NOISE, 1, "exact")[-1]
    assert few.statement == "which fields matter? 7 configurations tried, 8 are needed to say"
    assert few.experiments == tuple(e.id for e in tried)
    code = [replace(e, configuration=tried[0].configuration) for e in code]
    enough = find([*experiments(12, field_matters=False), *code], [], NOISE, 1, "exact")[-1]
    assert "in 12 configurations" in enough.statement
    assert len(enough.experiments) == 12


def test_a_principle_that_later_evidence_does_not_support_is_kept_as_not_confirmed() -> None:
    before = find(experiments(30, field_matters=True), [], NOISE, 3, "exact")
    after = find(experiments(60, field_matters=False), before, NOISE, 4, "exact")
    assert subjects(after, "not confirmed") == ["lr_S"]
    later = find(experiments(66, field_matters=False), after, NOISE, 5, "exact")
    assert subjects(later, "not confirmed") == ["lr_S"]


def test_a_night_of_looks_at_pure_noise_teaches_no_principle() -> None:
    def night(seed: int) -> bool:
        everything = experiments(60, field_matters=False, seed=seed)
        looks = (find(everything[: 6 * block], [], NOISE, block, "exact") for block in range(1, 11))
        return any(subjects(look, "established principle") != ["noise"] for look in looks)

    assert sum(night(seed) for seed in range(40)) <= 5  # 2 expected by the level


def patched(name: str, exact: float, verdict: Verdict, move: str | None = None, parent: str = "e0001") -> Experiment:
    return replace(scored(name, [exact], verdict=verdict), patch="a diff", move=move, parent=parent)


def test_better_code_does_not_speak_for_the_values_that_it_was_tried_with() -> None:
    rng = np.random.default_rng(0)

    def on(code: str, first: int, mean: float, low: float) -> list[Experiment]:
        made = []
        for number in range(first, first + 20):
            rate, exact = float(rng.uniform(low, low + 0.5)), mean + float(rng.normal(0, 0.01))
            made.append(replace(scored(f"e{number:04d}", [exact], configuration={"lr_S": rate}), parent=code))
        return made

    baseline = scored("e0001", [0.3], configuration={"lr_S": 0.1}, block=0)
    better = patched("e0022", 0.6, Verdict("accepted", "", "e0001", 0.3, (0.28, 0.32), 1e-6), "sign_tied")
    everything = [baseline, *on("e0001", 2, 0.3, 0.0), better, *on("e0022", 23, 0.6, 0.5)]
    assert "lr_S" not in subjects(find(everything, [], NOISE, 3, "exact"), "established principle")


def test_changes_of_code_are_principles_or_not_confirmed_by_name_with_their_figures() -> None:
    baseline = scored("e0001", [0.3], block=0, verdict=Verdict("accepted", ""))
    good = patched("e0002", 0.6, Verdict("accepted", "", "e0001", 0.3, (0.28, 0.32), 1e-6), "sign_tied")
    bad = patched("e0003", 0.2, Verdict("rejected", "", "e0002", -0.4), "role_start", parent="e0002")
    own = patched("e0004", 0.2, Verdict("rejected", "", "e0002", -0.4), parent="e0002")
    found = {f.subject: f for f in find([baseline, good, bad, own], [], NOISE, 1, "exact")}
    assert found["code: sign_tied"].kind == "established principle"
    assert found["code: sign_tied"].p_value == 1e-6
    assert "+0.3000 [+0.2800, +0.3200] against e0001 (e0002)" in found["code: sign_tied"].statement
    assert found["code: role_start"].kind == found["code: e0004 is better (e0004)"].kind == "not confirmed"


def test_a_subject_says_what_was_changed_and_a_dearer_trial_what_it_costs() -> None:
    baseline = scored("e0001", [0.3], block=0, verdict=Verdict("accepted", ""))
    change = patched("e0007", 0.2, Verdict("rejected", "", "e0001", -0.1))
    slow = replace(change, title="S = role x |c|", trials=(replace(change.trials[0], seconds=1.5),))
    finding = find([baseline, slow], [], NOISE, 1, "exact")[1]
    assert finding.subject == "code: S = role x |c| (e0007)"
    assert finding.statement == (
        "'S = role x |c|' is not confirmed to recover more (1 seed): exact -0.1000 against e0001 (e0007), "
        "at 1.50 times the time a trial"
    )


def test_an_accepted_configuration_is_a_principle_with_its_fields() -> None:
    baseline = scored("e0001", [0.3], configuration={"lr_S": 0.003}, block=0, verdict=Verdict("accepted", ""))
    better = scored("e0005", [0.7], verdict=Verdict("accepted", "", "e0001", 0.36, (0.3, 0.42), 0.0003))
    better = replace(better, title="faster S", changes={"lr_S": 0.03}, configuration={"lr_S": 0.03})
    finding = find([baseline, better], [], NOISE, 1, "exact")[1]
    assert (finding.kind, finding.subject) == ("established principle", "configuration: faster S (e0005)")
    assert (finding.effect, finding.p_value) == (0.36, 0.0003)
    assert finding.statement == (
        "lr_S 0.003 -> 0.03 recovers more: exact +0.3600 [+0.3000, +0.4200] against e0001 (e0005)"
    )


def test_a_field_with_some_evidence_is_an_open_question_and_the_formulation_is_not_doubted() -> None:
    rates = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 0.7]  # almost in the order of the scores
    some = [
        scored(f"e{n:04d}", [0.3 + n / 100], configuration={"lr_S": rate}, block=min(n - 1, 1))
        for n, rate in enumerate(rates, 1)
    ]
    found = find(some, [], NOISE, 100_000, "exact")  # a look whose level is low
    assert subjects(found, "open question") == ["lr_S"]
    assert "not established, as p = " in found[-1].statement


def test_a_change_that_was_overtaken_before_it_was_confirmed_is_an_open_question() -> None:
    """It led its parent; that another change, accepted meanwhile, leads by more says nothing against it."""
    baseline = scored("e0001", [0.3], block=0, verdict=Verdict("accepted", ""))
    winner = patched("e0002", 0.9, Verdict("accepted", "", "e0001", 0.6, (0.58, 0.62), 1e-6), "integer_columns")
    overtaken = patched("e0003", 0.5, Verdict("rejected", "", "e0002", -0.4), "sign_tied")
    found = {f.subject: f for f in find([baseline, winner, overtaken], [], NOISE, 1, "exact")}
    assert found["code: sign_tied"].kind == "open question"
    assert "+0.2000 against e0001 (e0003)" in found["code: sign_tied"].statement


def confirmed(name: str, effect: float, interval: tuple[float, float], seeds: int) -> Experiment:
    """An experiment that a confirmation against the baseline rejected, with scores on fresh seeds."""
    scores = {0: 0.32, **dict.fromkeys(confirm_seeds("e0001", seeds), 0.3 + effect)}
    verdict = Verdict("rejected", "", "e0001", effect, interval, 0.7)
    return replace(scored(name, scores, verdict=verdict), patch="a diff")


@pytest.mark.parametrize(
    ("change", "kind", "said"),
    [
        (patched("e0007", 0.29, Verdict("rejected", "", "e0001", -0.01)), "not confirmed", "(1 seed): exact -0.0100"),
        (patched("e0007", 0.1, Verdict("rejected", "", "e0001", -0.2)), "not confirmed", "(1 seed): exact -0.2000"),
        (patched("e0007", 0.3, Verdict("rejected", "", "e0001", 0.0)), "not confirmed", "(1 seed): exact +0.0000"),
        (confirmed("e0007", -0.01, (-0.03, 0.01), 4), "not confirmed", "(5 seeds): exact -0.0100"),
        (confirmed("e0007", 0.004, (-0.03, 0.04), 2), "not confirmed", "(3 seeds): exact +0.0040"),
        (confirmed("e0007", -0.05, (-0.09, -0.01), 4), "refuted hypothesis", "recovers less: exact -0.0500"),
    ],
)
def test_one_seed_refutes_nothing_and_a_confirmation_what_its_interval_excludes(
    change: Experiment, kind: str, said: str
) -> None:
    fresh = {0: 0.3, **dict.fromkeys(confirm_seeds("e0001", 16), 0.3)}
    baseline = scored("e0001", fresh, block=0, verdict=Verdict("accepted", ""))
    finding = find([baseline, change], [], NOISE, 1, "exact")[1]
    assert finding.kind == kind
    assert said in finding.statement


def test_a_change_that_helped_once_and_later_harmed_is_not_confirmed_by_both_experiments() -> None:
    baseline = scored("e0001", [0.3], block=0, verdict=Verdict("accepted", ""))
    good = patched("e0002", 0.6, Verdict("accepted", "", "e0001", 0.3, (0.28, 0.32), 1e-6), "sign_tied")
    later = patched("e0009", 0.2, Verdict("rejected", "", "e0002", -0.4), "sign_tied", parent="e0002")
    finding = find([baseline, good, later], [], NOISE, 2, "exact")[1]
    assert (finding.kind, finding.experiments) == ("not confirmed", ("e0002", "e0009"))
    assert "having been accepted once" in finding.statement


def test_fields_are_judged_where_every_experiment_was_seen() -> None:
    """In a campaign that climbs, few experiments reach the top, and those are a selection."""
    noise = {FIDELITY: Noise(0.01, 12), "full": Noise(0.02, 12)}
    found = find(experiments(30, field_matters=True), [], noise, 3, "exact")
    assert "lr_S" in subjects(found, "established principle")
    assert "0.0200 at full" in found[0].statement


@pytest.mark.parametrize("odd", [10**400, -(10**400), float("nan"), float("inf"), "a word"])
def test_a_value_that_no_statistics_can_take_is_compared_as_a_word(odd: object) -> None:
    """Ledgers of earlier versions may hold such values."""
    past = experiments(30, field_matters=True)
    past[5] = replace(past[5], configuration={**past[5].configuration, "width": odd})
    assert "lr_S" in subjects(find(past, [], NOISE, 3, "exact"), "established principle")
