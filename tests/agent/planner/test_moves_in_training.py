"""The moves of the project as applied: they train, and do what they say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from agent.analyzer.scoring.estimate import read_estimate
from agent.analyzer.scoring.score import score_artifact
from agent.executor.sandbox.environment import trial_environment
from agent.planner.move_catalogue import apply, move_names, read_move, read_moves, with_requirements
from simulator.dataset import Dataset, prepare
from simulator.kinetics import Floats
from simulator.regime import find_regime
from tests.warm import run_warm


def train_with(
    name: str, checkout: Path, dataset: Dataset, out: Path, steps: int = 5, configuration: str = "{}"
) -> subprocess.CompletedProcess[str]:
    apply(read_moves(with_requirements(name)), checkout)
    return train_in(checkout, dataset, out, steps, configuration)


def train_in(
    checkout: Path, dataset: Dataset, out: Path, steps: int = 5, configuration: str = "{}"
) -> subprocess.CompletedProcess[str]:
    (out / "config.json").write_text(configuration)
    data: list[str | Path] = ["--observations", dataset.observations_path, "--config", out / "config.json"]
    asked = [*data, "--out", out, "--seed", "0", "--steps", str(steps)]
    return run_warm("gnn.train", asked, checkout, trial_environment(), timeout=600)


@pytest.mark.parametrize("name", move_names())
def test_every_move_applies_to_the_code_of_today_and_trains(
    name: str, checkout: Path, tiny: Dataset, tmp_path: Path
) -> None:
    done = train_with(name, checkout, tiny, tmp_path)
    assert done.returncode == 0, done.stderr
    estimate = read_estimate(tmp_path / "estimate.npz", tiny.truth.graph)
    if name == "sign_tied":
        assert (estimate.sto_all[tiny.truth.graph.sub_to_all] < 0).all()


SMALL = [
    "least_squares_finish",
    "averaged_weights",
    "metabolite_scale",
    "balance_projection",
    "integer_annealing",
    "quiet_rates",
    "rich_functions",
    "one_cycle",
    "short_memory",
]
COLUMNS = ["fitted_columns", "early_columns"]


@pytest.mark.parametrize(
    "names",
    [["sign_tied", *SMALL, *COLUMNS], [*reversed(SMALL), *COLUMNS, "role_start"], [*COLUMNS, *SMALL, "sign_tied"]],
    ids=["tied first", "roles last", "tied last"],
)
def test_small_moves_apply_on_top_of_each_other_and_train(
    names: list[str], checkout: Path, tiny: Dataset, tmp_path: Path
) -> None:
    apply(read_moves(names), checkout)
    done = train_in(checkout, tiny, tmp_path)
    assert done.returncode == 0, done.stderr


def coefficients(
    name: str | None, checkout: Path, dataset: Dataset, folder: Path, configuration: str = "{}", steps: int = 40
) -> Floats:
    """Return the coefficients of a training, with a move on top of the checkout or without."""
    out = folder / (name or "without")
    out.mkdir()
    if name:
        done = train_with(name, checkout, dataset, out, steps, configuration)
    else:
        done = train_in(checkout, dataset, out, steps, configuration)
    assert done.returncode == 0, done.stderr
    return read_estimate(out / "estimate.npz", dataset.truth.graph).sto_all


@pytest.mark.parametrize("tied", [False, True], ids=["free", "tied"])
def test_columns_sum_to_zero_after_the_projection(tied: bool, checkout: Path, tiny: Dataset, tmp_path: Path) -> None:
    if tied:
        apply([read_move("sign_tied")], checkout)
    without = coefficients(None, checkout, tiny, tmp_path)
    projected = coefficients("balance_projection", checkout, tiny, tmp_path)
    reaction = tiny.truth.graph.rxn_all
    assert np.abs(np.bincount(reaction, without)).max() > 0.1
    # One Newton step is exact where coefficients are free numbers, and nearly so where they are not.
    assert np.abs(np.bincount(reaction, projected)).max() < (1e-4 if tied else 1e-5)


def test_nothing_is_projected_where_columns_need_not_balance(
    checkout: Path, unbalanced: Dataset, tmp_path: Path
) -> None:
    without = coefficients(None, checkout, unbalanced, tmp_path)
    np.testing.assert_array_equal(coefficients("balance_projection", checkout, unbalanced, tmp_path), without)


def test_averaged_weights_differ_from_the_last_and_are_the_last_where_the_memory_is_one_step(
    checkout: Path, tiny: Dataset, tmp_path: Path
) -> None:
    without = coefficients(None, checkout, tiny, tmp_path)
    averaged = coefficients("averaged_weights", checkout, tiny, tmp_path)
    assert np.abs(averaged - without).max() > 1e-3
    (tmp_path / "last").mkdir()
    last = coefficients(None, checkout, tiny, tmp_path / "last", '{"average_share": 0.0}')
    np.testing.assert_allclose(last, without, atol=1e-6)


def test_the_pull_to_integers_begins_after_its_share_of_training(checkout: Path, tiny: Dataset, tmp_path: Path) -> None:
    apply([read_move("integer_annealing")], checkout)
    found = {}
    for start, weight in [("0.9", "1e-2"), ("0.0", "1e-2"), ("0.0", "0.0")]:
        out = tmp_path / f"{start} {weight}"
        out.mkdir()
        configuration = f'{{"integer_start": {start}, "coeff_S_integer": {weight}}}'
        found[start, weight] = coefficients(None, checkout, tiny, out, configuration)
    late, early, never = found.values()
    assert 0 < np.abs(late - never).max() < 0.5 * np.abs(early - never).max()


def test_coefficients_of_metabolites_that_change_little_move_when_each_has_its_own_unit(
    checkout: Path, tiny: Dataset, tmp_path: Path
) -> None:
    truth = tiny.truth.graph
    with np.load(tiny.observations_path) as arrays:
        dcdt = arrays["dcdt"].reshape(-1, truth.n_metabolites)
    quiet = np.isin(truth.met_all, np.argsort(np.square(dcdt).mean(axis=0))[:5])
    without = coefficients(None, checkout, tiny, tmp_path)
    scaled = coefficients("metabolite_scale", checkout, tiny, tmp_path)
    assert np.abs(scaled - without)[quiet].max() > 1e-2


def test_least_squares_finish_moves_coefficients_less_the_more_they_are_damped(
    checkout: Path, tiny: Dataset, tmp_path: Path
) -> None:
    without = coefficients(None, checkout, tiny, tmp_path)
    finished = coefficients("least_squares_finish", checkout, tiny, tmp_path)
    (tmp_path / "damped").mkdir()
    damped = coefficients(None, checkout, tiny, tmp_path / "damped", '{"finish_ridge": 1e9}')
    assert np.abs(finished - without).max() > 1e-2
    np.testing.assert_allclose(damped, without, atol=1e-5)


def test_quiet_rates_start_a_decade_lower(checkout: Path, tiny: Dataset, tmp_path: Path) -> None:
    apply([read_move("quiet_rates")], checkout)
    started = []
    for quiet in ("0.0", "1.0"):
        (tmp_path / quiet).mkdir()
        assert train_in(checkout, tiny, tmp_path / quiet, 1, f'{{"quiet": {quiet}}}').returncode == 0
        started.append(read_estimate(tmp_path / quiet / "estimate.npz", tiny.truth.graph).log_k)
    np.testing.assert_allclose(started[1], started[0] - 1.0, atol=0.01)


def test_a_cycle_without_a_peak_learns_nothing(checkout: Path, tiny: Dataset, tmp_path: Path) -> None:
    apply([read_move("one_cycle")], checkout)
    found = []
    for steps in (1, 20):
        out = tmp_path / str(steps)
        out.mkdir()
        found.append(coefficients(None, checkout, tiny, out, '{"peak": 0.0}', steps))
    np.testing.assert_array_equal(found[0], found[1])


def test_fitted_columns_are_balanced_integers_in_one_unit_with_the_signs_of_their_roles(
    checkout: Path, tiny: Dataset, tmp_path: Path
) -> None:
    fitted = coefficients("fitted_columns", checkout, tiny, tmp_path)
    graph = tiny.truth.graph
    integers = fitted / np.abs(fitted).min()
    np.testing.assert_allclose(integers, np.rint(integers), atol=1e-5)
    assert (fitted * graph.role > 0).all()
    np.testing.assert_allclose(np.bincount(graph.rxn_all, fitted), 0.0, atol=1e-5)


@pytest.mark.parametrize("veiled", [(0.0, False)], indirect=True, ids=["signs"])
def test_columns_stay_real_where_roles_are_not_told(checkout: Path, veiled: Dataset, tmp_path: Path) -> None:
    without = coefficients(None, checkout, veiled, tmp_path)
    np.testing.assert_array_equal(coefficients("early_columns", checkout, veiled, tmp_path), without)


@pytest.mark.parametrize("tied", [False, True], ids=["free", "tied"])
def test_columns_held_early_are_those_handed_in(tied: bool, checkout: Path, tiny: Dataset, tmp_path: Path) -> None:
    moves = ["sign_tied"] if tied else []
    apply(read_moves([*moves, "fitted_columns", "early_columns"]), checkout)
    script = """
import sys, torch
from pathlib import Path
from gnn.config import resolve
from gnn.observations import read_observations
from gnn.train import Member, train
observations = read_observations(Path(sys.argv[1]), torch.device("cpu"))
[model] = train(observations, [Member(resolve({}), 0, Path(sys.argv[2]))], 40)
print(*model.sto_all.tolist())
"""
    done = subprocess.run(
        [sys.executable, "-c", script, tiny.observations_path, tmp_path],
        cwd=checkout,
        env=trial_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    held = np.array(done.stdout.split(), dtype=float)
    integers = held / np.abs(held).min()
    np.testing.assert_allclose(integers, np.rint(integers), atol=1e-3)


@pytest.mark.parametrize("veiled", [(0.0, False)], indirect=True, ids=["signs"])
def test_signs_are_not_tied_to_roles_that_are_not_told(checkout: Path, veiled: Dataset, tmp_path: Path) -> None:
    done = train_with("sign_tied", checkout, veiled, tmp_path)
    assert done.returncode != 0
    assert "signs cannot be tied to unknown roles" in done.stderr.splitlines()[-1]


@pytest.mark.long
@pytest.mark.parametrize(
    "veiled", [(0.0, False), (1.0, True), (1.0, False)], indirect=True, ids=["signs", "decoy", "open"]
)
def test_integer_columns_are_columns_that_the_regime_allows(checkout: Path, veiled: Dataset, tmp_path: Path) -> None:
    done = train_with("integer_columns", checkout, veiled, tmp_path)
    assert done.returncode == 0, done.stderr
    graph = veiled.truth.graph
    sto_all = read_estimate(tmp_path / "estimate.npz", graph).sto_all
    assert set(np.abs(sto_all)) <= {0.0, 1.0, 2.0}
    assert (sto_all * graph.role >= 0).all()
    for column in (sto_all[graph.rxn_all == reaction] for reaction in range(graph.n_reactions)):
        assert column.sum() == 0
        assert 1 <= (column < 0).sum() <= 3
        assert 1 <= (column > 0).sum() <= 3


@pytest.mark.long
def test_what_a_common_metabolite_hides_comes_back_where_columns_need_not_balance(
    checkout: Path, unbalanced: Dataset, tmp_path: Path
) -> None:
    done = train_with("integer_columns", checkout, unbalanced, tmp_path, steps=1500)
    assert done.returncode == 0, done.stderr
    assert score_artifact(tmp_path / "estimate.npz", unbalanced)["exact_identifiable"] == 1.0


@pytest.mark.long
def test_ones_do_not_come_back_as_twos_and_four_protons_are_found(checkout: Path, tmp_path: Path) -> None:
    regime = find_regime("ecoli_core")
    half = regime.trajectories.model_copy(update={"count": 16, "heldout": 2, "frames": 60})
    ecoli, _ = prepare(regime.model_copy(update={"trajectories": half}), tmp_path / "data")
    configuration = '{"few_frames": 160, "starts": 1, "patience": 0}'
    done = train_with("integer_columns", checkout, ecoli, tmp_path, steps=200, configuration=configuration)
    assert done.returncode == 0, done.stderr
    scores = score_artifact(tmp_path / "estimate.npz", ecoli)
    assert scores["exact_identifiable"] > 0.98
    found = read_estimate(tmp_path / "estimate.npz", ecoli.truth.graph).sto_all
    assert (found == -4).sum() == 2
