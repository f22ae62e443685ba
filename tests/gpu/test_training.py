"""Training on a GPU: what is recorded, which bits it gives, and what it does without memory."""

import gc
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch
from torch import Tensor

from gnn.config import Configuration
from gnn.loss import prediction_error
from gnn.model import MetabolismPropagation
from gnn.observations import Observations, read_observations
from gnn.train import Member, train, train_what_fits
from simulator.dataset import Dataset
from tests.gpu.conftest import ON_A_GPU

pytestmark = ON_A_GPU
STEPS = 40
KINDS_OF_MODEL = pytest.mark.parametrize(
    "config",
    [
        Configuration(),
        Configuration(gate="sigmoid", attention="edge", schedule="cosine"),
        Configuration(message="hypergraph", attention="edge"),
        Configuration(laws="own"),
    ],
    ids=["plain", "gated", "hypergraph", "own laws"],
)


@pytest.fixture(scope="module")
def observations(tiny: Dataset) -> Observations:
    return read_observations(tiny.observations_path, torch.device("cuda"))


def trained(
    observations: Observations, folder: Path, config: Configuration, seeds: range, steps: int = STEPS
) -> list[dict[str, Tensor]]:
    members = [Member(config, seed, folder / str(seed)) for seed in seeds]
    for member in members:
        member.out.mkdir(parents=True)
    models = train_what_fits(observations, members, steps)
    return [{name: value.cpu() for name, value in model.state_dict().items()} for model in models if model is not None]


@KINDS_OF_MODEL
@pytest.mark.parametrize("members", [1, 8])
def test_a_recorded_step_gives_the_bits_of_the_step_itself(
    members: int,
    config: Configuration,
    observations: Observations,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    recorded = trained(observations, tmp_path / "recorded", config, range(members))
    assert "without a recording" not in capsys.readouterr().out

    def refuse(*_: object) -> None:
        raise RuntimeError("not now")

    monkeypatch.setattr("gnn.recorded.record", refuse)
    plain = trained(observations, tmp_path / "plain", config, range(members))
    assert "without a recording: not now" in capsys.readouterr().out
    for one, other in zip(recorded, plain, strict=True):
        assert all(torch.equal(value, other[name]) for name, value in one.items())


def waits(predicted: Tensor) -> bool:
    return float(predicted.sum()) > 1e30


def fails_in_a_recording(predicted: Tensor) -> bool:
    if torch.cuda.is_current_stream_capturing():
        raise RuntimeError("not in a recording")
    return False


@pytest.mark.parametrize("decides", [waits, fails_in_a_recording])
def test_a_step_that_cannot_be_recorded_goes_on_and_the_next_training_is_recorded(
    decides: Callable[[Tensor], bool],
    observations: Observations,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    stream = torch.cuda.current_stream()

    def error(predicted: Tensor, dcdt: Tensor, scale: float) -> Tensor:
        return predicted.sum() if decides(predicted) else prediction_error(predicted, dcdt, scale)

    with monkeypatch.context() as patch:
        patch.setattr("gnn.train.prediction_error", error)
        (plain,) = trained(observations, tmp_path / "plain", Configuration(), range(1))
    assert "without a recording" in capsys.readouterr().out
    assert torch.cuda.current_stream() == stream
    (recorded,) = trained(observations, tmp_path / "recorded", Configuration(), range(1))
    assert "without a recording" not in capsys.readouterr().out
    assert all(torch.equal(value, plain[name]) for name, value in recorded.items())


@KINDS_OF_MODEL
@pytest.mark.parametrize("members", [1, 64])
def test_the_same_seeds_give_the_same_bits(
    members: int,
    config: Configuration,
    observations: Observations,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    first, second = (trained(observations, tmp_path / name, config, range(members)) for name in ("a", "b"))
    for one, other in zip(first, second, strict=True):
        assert all(torch.equal(value, other[name]) for name, value in one.items())
    assert len(first) == members
    assert "without a recording" not in capsys.readouterr().out


@KINDS_OF_MODEL
def test_a_member_is_the_same_in_any_company_and_on_a_cpu(
    config: Configuration, observations: Observations, tiny: Dataset, tmp_path: Path
) -> None:
    """Rounding differs, and Adam magnifies it: hence one step."""
    (alone,) = trained(observations, tmp_path / "alone", config, range(1), steps=1)
    in_company = trained(observations, tmp_path / "company", config, range(8), steps=1)[0]
    on_cpu = read_observations(tiny.observations_path, torch.device("cpu"))
    (there,) = trained(on_cpu, tmp_path / "cpu", config, range(1), steps=1)
    for name, value in alone.items():
        torch.testing.assert_close(in_company[name], value, atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(there[name], value, atol=1e-4, rtol=1e-4)


def test_a_batch_that_does_not_fit_is_halved(
    observations: Observations, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A step of one member takes about 2 MB."""
    trained(observations, tmp_path / "one", Configuration(), range(1), steps=8)
    gc.collect()
    torch.cuda.empty_cache()
    limit = torch.cuda.memory_reserved() + 400 * 2**20
    sizes = list[int]()

    def counted(
        observations: Observations, members: Sequence[Member], steps: int
    ) -> list[MetabolismPropagation | None]:
        sizes.append(len(members))
        return train(observations, members, steps)

    monkeypatch.setattr("gnn.train.train", counted)
    torch.cuda.set_per_process_memory_fraction(limit / torch.cuda.get_device_properties(0).total_memory)
    try:
        assert len(trained(observations, tmp_path / "many", Configuration(), range(512), steps=8)) == 512
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert sizes[0] == 512
    assert sizes[1] == 256
