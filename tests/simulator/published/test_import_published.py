from pathlib import Path

import numpy as np
import pytest

from simulator.dataset import Dataset, prepare
from simulator.kinetics.recorded_rates import RecordedRates
from simulator.measured_regime import read_known
from simulator.published.import_published import Request, import_published
from simulator.regime import Regime
from stoichloop.errors import RegimeError
from tests.simulator.published.kinetic_models import Model

pytest.importorskip("roadrunner")

MODEL = Model(
    {
        "dimer": ("2 A <-> B", "3 * A^2 - B"),
        "import": ("B -> C", "0.5 * B * epo"),
        "split": ("C -> 2 A", "0.2 * C / (1 + B)"),
        "feed": ("-> A", "0.1"),
        "out": ("A ->", "0.1 * A"),
    },
    {"A": 2.0, "B": 0.0, "C": 0.5},
    parameters={"epo": 0.0},
    rules={"epo": "exp(-0.1 * time)"},
    nucleus=["C"],
)
REQUEST = Request(trajectories=8, samples=60, noise=0.01)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("own")
    MODEL.write(folder / "stat.xml")
    return folder


@pytest.fixture(scope="module")
def data(folder: Path) -> Dataset:
    return import_published(folder / "stat.xml", REQUEST, folder / "data")[0]


def test_it_is_a_regime_with_a_truth_under_its_own_name(folder: Path, data: Dataset) -> None:
    regime = read_known(folder / "data" / "stat_own.yaml")
    assert isinstance(regime, Regime)
    verified, generated = prepare(regime, folder / "data")
    assert not generated
    assert regime.constraints.primitive
    assert not regime.constraints.mass_balanced
    matrix = verified.graph.matrix(verified.truth.sto_all)
    assert matrix[:, regime.reaction_names.index("dimer")].tolist() == [-2, 1, 0]
    assert verified.facts.identifiable_edges == verified.facts.edges == 8


def test_dcdt_is_s_times_the_recorded_rates_over_the_volumes(data: Dataset) -> None:
    """The integral of what was recorded, by the trapezium rule, is the change of what was recorded."""
    law = data.truth.law
    assert isinstance(law, RecordedRates)
    assert data.stated.volume.tolist() == [1.0, 1.0, 0.4]
    matrix = data.graph.matrix(data.truth.sto_all)
    for rates, course in zip(law.recorded, data.observed, strict=True):
        change = rates @ matrix.T / data.stated.volume
        areas = (change[1:] + change[:-1]) / 2 * np.diff(course.time)[:, None]
        moved = np.ptp(course.concentration, axis=0)
        assert (np.abs(areas.sum(axis=0) - (course.concentration[-1] - course.concentration[0])) < 0.1 * moved).all()
    heldout = data.heldout[0]
    assert heldout.dcdt.shape == heldout.concentration.shape


def test_the_input_is_given_over_time_and_the_law_is_not(data: Dataset) -> None:
    course = data.observed[0]
    np.testing.assert_allclose(course.inputs[:, 0], np.exp(-0.1 * course.time), rtol=1e-6)
    with np.load(data.observations_path, allow_pickle=False) as arrays:
        assert not {"dcdt", "recorded", "log_k"} & set(arrays)
        assert arrays["reversible"].sum() == 1


def test_samples_are_dense_where_concentrations_curve_and_starts_vary(data: Dataset) -> None:
    starts = np.stack([course.concentration[0] for course in data.observed])
    assert (np.ptp(np.log(starts), axis=0) > 0.5).all()
    assert (starts > 0).all()
    steps = np.diff(data.heldout[0].time)
    assert steps.max() > 3 * steps.min()
    assert steps[0] < np.median(steps)


def test_noise_is_a_share_of_each_reading(folder: Path, data: Dataset) -> None:
    exact, _ = import_published(folder / "stat.xml", Request(8, 60, 0.0), folder / "exact")
    ratio = np.concatenate(
        [a.concentration / b.concentration for a, b in zip(data.observed, exact.observed, strict=True)]
    )
    np.testing.assert_allclose(np.log(ratio).std(axis=0), 0.01, rtol=0.2)


def test_other_samples_under_the_same_name_are_refused(folder: Path, data: Dataset) -> None:
    with pytest.raises(RegimeError, match="with other samples; rename the file"):
        import_published(folder / "stat.xml", Request(trajectories=9), folder / "data")


def test_data_that_are_lost_are_not_made_without_the_model(data: Dataset, tmp_path: Path) -> None:
    with pytest.raises(RegimeError, match="--kinetics own' again"):
        prepare(data.regime, tmp_path)


def test_it_has_no_siblings(data: Dataset) -> None:
    with pytest.raises(RegimeError, match="has no sibling 1"):
        data.regime.sibling(1)
