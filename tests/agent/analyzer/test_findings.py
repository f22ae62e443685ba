import numpy as np

from agent.analyzer.acceptance import Noise
from agent.analyzer.findings import MIN_EXPERIMENTS, find
from memory.records import Experiment, Finding
from tests.agent.experiments import FIDELITY, scored

NOISE = Noise(0.01, 12)


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
    found = find(experiments(30, field_matters=True), [], NOISE, FIDELITY, 3)
    assert subjects(found, "established principle") == ["noise", "lr_S"]
    principle = found[1]
    assert "higher lr_S recovers more" in principle.statement
    assert len(principle.experiments) == 30
    assert principle.p_value is not None
    assert principle.p_value < 0.001


def test_noise_teaches_no_principle() -> None:
    false = sum(
        subjects(find(experiments(30, field_matters=False, seed=seed), [], NOISE, FIDELITY, 3), "established principle")
        != ["noise"]
        for seed in range(100)
    )
    assert false <= 10  # 5 expected by the level, for all three fields together


def test_few_experiments_leave_the_question_open() -> None:
    found = find(experiments(MIN_EXPERIMENTS - 1, field_matters=True), [], NOISE, FIDELITY, 1)
    assert subjects(found, "open question") == ["fields"]


def test_a_principle_that_later_evidence_does_not_support_is_refuted_not_dropped() -> None:
    before = find(experiments(30, field_matters=True), [], NOISE, FIDELITY, 3)
    after = find(experiments(60, field_matters=False), before, NOISE, FIDELITY, 4)
    assert subjects(after, "refuted hypothesis") == ["lr_S"]
    later = find(experiments(66, field_matters=False), after, NOISE, FIDELITY, 5)
    assert subjects(later, "refuted hypothesis") == ["lr_S"]


def test_a_night_of_looks_at_pure_noise_teaches_no_principle() -> None:
    def night(seed: int) -> bool:
        everything = experiments(60, field_matters=False, seed=seed)
        looks = (find(everything[: 6 * block], [], NOISE, FIDELITY, block) for block in range(1, 11))
        return any(subjects(look, "established principle") != ["noise"] for look in looks)

    assert sum(night(seed) for seed in range(40)) <= 5  # 2 expected by the level


def test_a_field_that_a_patch_added_is_told_apart_from_its_absence() -> None:
    old = experiments(20, field_matters=False)
    new = [
        scored(f"e{100 + index}", [0.6], configuration={**old[0].configuration, "gate": "on"}) for index in range(20)
    ]
    found = find([*new, *old], [], NOISE, FIDELITY, 3)
    assert "gate" in subjects(found, "established principle")
