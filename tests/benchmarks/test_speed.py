import json

import pytest
import torch

from benchmarks.reference import Reference, by_batch, by_frame, operations
from benchmarks.speed import SpeedReport, speed
from gnn.observations import Observations, read_observations
from simulator.dataset import Dataset


@pytest.fixture
def observations(tiny: Dataset) -> Observations:
    return read_observations(tiny.observations_path, torch.device("cpu"))


def test_the_reference_says_the_same_of_one_frame_and_of_several(observations: Observations) -> None:
    model = Reference(observations)
    one = torch.stack([model(frame) for frame in observations.concentration[:, :5].T], dim=-1)
    torch.testing.assert_close(model(observations.concentration[:, :5]), one)


def test_the_reference_starts_where_it_can_learn_and_steps_over_its_frames(observations: Observations) -> None:
    torch.manual_seed(0)
    model = Reference(observations)
    with torch.no_grad():
        error = (model(observations.concentration) - observations.dcdt) / model.scale
    assert 0.1 < float(error.square().mean()) < 100.0
    assert by_frame(observations)(0) == 8
    assert by_batch(observations, 32)(0) == 32


def test_operations_are_those_of_the_matrices(observations: Observations) -> None:
    graph = observations.graph
    a_point = {"substrate": 2 * 32 + 32 * 32 + 32, "rate": 32 + 32 * 32 + 32}
    forward = 2 * (len(graph.met_sub) * a_point["substrate"] + graph.n_reactions * a_point["rate"] + len(graph.met_all))
    assert operations(observations) == 3 * forward


@pytest.mark.long
def test_the_report_has_every_rate(
    tiny: Dataset, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("benchmarks.speed.dataset_of", lambda workspace, name: tiny)
    monkeypatch.setattr("benchmarks.speed._WORK", 200)
    monkeypatch.setattr("benchmarks.speed._SQUARE", 256)
    monkeypatch.setattr("benchmarks.speed._STEPS", dict.fromkeys(("by frame", "by batch", "gnn.train"), 4))
    speed(rounds=1, largest=1)
    report = SpeedReport(**json.loads(capsys.readouterr().out))
    assert set(report.frames_a_second) == set(report.times_by_frame) == {"by frame", "by batch", "gnn.train"}
    assert report.times_by_frame["by frame"] == 1.0
    assert report.times_by_frame["by batch"] > 1.0
    assert [size.time_beyond_linear for size in report.sizes] == [1.0]
