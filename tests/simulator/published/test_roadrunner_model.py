from pathlib import Path

import numpy as np
import pytest

from simulator.published.import_published import Request, import_published
from simulator.published.published_model import read_published
from simulator.published.roadrunner_model import FailedRunError, RoadRunnerModel
from stoichloop.errors import RegimeError
from tests.simulator.published.kinetic_models import Model

pytest.importorskip("roadrunner")

TIMES = np.linspace(0.0, 4.0, 401)


def loaded(tmp_path: Path, model: Model) -> RoadRunnerModel:
    path = model.write(tmp_path / "model.xml")
    return RoadRunnerModel(path, read_published(path))


def test_in_a_volume_that_changes_amounts_are_balanced(tmp_path: Path) -> None:
    """A decays by its concentration in a cell that grows: dn/dt = -k n / V, with V = exp(t / 2)."""
    model = loaded(
        tmp_path, Model({"decay": ("A ->", "0.3 * A")}, {"A": 2.0}, parameters={}, rules={"cell": "exp(time / 2)"})
    )
    course, rates = model.run(model.initial(), TIMES)
    np.testing.assert_allclose(course.inputs[:, 0], np.exp(TIMES / 2), rtol=1e-9)
    np.testing.assert_allclose(course.concentration[:, 0], 2.0 * np.exp(-0.6 * (1.0 - np.exp(-TIMES / 2))), rtol=1e-7)
    np.testing.assert_allclose(course.dcdt[:, 0], -rates[:, 0], rtol=1e-7)


def test_a_volume_that_is_computed_at_the_start_is_taken_for_what_it_is(tmp_path: Path) -> None:
    model = loaded(tmp_path, Model({"out": ("A ->", "2.5 * A")}, {"A": 2.0}, starts={"cell": "2 + 0.5"}))
    course, rates = model.run(model.initial(), TIMES)
    np.testing.assert_allclose(course.dcdt[:, 0], -rates[:, 0], rtol=1e-7)
    np.testing.assert_allclose(course.concentration[:, 0], 5.0 * np.exp(-TIMES), rtol=1e-7)


def test_tiny_amounts_are_integrated_as_well_as_large_ones(tmp_path: Path) -> None:
    model = loaded(tmp_path, Model({"decay": ("A ->", "1e-13 * A")}, {"A": 2e-3}, rules={"cell": "1e-13"}))
    course, _ = model.run(model.initial(), TIMES)
    np.testing.assert_allclose(course.concentration[:, 0], 2e-16 * np.exp(-TIMES), rtol=1e-7)


def test_what_is_absent_stays_absent(tmp_path: Path) -> None:
    """Rounding makes a species that nothing feeds now positive, now negative."""
    model = loaded(
        tmp_path, Model({"on": ("A <-> B", "A - 0.5 * B"), "decay": ("C ->", "C")}, {"A": 0.0, "B": 0.0, "C": 2.0})
    )
    course, _ = model.run(np.array([-1e-25, 0.0, 2.0]), TIMES)
    assert (course.concentration > 0).all()
    assert course.concentration[:, :2].max() < 1e-13


def test_a_model_in_which_something_turns_negative_is_followed_until_then(tmp_path: Path) -> None:
    model = Model({"pump": ("A -> B", "0.25"), "decay": ("B ->", "20 * B")}, {"A": 1.0, "B": 0.0})
    runner = loaded(tmp_path, model)
    with pytest.raises(FailedRunError, match=r"A is negative after 4\.01 time units"):
        runner.run(runner.initial(), np.linspace(0.0, 5.0, 501))
    data, _ = import_published(tmp_path / "model.xml", Request(4, 20, 0.0), tmp_path / "data")
    assert 0.1 < data.observed[0].time[-1] <= 1.0


def test_a_model_that_is_negative_from_the_start_is_refused_by_name(tmp_path: Path) -> None:
    path = Model({"pump": ("A -> B", "1")}, {"A": 0.0, "B": 0.0}).write(tmp_path / "model.xml")
    with pytest.raises(RegimeError, match=r"own start \(A is negative after 1e-06 time units\)"):
        import_published(path, Request(4, 20, 0.0), tmp_path / "data")


def test_failed_steps_of_the_integrator_are_reported_once(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    runner = loaded(tmp_path, Model({"burst": ("A -> 2 A", "A^3")}, {"A": 2.0}))
    with pytest.raises(FailedRunError, match="CVODE"):
        runner.run(runner.initial(), TIMES)
    assert capfd.readouterr().err == ""
