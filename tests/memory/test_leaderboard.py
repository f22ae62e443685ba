from memory.leaderboard import typical_trial
from tests.agent.experiments import FIDELITY, scored


def test_the_trial_that_speaks_for_an_experiment_is_the_one_nearest_to_the_mean() -> None:
    trial = typical_trial(scored("e0001", [0.2, 0.5, 0.6]), FIDELITY)
    assert trial is not None
    assert trial.scores["exact"] == 0.5
    assert typical_trial(scored("e0001"), FIDELITY) is None
