from dataclasses import replace

from benchmarks.sweeping import campaign_of
from memory.records import Experiment, Verdict, VerdictName
from tests.agent.experiments import FIDELITY, scored


def judged(name: str, score: float, verdict: VerdictName, number: int, **values: float) -> Experiment:
    configuration = {"lr_S": 0.003, **values}
    return replace(scored(name, [score], configuration=configuration), verdict=Verdict(verdict, "", number=number))


def test_a_campaign_is_the_score_of_its_incumbent_after_each_verdict() -> None:
    experiments = [
        judged("e0001", 0.3, "accepted", 1),
        judged("e0002", 0.9, "accepted", 4, lr_S=0.1),
        judged("e0003", 0.2, "rejected", 2),
        judged("e0004", 0.6, "accepted", 3, lr_S=0.01),
        scored("e0005"),
    ]
    found = campaign_of("night", 7, experiments, FIDELITY, goal=0.5)
    assert found.scores == (0.3, 0.6, 0.9)
    assert found.reached_after == 2
    assert found.changes == {"lr_S": 0.1}
    assert found.trials == 4
    assert campaign_of("night", 7, experiments, FIDELITY, goal=0.95).reached_after is None
