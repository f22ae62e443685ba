"""Members that are trained together give the same results as each alone."""

import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
import torch

from gnn.adam import Adam
from gnn.config import Configuration
from gnn.members import Members
from gnn.model import MetabolismPropagation
from gnn.observations import Observations, read_observations
from gnn.train import Member, train
from simulator.dataset import Dataset

CONFIGURATIONS = [
    Configuration(),
    Configuration(lr_S=0.02, coeff_mass=0.01, init_scale_S=0.1),
    Configuration(schedule="cosine", lr_func=0.01),
]
KINDS_OF_MODEL = pytest.mark.parametrize(
    "more",
    [
        {},
        {"gate": "sigmoid", "attention": "edge", "message_activation": "gelu"},
        {"activation": "silu"},
        {"message": "hypergraph", "attention": "edge"},
    ],
)


@pytest.fixture
def observations(tiny: Dataset) -> Iterator[Observations]:
    """Return observations in double precision, so that Adam does not magnify rounding to a difference."""
    torch.set_default_dtype(torch.float64)
    found = read_observations(tiny.observations_path, torch.device("cpu"))
    yield replace(found, concentration=found.concentration.double(), dcdt=found.dcdt.double())
    torch.set_default_dtype(torch.float32)


def members(folder: Path, configurations: list[Configuration]) -> list[Member]:
    made = [Member(config, seed, folder / str(seed)) for seed, config in enumerate(configurations)]
    for member in made:
        member.out.mkdir(parents=True)
    return made


@KINDS_OF_MODEL
def test_a_member_is_the_same_with_the_sums_of_a_gpu(
    more: dict[str, str], observations: Observations, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configurations = [replace(config, **more) for config in CONFIGURATIONS]  # type: ignore[arg-type]  # as declared
    as_here = train(observations, members(tmp_path / "here", configurations), 12)
    monkeypatch.setattr("gnn.sums._in_order", lambda values: False)
    as_there = train(observations, members(tmp_path / "there", configurations), 12)
    for one, other in zip(as_here, as_there, strict=True):
        assert one is not None
        assert other is not None
        for name, value in one.state_dict().items():
            torch.testing.assert_close(other.state_dict()[name], value, atol=1e-10, rtol=0)


@KINDS_OF_MODEL
def test_a_member_is_the_same_together_and_alone(
    more: dict[str, str], observations: Observations, tmp_path: Path
) -> None:
    configurations = [replace(config, **more) for config in CONFIGURATIONS]  # type: ignore[arg-type]  # as declared
    together = train(observations, members(tmp_path / "together", configurations), 12)
    alone = [train(observations, [member], 12)[0] for member in members(tmp_path / "alone", configurations)]
    for one, other in zip(together, alone, strict=True):
        assert one is not None
        assert other is not None
        for name, value in other.state_dict().items():
            torch.testing.assert_close(one.state_dict()[name], value, atol=1e-10, rtol=1e-10)
    curves = [(tmp_path / kind / "1" / "curves.jsonl").read_text() for kind in ("together", "alone")]
    first, second = ([json.loads(line)["loss"] for line in curve.splitlines()] for curve in curves)
    assert first == pytest.approx(second, rel=1e-10)


def test_a_member_whose_loss_is_not_finite_harms_no_other(
    observations: Observations, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configurations = [CONFIGURATIONS[0], Configuration(lr_S=1e300), CONFIGURATIONS[1]]
    sound, lost, other = train(observations, members(tmp_path / "a", configurations), 60)
    assert lost is None
    assert "1: the loss became infinite or not a number at step" in capsys.readouterr().err
    alone = train(observations, members(tmp_path / "b", configurations)[:1], 60)[0]
    assert sound is not None
    assert other is not None
    assert alone is not None
    torch.testing.assert_close(sound.sto_all, alone.sto_all, atol=1e-10, rtol=1e-10)
    assert torch.isfinite(other.sto_all).all()


def test_models_with_different_plain_values_are_not_trained_together(observations: Observations) -> None:
    models = [MetabolismPropagation(observations, Configuration(gate=gate)) for gate in ("none", "none")]
    vars(models[1])["temperature"] = 2.0
    with pytest.raises(RuntimeError, match="differs between members"):
        Members(models)


def test_a_branch_on_a_value_runs_for_one_member_and_is_refused_for_several(observations: Observations) -> None:
    def branches(model: MetabolismPropagation) -> torch.Tensor:
        return model.sto_all.sum() if model.log_k.sum() < 0 else model.log_k.sum()

    models = [MetabolismPropagation(observations, Configuration()) for _ in range(2)]
    assert Members(models[:1]).each(branches).shape == (1,)
    with pytest.raises(RuntimeError, match="vmap"):
        Members(models).each(branches)


def test_a_model_shares_its_memory_with_the_stack(observations: Observations) -> None:
    models = [MetabolismPropagation(observations, Configuration()) for _ in range(2)]
    together = Members(models)
    with torch.no_grad():
        together.parameters["log_k"][1] += 5.0
    torch.testing.assert_close(models[1].log_k, models[0].log_k + 5.0)


def test_adam_is_that_of_torch_with_separate_rates_for_each_member() -> None:
    shapes, factors = [(2, 5), (2, 3, 4), (2,)], [1.0, 0.5, 0.25]
    rates = [[0.1, 0.01], [0.02, 0.2], [0.3, 0.03]]
    start = [torch.randn(shape) for shape in shapes]
    gradients = [[torch.randn(shape) for shape in shapes] for _ in factors]
    ours = [parameter.clone().requires_grad_() for parameter in start]
    adam = Adam(ours, [torch.tensor(rate) for rate in rates])
    for gradient, factor in zip(gradients, factors, strict=True):
        adam.step(tuple(gradient), torch.full((2,), factor))
    for place, member in product(range(len(shapes)), range(2)):
        theirs = start[place][member].clone().requires_grad_()
        reference = torch.optim.Adam([theirs], lr=rates[place][member])
        for gradient, factor in zip(gradients, factors, strict=True):
            reference.param_groups[0]["lr"] = rates[place][member] * factor
            theirs.grad = gradient[place][member]
            reference.step()
        torch.testing.assert_close(ours[place][member], theirs)
