"""A law for each reaction, on a network with exchange, a reversible reaction, a regulator and an input.

r0: A -> B      r1: A + B <-> C      r2: C -> | B      r3: -> A | U
"""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from agent.analyzer.scoring.estimate import read_estimate
from gnn.config import Configuration
from gnn.estimate import write_estimate
from gnn.model import MetabolismPropagation
from gnn.observations import Constraints, Graph, Observations, RateStructure
from gnn.rate_laws import RateLaws
from gnn.train import Member, train
from simulator.network import Graph as ShownGraph

A, B, C, U = range(4)
MET_ALL, RXN_ALL, ROLE = [A, B, A, B, C, C, A], [0, 0, 1, 1, 1, 2, 3], [-1, 1, -1, -1, 1, -1, 1]
S = [[-1.0, -1.0, 0.0, 1.0], [1.0, -1.0, 0.0, 0.0], [0.0, 1.0, -1.0, 0.0]]
VOLUME = [1.0, 1.0, 0.5]
FRAMES = 400


def true_rates(c: Tensor) -> Tensor:
    """Return rates of mass action, but that r0 saturates, r1 is reversible, B inhibits r2 and U drives r3."""
    a, b, made, u = c
    return torch.stack([a / (1.0 + a), 0.8 * a * b - 0.4 * made, made / (1.0 + b), 0.5 * u])


@pytest.fixture
def observations() -> Observations:
    torch.manual_seed(0)
    species = torch.exp(torch.randn(4, FRAMES))
    met_all, rxn_all, role = torch.tensor(MET_ALL), torch.tensor(RXN_ALL), torch.tensor(ROLE, dtype=torch.int8)
    sub_to_all = torch.nonzero(role < 0)[:, 0]
    graph = Graph(3, 4, met_all[sub_to_all], rxn_all[sub_to_all], met_all, rxn_all, sub_to_all, role)
    stated = {
        "reversible": np.array([False, True, False, False]),
        "met_reg": np.array([B, U]),
        "rxn_reg": np.array([2, 3]),
        "volume": np.array(VOLUME),
        "inputs": species[U].view(1, -1, 1).numpy(),
    }
    dcdt = torch.tensor(S) @ true_rates(species) / torch.tensor(VOLUME).unsqueeze(1)
    structure = RateStructure.read(stated, graph, FRAMES)
    constraints = Constraints((1, 2), False, 2, 1, False)
    return Observations(graph, constraints, torch.arange(float(FRAMES)).view(1, -1), species[:U], dcdt, structure)


@pytest.fixture
def laws(observations: Observations) -> RateLaws:
    torch.manual_seed(0)
    return RateLaws(observations, width=16, depth=2, activation="tanh")


def rates_of(laws: RateLaws, species: Tensor) -> Tensor:
    rate: Tensor = laws(species, torch.ones(4)).detach()
    return rate


def bent(laws: RateLaws) -> RateLaws:
    """Give the learned factors other values than 1."""
    for parameter in laws.factor_func.parameters():
        parameter.data = torch.randn_like(parameter)
    return laws


def test_training_starts_at_mass_action(laws: RateLaws, observations: Observations) -> None:
    a, b, c, _ = species = observations.species
    rate = rates_of(laws, species)
    for found, expected in ((rate[0], a), (rate[2], c), (rate[3], torch.ones_like(a))):
        ratio = found / expected
        torch.testing.assert_close(ratio, ratio[0].expand_as(ratio), rtol=0.03, atol=0.0)  # the floor bends it a little
    forth, back = a * b, c
    shape = torch.stack([forth, back], dim=1)
    found = torch.linalg.lstsq(shape, rate[1].unsqueeze(1)).solution[:, 0]
    assert found[0] > 0 > found[1]
    torch.testing.assert_close(shape @ found, rate[1], atol=0.03 * float(rate[1].abs().max()), rtol=0.0)


def test_a_rate_depends_on_its_participants_alone(laws: RateLaws, observations: Observations) -> None:
    species = observations.species[:, :5]
    before = rates_of(bent(laws), species)
    depends = []
    for changed in range(4):
        other = species.clone()
        other[changed, 0] = 1.5 * species[changed].max()  # outside, so that the range of the row grows
        depends.append((rates_of(laws, other)[:, 0] - before[:, 0]).abs() > 1e-4)
    by_reaction = torch.stack(depends).T.tolist()
    assert by_reaction == [
        [True, False, False, False],
        [True, True, True, False],
        [False, True, True, False],
        [False, False, False, True],
    ]


def test_a_reversible_reaction_rests_at_equilibrium_and_runs_back_beyond(
    laws: RateLaws, observations: Observations
) -> None:
    bent(laws).log_equilibrium.data[1] = 0.7
    x = (observations.species + laws.floor).log() - laws.centre
    gap = x[C] - x[A] - x[B] - 0.7
    rate = rates_of(laws, observations.species)[1]
    np.testing.assert_array_equal(torch.sign(rate), -torch.sign(gap))


def test_an_absent_substrate_does_not_scale_the_rate(laws: RateLaws, observations: Observations) -> None:
    rate = bent(laws)(observations.species, torch.tensor([0.0, 1.0, 1.0, 1.0])).detach()
    assert float(rate[0].std()) == 0.0


def test_gradients_are_those_of_the_sum(observations: Observations) -> None:
    """Every parameter of the laws has a gradient, but exponents of one-way reactions."""
    torch.manual_seed(0)
    model = MetabolismPropagation(observations, Configuration(laws="own"))
    assert model.laws is not None
    bent(model.laws)
    model(observations.species).square().mean().backward()
    unused = [name for name, parameter in model.named_parameters() if parameter.grad is None]
    assert {name.split(".")[0] for name in unused} == {"substrate_func", "rate_func"}
    assert model.laws.balance.grad is not None
    used = (model.laws.balance.grad != 0).tolist()
    assert used == [False, True, True, False, True, False, False]  # A of r0; A, B of r1; C of r2; then C of r1, B, U


def test_it_learns_the_laws_and_the_coefficients(observations: Observations, tmp_path: Path) -> None:
    config = Configuration(laws="own", lr_S=0.02, lr_k=0.02, lr_func=0.01, init_scale_S=0.05, schedule="cosine")
    (model,) = train(observations, [Member(config, 2, tmp_path)], 400)  # free signs: other seeds may end in wrong ones
    assert model is not None
    points = [json.loads(line) for line in (tmp_path / "curves.jsonl").read_text().splitlines()]
    assert points[-1]["loss_pred"] < 0.01
    found = model.sto_all.detach().numpy()
    np.testing.assert_array_equal(np.sign(found), ROLE)
    reversible = np.abs(found[np.array(RXN_ALL) == 1])
    np.testing.assert_allclose(reversible / reversible.mean(), 1.0, atol=0.05)
    write_estimate(model, observations, tmp_path)
    shown = ShownGraph(3, 4, np.array(MET_ALL), np.array(RXN_ALL), np.array(ROLE, dtype=np.int8))
    estimate = read_estimate(tmp_path / "estimate.npz", shown)
    size = model.rates(observations.species).detach().square().mean(1).sqrt()
    np.testing.assert_allclose(10.0**estimate.log_k, size, rtol=1e-4)


def test_members_train_together_as_alone(observations: Observations, tmp_path: Path) -> None:
    torch.set_default_dtype(torch.float64)
    try:
        exact = replace(observations, concentration=observations.concentration.double())
        made = [Member(Configuration(laws="own"), seed, tmp_path / str(seed)) for seed in range(2)]
        for member in made:
            member.out.mkdir()
        together = train(exact, made, 20)
        for model, member in zip(together, made, strict=True):
            (alone,) = train(exact, [member], 20)
            assert model is not None
            assert alone is not None
            torch.testing.assert_close(model.sto_all, alone.sto_all, atol=1e-10, rtol=0)
    finally:
        torch.set_default_dtype(torch.float32)
