import io
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agent.analyzer.scoring.estimate import EstimateError, read_estimate
from simulator.dataset import Dataset
from tests.agent.analyzer.scoring.estimates import arrays_of, true_estimate, write_estimate


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "estimate.npz"


def test_a_good_artifact_comes_back_as_it_was(tiny: Dataset, path: Path) -> None:
    estimate = true_estimate(tiny)
    write_estimate(estimate, path)
    for name, array in vars(read_estimate(path, tiny.truth.graph)).items():
        np.testing.assert_array_equal(array, getattr(estimate, name))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sto_all": None}, "must hold exactly the arrays"),
        ({"score": np.ones(1)}, "must hold exactly the arrays"),
        ({"sto_all": np.ones(3)}, "'sto_all' has shape"),
        ({"log_k": np.full(30, np.nan)}, "'log_k' holds values that are not finite"),
        ({"log_k": np.zeros(30, dtype=np.float32)}, "'log_k' has dtype float32"),
        ({"log_k": np.array([None] * 30, dtype=object)}, "cannot be read"),
        ({"log_k": np.full(30, 400.0)}, "'log_k' holds values so large"),
        ({"rate_func_h": np.zeros(4001)}, "strictly increasing"),
        ({"substrate_func": np.zeros((2, 2))}, "'substrate_func' has shape"),
    ],
)
def test_a_bad_artifact_is_refused_with_its_reason(
    tiny: Dataset, path: Path, changes: dict[str, Any], message: str
) -> None:
    write_estimate(true_estimate(tiny), path, **changes)
    with pytest.raises(EstimateError, match=message):
        read_estimate(path, tiny.truth.graph)


def confidence_arrays(edges: int, **changes: Any) -> dict[str, Any]:
    """The optional arrays of a trial that states how sure it is."""
    return {"probability": np.full(edges, 0.9), "runner_up": np.full(edges, 2.0), "price": np.ones(edges), **changes}


def test_a_trial_may_state_how_sure_it_is(tiny: Dataset, path: Path) -> None:
    write_estimate(true_estimate(tiny), path, **confidence_arrays(len(tiny.truth.sto_all)))
    confidence = read_estimate(path, tiny.truth.graph).confidence
    assert confidence is not None
    assert set(confidence.probability) == {0.9}
    assert set(confidence.runner_up) == {2.0}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"price": None}, "must hold exactly the arrays"),
        ({"probability": np.ones(3)}, "'probability' has shape"),
        ({"probability": lambda edges: np.full(edges, 1.1)}, "outside of 0 to 1"),
        ({"runner_up": lambda edges: np.full(edges, 1.5)}, "not integers"),
        ({"price": lambda edges: np.full(edges, np.inf)}, "not finite"),
    ],
)
def test_a_bad_statement_of_confidence_is_refused(
    tiny: Dataset, path: Path, changes: dict[str, Any], message: str
) -> None:
    edges = len(tiny.truth.sto_all)
    bad = {name: value(edges) if callable(value) else value for name, value in changes.items()}
    write_estimate(true_estimate(tiny), path, **confidence_arrays(edges, **bad))
    with pytest.raises(EstimateError, match=message):
        read_estimate(path, tiny.truth.graph)


def test_a_trial_may_state_what_the_network_lacks(tiny: Dataset, path: Path) -> None:
    lacking = np.zeros((31, 22))  # 30 reactions and the outside; 20 metabolites and 2 inputs
    lacking[4, 12] = 0.3
    write_estimate(true_estimate(tiny), path, **confidence_arrays(len(tiny.truth.sto_all)), lacking=lacking)
    np.testing.assert_array_equal(read_estimate(path, tiny.truth.graph).lacking, lacking)


@pytest.mark.parametrize(
    ("lacking", "message"),
    [
        (np.zeros((30, 20)), r"shape \(30, 20\), but must have \(31, at least 20\)"),
        (np.zeros((31, 19)), r"shape \(31, 19\), but must have \(31, at least 20\)"),
        (np.zeros(31), r"shape \(31,\), but must have"),
        (-np.ones((31, 20)), "negative values"),
    ],
)
def test_a_bad_statement_of_what_is_lacking_is_refused(
    tiny: Dataset, path: Path, lacking: np.ndarray[Any, Any], message: str
) -> None:
    write_estimate(true_estimate(tiny), path, **confidence_arrays(len(tiny.truth.sto_all)), lacking=lacking)
    with pytest.raises(EstimateError, match=message):
        read_estimate(path, tiny.truth.graph)


def test_a_trial_may_state_totals_that_do_not_change(tiny: Dataset, path: Path) -> None:
    conserved = np.eye(3, 20) + np.eye(3, 20, 1)
    arrays = confidence_arrays(len(tiny.truth.sto_all))
    for more in ({}, {"lacking": np.zeros((31, 20))}):
        write_estimate(true_estimate(tiny), path, **arrays, conserved=conserved, **more)
        np.testing.assert_array_equal(read_estimate(path, tiny.truth.graph).conserved, conserved)


@pytest.mark.parametrize(
    ("conserved", "message"),
    [
        (np.ones((2, 19)), r"shape \(2, 19\), but must have \(1 to 20, 20\)"),
        (np.ones((21, 20)), r"shape \(21, 20\), but must have"),
        (np.ones((0, 20)), r"shape \(0, 20\), but must have"),
        (np.ones(20), r"shape \(20,\), but must have"),
        (-np.ones((1, 20)), "negative weights"),
        (np.eye(2, 20) * [[1.0], [0.0]], "a total without members"),
    ],
)
def test_a_bad_statement_of_totals_is_refused(
    tiny: Dataset, path: Path, conserved: np.ndarray[Any, Any], message: str
) -> None:
    write_estimate(true_estimate(tiny), path, **confidence_arrays(len(tiny.truth.sto_all)), conserved=conserved)
    with pytest.raises(EstimateError, match=message):
        read_estimate(path, tiny.truth.graph)


def test_what_is_missing_truncated_or_a_link_is_refused(tiny: Dataset, path: Path) -> None:
    with pytest.raises(EstimateError, match="is missing"):
        read_estimate(path, tiny.truth.graph)
    good = path.with_name("good.npz")
    write_estimate(true_estimate(tiny), good)
    path.write_bytes(good.read_bytes()[:-100])
    with pytest.raises(EstimateError, match="cannot be read"):
        read_estimate(path, tiny.truth.graph)
    path.unlink()
    path.symlink_to(good)
    with pytest.raises(EstimateError, match="not a regular file"):
        read_estimate(path, tiny.truth.graph)


def test_a_bomb_is_refused_before_it_is_unpacked(tiny: Dataset, path: Path) -> None:
    estimate = true_estimate(tiny)
    np.savez_compressed(path, **{**arrays_of(estimate), "substrate_func": np.zeros((4000, 4000))})
    assert path.stat().st_size < 1_000_000
    with pytest.raises(EstimateError, match="unpacks to more than"):
        read_estimate(path, tiny.truth.graph)


@pytest.fixture(scope="module")
def compressed(tiny: Dataset) -> bytes:
    """The content of a good artifact, compressed."""
    content = io.BytesIO()
    np.savez_compressed(content, **arrays_of(true_estimate(tiny)))
    return content.getvalue()


@pytest.mark.parametrize("seed", range(20))
def test_no_damage_to_the_file_gets_past_the_door_as_another_error(
    tiny: Dataset, compressed: bytes, path: Path, seed: int
) -> None:
    rng, content = np.random.default_rng(seed), bytearray(compressed)
    for position in rng.integers(0, len(content), 30):
        content[position] = rng.integers(0, 256)
    path.write_bytes(content)
    with pytest.raises(EstimateError):
        read_estimate(path, tiny.truth.graph)


def test_a_header_that_claims_more_than_there_is_is_refused(tiny: Dataset, path: Path) -> None:
    write_estimate(true_estimate(tiny), path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["sto_all.npy"] = members["sto_all.npy"].replace(b"(94,), }         ", b"(9999999999999,), }", 1)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    with pytest.raises(EstimateError, match="cannot be read"):
        read_estimate(path, tiny.truth.graph)


@pytest.mark.parametrize("large", ["names", "comments", "locator"])
def test_a_directory_of_any_size_is_refused_before_it_is_read(tiny: Dataset, path: Path, large: str) -> None:
    write_estimate(true_estimate(tiny), path)
    with zipfile.ZipFile(path, "a") as archive:
        for number in range(2000 if large == "names" else 0):
            archive.writestr(f"{number}", b"")
        if large == "comments":
            archive.filelist[0].comment = b"a" * 2**15
            archive.comment = b"a"
    if large == "locator":
        content = path.read_bytes()
        path.write_bytes(content[:-22] + b"PK\x06\x07" + bytes(16) + content[-22:])
    start = time.monotonic()
    with pytest.raises(EstimateError, match=r"must hold exactly the arrays|does not end with its directory"):
        read_estimate(path, tiny.truth.graph)
    assert time.monotonic() - start < 1.0
