from dataclasses import replace

from memory.leaderboard import codes_of, typical_trial
from tests.agent.experiments import FIDELITY, scored


def test_the_trial_that_speaks_for_an_experiment_is_the_one_nearest_to_the_mean() -> None:
    trial = typical_trial(scored("e0001", [0.2, 0.5, 0.6]), FIDELITY)
    assert trial is not None
    assert trial.scores["exact"] == 0.5
    assert typical_trial(scored("e0001"), FIDELITY) is None


def test_an_experiment_without_a_patch_runs_the_code_of_its_parent_even_where_that_is_left_out() -> None:
    first, second, third = (scored(f"e000{number}") for number in (2, 3, 4))
    patched = replace(first, patch="a patch")
    assert codes_of([patched, replace(second, parent="e0002")]) == {"e0002": "e0002", "e0003": "e0002"}
    assert codes_of([second]) == {"e0003": "e0001"}
    assert codes_of([second, replace(third, parent="e0003")]) == {"e0003": "e0001", "e0004": "e0001"}
