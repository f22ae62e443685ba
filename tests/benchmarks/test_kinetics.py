from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from agent.executor.workspace import find_workspace
from benchmarks.answers import derivative, ones, oracle, oracle_integral
from benchmarks.best_recipe import best_recipe
from benchmarks.kinetic_tables import compared_tables
from benchmarks.kinetics import TINY, compared
from benchmarks.mass_action import mass_action
from benchmarks.sindy import sindy_integral
from simulator.dataset import Dataset, prepare
from simulator.integration import Trajectory
from simulator.law_mixture import LawMixture
from simulator.regime import Regime, find_regime
from tests.conftest import ROOT


def regime_of(name: str, **kinetics: object) -> Regime:
    """Return a tiny regime with few trajectories and changed kinetics."""
    regime = find_regime(name)
    few = regime.trajectories.model_copy(update={"count": 6, "heldout": 1, "frames": 40})
    return regime.model_copy(update={"trajectories": few, "kinetics": regime.kinetics.model_copy(update=kinetics)})


@pytest.fixture(scope="module")
def saturated(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return prepare(regime_of("mm_tiny"), tmp_path_factory.mktemp("data"))[0]


def test_mass_action_is_solved_by_a_search_that_assumes_it(tmp_path: Path) -> None:
    data, _ = prepare(regime_of("mm_tiny", laws={"mass_action": 1.0, "reversible_mass_action": 1.0}), tmp_path)
    assert mass_action(data)["exact_identifiable"] == 1.0


def test_mass_action_is_found_by_sparse_regression_without_derivatives(tmp_path: Path) -> None:
    pytest.importorskip("pysindy")
    data, _ = prepare(regime_of("mm_tiny", laws={"mass_action": 1.0, "reversible_mass_action": 1.0}), tmp_path)
    assert sindy_integral(data)["exact_identifiable"] > ones(data)["exact_identifiable"]


def test_all_methods_are_compared(saturated: Dataset) -> None:
    with best_recipe(find_workspace(ROOT), 0) as recipe:
        found = compared(saturated, recipe)
    assert found.best_recipe == []
    right = {name: result.right_identifiable for name, result in found.methods.items()}
    assert right["oracle"] == right["oracle_integral"] == found.identifiable == found.edges
    assert right["mass_action"] < found.edges
    assert right["ones"] < found.edges


def test_the_oracle_is_given_inputs_regulators_and_volumes(tmp_path: Path) -> None:
    regime = regime_of("mixed_tiny")
    exact = regime.observation.model_copy(update={"concentration_noise": 0.0, "dcdt_given": True})
    data, _ = prepare(regime.model_copy(update={"observation": exact}), tmp_path)
    assert oracle(data)["exact_identifiable"] == 1.0
    assert oracle_integral(data)["exact_identifiable"] > 0.95


def test_tables_with_known_integers_are_compared_and_others_skipped(tmp_path: Path) -> None:
    (tmp_path / "decay.yaml").write_text("reactions:\n  r: A -> B\n")
    (tmp_path / "decay.truth.json").write_text('{"r": {"A": -2, "B": 4}}')
    times = np.arange(0, 3, 0.2)
    rows = [f"{run},{t},{run * np.exp(-t)},{5 - 2 * run * np.exp(-t)}" for run in (1, 2) for t in times]
    (tmp_path / "decay_n0.csv").write_text("\n".join(["trajectory,time,A,B", *rows]) + "\n")
    (tmp_path / "decay_raw.csv").write_text("A,B\n1,2\n")
    with best_recipe(find_workspace(ROOT), 1) as recipe:
        compared, skipped = compared_tables(tmp_path, recipe)
    right = {"ones": 1, "mass_action": 2} | ({"sindy_integral": 2} if find_spec("pysindy") else {})
    assert (compared.table, compared.edges, compared.right) == ("decay_n0", 2, right)
    (answer,) = compared.best_recipe
    assert (answer.seed, answer.right, answer.contested) == (0, 2, 0)  # 2 A + B is constant: there is no alternative
    assert answer.sure_right <= min(answer.sure, answer.right)
    assert skipped.skipped is not None


def test_a_derivative_on_uneven_times_is_that_of_a_spline() -> None:
    time = np.geomspace(1.0, 3.0, 30)
    unknown = np.full((30, 1), np.nan)
    slope = derivative(Trajectory(time, np.sin(time)[:, None], unknown, np.zeros((30, 0))))
    np.testing.assert_allclose(slope[2:-2, 0], np.cos(time)[2:-2], atol=0.01)


def test_the_regimes_of_the_default_have_a_law_for_each_reaction() -> None:
    assert all(isinstance(find_regime(name).kinetics, LawMixture) for name in TINY)
