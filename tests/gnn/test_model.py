import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import gelu

from agent.analyzer.scoring.dynamics import EstimatedDynamics
from agent.analyzer.scoring.estimate import read_estimate
from gnn.config import Configuration
from gnn.estimate import write_estimate
from gnn.model import MetabolismPropagation
from gnn.observations import Constraints, Observations, read_observations
from simulator.dataset import Dataset
from simulator.kinetics import RandomFunction

CPU = torch.device("cpu")


class TrueFunction(nn.Module):
    """A function of the simulator in place of a learned one; undoes the model's scaling of concentrations."""

    def __init__(self, function: RandomFunction, shift: float = 0.0, width: float = 1.0) -> None:
        super().__init__()
        self.function, self.shift, self.width = function, shift, width

    def forward(self, first: Tensor, *rest: Tensor) -> Tensor:
        inputs = [first * self.width + self.shift, *rest]
        return torch.from_numpy(self.function(*(x.detach().double().numpy() for x in inputs))).float()


@pytest.fixture
def observations(tiny: Dataset) -> Observations:
    return read_observations(tiny.observations_path, CPU)


def test_a_trial_is_told_what_the_regime_states(tiny: Dataset, observations: Observations) -> None:
    assert vars(observations.constraints) == vars(tiny.regime.constraints)
    assert observations.constraints == Constraints((1, 2), True, 2, 2, False)
    np.testing.assert_array_equal(observations.graph.role, np.sign(tiny.truth.sto_all))


def assert_the_model_is_the_simulator(dataset: Dataset) -> None:
    """With the true parameters the model predicts the observed dc/dt."""
    truth, observations = dataset.truth, read_observations(dataset.observations_path, CPU)
    model = MetabolismPropagation(observations, Configuration())
    model.sto_all.data = torch.from_numpy(truth.sto_all).float()
    model.log_k.data = torch.from_numpy(truth.law.log_k).float()
    substrate_func = TrueFunction(truth.law.substrate_func, float(model.shift), float(model.width))
    model.aggregation.register_module("substrate_func", substrate_func)
    model.register_module("rate_func", TrueFunction(truth.law.rate_func))
    with torch.no_grad():
        predicted = model(observations.concentration)
    scale = float(observations.dcdt.square().mean().sqrt())
    torch.testing.assert_close(predicted / scale, observations.dcdt / scale, atol=1e-4, rtol=0)


def test_with_the_true_parameters_the_model_is_the_simulator(tiny: Dataset) -> None:
    assert_the_model_is_the_simulator(tiny)


def test_with_the_true_parameters_it_is_the_simulator_whatever_is_hidden(veiled: Dataset) -> None:
    assert_the_model_is_the_simulator(veiled)


def test_presence_grows_with_what_makes_an_edge_a_substrate(observations: Observations) -> None:
    coefficients = torch.tensor([-2.0, -0.5, 0.0, 0.5, 2.0])
    known, constraints = observations.graph, observations.constraints
    untold = replace(observations, graph=replace(known, role=torch.zeros_like(known.role)))
    decoys = replace(observations, constraints=replace(constraints, may_be_absent=True))
    for seen, expected in (
        (observations, [1.0, 1.0, 1.0, 1.0, 1.0]),
        (decoys, [1.0, 0.5, 0.0, 0.5, 1.0]),
        (untold, [1.0, 0.5, 0.0, 0.0, 0.0]),
        (replace(untold, constraints=decoys.constraints), [1.0, 0.5, 0.0, 0.0, 0.0]),
    ):
        assert MetabolismPropagation(seen, Configuration()).presence(coefficients).tolist() == expected


def test_what_is_handed_in_moves_as_the_model_does(veiled: Dataset, tmp_path: Path) -> None:
    """The scorer rebuilds the dynamics from tables: silent edges must be silent there too."""
    observations = read_observations(veiled.observations_path, CPU)
    torch.manual_seed(0)
    model = MetabolismPropagation(observations, Configuration())
    write_estimate(model, observations, tmp_path)
    estimate = read_estimate(tmp_path / "estimate.npz", veiled.truth.graph)
    rebuilt = EstimatedDynamics(veiled.truth.graph, estimate).derivative(observations.concentration.T.double().numpy())
    dcdt = model(observations.concentration).detach().T.numpy()
    np.testing.assert_allclose(rebuilt, dcdt, atol=1e-4 * np.abs(dcdt).max())


def test_coefficients_start_free_and_signed_with_no_knowledge_of_roles(observations: Observations) -> None:
    torch.manual_seed(0)
    signs = np.sign(MetabolismPropagation(observations, Configuration()).sto_all.detach().numpy())
    substrates = np.zeros(len(signs), dtype=bool)
    substrates[observations.graph.sub_to_all.numpy()] = True
    assert {-1.0, 1.0} == set(signs[substrates]) == set(signs[~substrates])


def test_frames_of_a_batch_do_not_see_each_other(observations: Observations) -> None:
    torch.manual_seed(0)
    model = MetabolismPropagation(observations, Configuration())
    together = model(observations.concentration[:, :5])
    alone = torch.cat([model(observations.concentration[:, i : i + 1]) for i in range(5)], dim=1)
    torch.testing.assert_close(together, alone)


def test_renaming_reactions_renames_nothing_else(observations: Observations) -> None:
    torch.manual_seed(0)
    model = MetabolismPropagation(observations, Configuration())
    model.log_k.data = torch.randn_like(model.log_k)
    before = model(observations.concentration[:, :3])
    new_name = torch.randperm(observations.graph.n_reactions)
    model.substrate_edges[1] = new_name[model.substrate_edges[1]]
    model.all_edges[0] = new_name[model.all_edges[0]]
    renamed = torch.empty_like(model.log_k.data)
    renamed[new_name] = model.log_k.data
    model.log_k.data = renamed
    torch.testing.assert_close(model(observations.concentration[:, :3]), before)


def test_the_default_model_has_neither_gate_nor_attention(observations: Observations) -> None:
    linear = ("network.0", "network.2", "network.4")
    functions = ("substrate_func", "rate_func", "aggregation.substrate_func")
    expected = {f"{f}.{layer}.{kind}" for f in functions for layer in linear for kind in ("weight", "bias")}
    model = MetabolismPropagation(observations, Configuration())
    assert set(model.state_dict()) == {"sto_all", "log_k", "shift", "width"} | expected
    assert isinstance(model.aggregation.activation, nn.Identity)


def test_a_gate_and_attention_leave_every_other_starting_value_as_it_was(observations: Observations) -> None:
    states = []
    for config in (Configuration(), Configuration(gate="sigmoid", attention="edge", message_activation="relu")):
        torch.manual_seed(0)
        states.append(MetabolismPropagation(observations, config).state_dict())
    plain, rich = states
    assert set(rich) - set(plain) == {
        "aggregation.gate.linear.weight",
        "aggregation.gate.linear.bias",
        "aggregation.attention.logit",
    }
    for name, value in plain.items():
        assert torch.equal(rich[name], value), name


def test_a_substrate_says_the_activation_of_attention_times_gate_times_its_function(
    observations: Observations,
) -> None:
    config = Configuration(gate="sigmoid", attention="edge", message_activation="gelu")
    model, graph = MetabolismPropagation(observations, config), observations.graph
    aggregation = model.aggregation
    assert aggregation.gate is not None
    assert aggregation.attention is not None
    aggregation.attention.logit.data = torch.randn(len(graph.met_sub), 1)
    frame = observations.concentration[:, :1]
    c = ((frame - model.shift) / model.width)[graph.met_sub]
    g = (aggregation.gate.linear.weight * c + aggregation.gate.linear.bias).sigmoid()
    alpha = aggregation.attention.logit.sigmoid()
    message = gelu(alpha * g * model.substrate_func(c, model.sto_all.abs()[graph.sub_to_all, None]))
    expected = torch.zeros(graph.n_reactions, 1).index_add(0, graph.rxn_sub, message)
    torch.testing.assert_close(model.drive(frame), expected)


@pytest.mark.parametrize(
    ("gate", "activation"), list(itertools.product(["none", "sigmoid"], ["identity", "relu", "gelu", "tanh"]))
)
def test_the_table_of_the_estimate_says_what_the_model_says(
    tiny: Dataset, observations: Observations, tmp_path: Path, gate: str, activation: str
) -> None:
    torch.manual_seed(0)
    model = MetabolismPropagation(observations, Configuration(gate=gate, message_activation=activation))
    write_estimate(model, observations, tmp_path)
    dynamics = EstimatedDynamics(tiny.truth.graph, read_estimate(tmp_path / "estimate.npz", tiny.truth.graph))
    frames = observations.concentration[:, :20]
    drive = model.drive(frames).detach().double().numpy()
    np.testing.assert_allclose(dynamics.drive(frames.T.double().numpy()).T, drive, atol=1e-3)


def test_the_table_of_a_model_with_attention_has_the_mean_share(
    tiny: Dataset, observations: Observations, tmp_path: Path
) -> None:
    model = MetabolismPropagation(observations, Configuration(attention="edge"))
    assert model.aggregation.attention is not None
    logit = model.aggregation.attention.logit
    logit.data = torch.randn_like(logit)
    write_estimate(model, observations, tmp_path)
    estimate = read_estimate(tmp_path / "estimate.npz", tiny.truth.graph)
    c, s = (torch.from_numpy(x).float() for x in (estimate.substrate_func_c, estimate.substrate_func_s))
    scaled = ((c - model.shift) / model.width)[:, None].expand(-1, len(s))
    said = model.substrate_func(scaled, s.expand(len(c), -1)).detach()
    table = torch.from_numpy(estimate.substrate_func).float()
    torch.testing.assert_close(table, said * float(logit.detach().sigmoid().mean()))
