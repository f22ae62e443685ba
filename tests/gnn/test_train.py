import json
from pathlib import Path

import numpy as np
import pytest
import torch

from gnn.config import Configuration
from gnn.loss import PENALTIES
from gnn.observations import read_observations
from gnn.train import Member, learning_rate_factor, mini_batches
from gnn.train import train as fit
from simulator.dataset import Dataset
from tests.conftest import train


@pytest.mark.parametrize("config", ["{}", '{"message": "hypergraph"}'])
def test_the_same_seed_gives_the_same_bits_and_another_seed_others(config: str, tiny: Dataset, tmp_path: Path) -> None:
    for name, seed in {"a": 3, "b": 3, "c": 4}.items():
        assert train(tiny, tmp_path / name, seed=seed, config=config).returncode == 0
    a, b, c = (np.load(tmp_path / name / "estimate.npz") for name in "abc")
    for array in a:
        np.testing.assert_array_equal(a[array], b[array])
    assert not np.array_equal(a["sto_all"], c["sto_all"])
    assert (tmp_path / "a" / "curves.jsonl").read_bytes() == (tmp_path / "b" / "curves.jsonl").read_bytes()


def test_training_lowers_the_prediction_loss(tiny: Dataset, tmp_path: Path) -> None:
    assert train(tiny, tmp_path / "out", steps=150).returncode == 0
    points = [json.loads(line) for line in (tmp_path / "out" / "curves.jsonl").read_text().splitlines()]
    assert points[-1]["step"] == 150
    assert points[-1]["loss_pred"] < 0.8 * points[0]["loss_pred"]
    assert points[-1]["penalties"].keys() == PENALTIES.keys()
    assert sum(points[-1]["penalties"].values()) == pytest.approx(points[-1]["loss"] - points[-1]["loss_pred"], rel=0.1)


def test_training_lowers_the_prediction_loss_with_decoys_and_unknown_roles(veiled: Dataset, tmp_path: Path) -> None:
    observations = read_observations(veiled.observations_path, torch.device("cpu"))
    fit(observations, [Member(Configuration(), 0, tmp_path)], 150)
    points = [json.loads(line) for line in (tmp_path / "curves.jsonl").read_text().splitlines()]
    assert points[-1]["loss_pred"] < 0.8 * points[0]["loss_pred"]


def test_a_loss_that_is_not_finite_stops_the_trial_and_is_reported(tiny: Dataset, tmp_path: Path) -> None:
    done = train(tiny, tmp_path / "out", steps=100_000, config='{"lr_S": 1e30}')
    assert done.returncode == 3
    assert "the loss became" in done.stderr
    assert not (tmp_path / "out" / "estimate.npz").exists()


def test_a_wrong_key_is_refused(tiny: Dataset, tmp_path: Path) -> None:
    done = train(tiny, tmp_path / "out", config='{"lr_s": 1}')
    assert done.returncode != 0
    assert "key 'lr_s'" in done.stderr


@pytest.mark.parametrize(
    ("schedule", "middle", "end"), [("constant", 1.0, 1.0), ("cosine", 0.5, 0.0), ("linear", 0.5, 0.0)]
)
def test_schedules(schedule: str, middle: float, end: float) -> None:
    factors = [learning_rate_factor(Configuration(schedule=schedule), progress) for progress in (0.0, 0.5, 1.0)]
    assert factors == pytest.approx([1.0, middle, end])


def test_an_epoch_of_mini_batches_shows_every_frame_once() -> None:
    generators = [torch.Generator().manual_seed(seed) for seed in (0, 1)]
    batches = mini_batches(12, 4, generators, torch.device("cpu"))
    epochs = [torch.cat([next(batches) for _ in range(3)], dim=1).tolist() for _ in range(2)]
    orders = [order for epoch in epochs for order in epoch]
    assert all(sorted(order) == list(range(12)) for order in orders)
    assert len({tuple(order) for order in orders}) == 4


def test_a_batch_larger_than_the_data_is_all_of_the_data() -> None:
    assert next(mini_batches(5, 128, [torch.Generator()], torch.device("cpu"))).shape == (1, 5)
