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
from simulator.kinetics.shared_functions import RandomFunction
from tests.conftest import shared_functions

CPU = torch.device("cpu")


class TrueFunction(nn.Module):
    """A function of the simulator in place of a learned one. It undoes the model's scaling of concentrations."""

    def __init__(self, function: RandomFunction, shift: float = 0.0, width: float = 1.0) -> None:
        super().__init__()
        self.function, self.shift, self.width = function, shift, width

    def forward(self, first: Tensor, *rest: Tensor) -> Tensor:
        inputs = [first * self.width + self.shift, *rest]
        return torch.from_numpy(self.function(*(x.detach().double().numpy() for x in inputs))).float()


@pytest.fixture
def observations(tiny: Dataset) -> Observations:
    return read_observations(tiny.observations_path, CPU)


def test_a_trial_reads_the_constraints_of_the_regime(tiny: Dataset, observations: Observations) -> None:
    assert {**vars(observations.constraints), "primitive": False} == vars(tiny.regime.constraints)
    assert observations.constraints == Constraints((1, 2), True, 2, 2, False)
    np.testing.assert_array_equal(observations.graph.role, np.sign(tiny.truth.sto_all))


def assert_the_model_is_the_simulator(dataset: Dataset) -> None:
    """Assert that the model with the true parameters predicts the observed dc/dt."""
    truth, law = dataset.truth, shared_functions(dataset)
    observations = read_observations(dataset.observations_path, CPU)
    model = MetabolismPropagation(observations, Configuration())
    model.sto_all.data = torch.from_numpy(truth.sto_all).float()
    model.log_k.data = torch.from_numpy(law.log_k).float()
    substrate_func = TrueFunction(law.substrate_func, float(model.shift), float(model.width))
    model.aggregation.register_module("substrate_func", substrate_func)
    model.register_module("rate_func", TrueFunction(law.rate_func))
    with torch.no_grad():
        predicted = model(observations.concentration)
    scale = float(observations.dcdt.square().mean().sqrt())
    torch.testing.assert_close(predicted / scale, observations.dcdt / scale, atol=1e-4, rtol=0)


def test_with_the_true_parameters_the_model_is_the_simulator(tiny: Dataset) -> None:
    assert_the_model_is_the_simulator(tiny)


def test_with_the_true_parameters_it_is_the_simulator_with_decoys_and_unknown_roles(veiled: Dataset) -> None:
    assert_the_model_is_the_simulator(veiled)


def test_presence_is_the_weight_of_an_edge_as_a_substrate(observations: Observations) -> None:
    coefficients = torch.tensor([-2.0, -0.5, 0.0, 0.5, 2.0])
    known, constraints = observations.graph, observations.constraints
    unknown = replace(observations, graph=replace(known, role=torch.zeros_like(known.role)))
    decoys = replace(observations, constraints=replace(constraints, may_be_absent=True))
    for seen, expected in (
        (observations, [1.0, 1.0, 1.0, 1.0, 1.0]),
        (decoys, [1.0, 0.5, 0.0, 0.5, 1.0]),
        (unknown, [1.0, 0.5, 0.0, 0.0, 0.0]),
        (replace(unknown, constraints=decoys.constraints), [1.0, 0.5, 0.0, 0.0, 0.0]),
    ):
        assert MetabolismPropagation(seen, Configuration()).presence(coefficients).tolist() == expected
    for seen, expected in ((unknown, [1.0, 1.0, 1.0, 1.0, 1.0]), (decoys, [1.0, 0.5, 0.0, 0.5, 1.0])):
        assert MetabolismPropagation(seen, Configuration()).membership(coefficients).tolist() == expected


def test_the_estimate_has_the_dynamics_of_the_model(veiled: Dataset, tmp_path: Path) -> None:
    """The scorer rebuilds the dynamics from tables: edges without messages must have none there too."""
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


@pytest.mark.parametrize("message", ["substrates", "hypergraph"])
def test_frames_of_a_batch_are_independent(message: str, observations: Observations) -> None:
    torch.manual_seed(0)
    model = MetabolismPropagation(observations, Configuration(message=message))
    if model.exchange is not None:
        model.exchange.conv.linear.weight.data.normal_()
    together = model(observations.concentration[:, :5])
    alone = torch.cat([model(observations.concentration[:, i : i + 1]) for i in range(5)], dim=1)
    torch.testing.assert_close(together, alone)


def test_renaming_reactions_renames_nothing_else(observations: Observations) -> None:
    torch.manual_seed(0)
    model = MetabolismPropagation(observations, Configuration())
    model.log_k.data = torch.randn_like(model.log_k)
    before = model(observations.concentration[:, :3])
    new_name = torch.randperm(observations.graph.n_reactions)
    graph = model.graph
    model.graph = replace(graph, rxn_sub=new_name[graph.rxn_sub], rxn_all=new_name[graph.rxn_all])
    renamed = torch.empty_like(model.log_k.data)
    renamed[new_name] = model.log_k.data
    model.log_k.data = renamed
    torch.testing.assert_close(model(observations.concentration[:, :3]), before)


def test_the_default_model_has_no_exchange_no_gate_and_no_attention(observations: Observations) -> None:
    linear = ("network.0", "network.2", "network.4")
    functions = ("substrate_func", "rate_func", "aggregation.substrate_func")
    expected = {f"{f}.{layer}.{kind}" for f in functions for layer in linear for kind in ("weight", "bias")}
    model = MetabolismPropagation(observations, Configuration())
    assert set(model.state_dict()) == {"sto_all", "log_k", "shift", "width"} | expected
    assert isinstance(model.aggregation.activation, nn.Identity)


def test_optional_parts_leave_every_other_starting_value_unchanged(observations: Observations) -> None:
    rich = {"message": "hypergraph", "gate": "sigmoid", "attention": "edge", "message_activation": "relu"}
    models = []
    for config in (Configuration(), Configuration(**rich)):  # type: ignore[arg-type]  # as declared
        torch.manual_seed(0)
        models.append(MetabolismPropagation(observations, config))
    plain, full = (model.state_dict() for model in models)
    assert set(full) - set(plain) == {
        "aggregation.gate.linear.weight",
        "aggregation.gate.linear.bias",
        "aggregation.attention.logit",
        "exchange.conv.linear.weight",
        "exchange.conv.gate.linear.weight",
        "exchange.conv.gate.linear.bias",
        "exchange.attention.logit",
    }
    for name, value in plain.items():
        assert torch.equal(full[name], value), name


def test_an_exchange_that_has_learned_nothing_yet_changes_nothing(veiled: Dataset) -> None:
    observations = read_observations(veiled.observations_path, CPU)
    drives = []
    for message in ("substrates", "hypergraph"):
        torch.manual_seed(0)
        drives.append(MetabolismPropagation(observations, Configuration(message=message)).drive(observations.dcdt))
    assert torch.equal(*drives)


def test_substrate_messages_are_computed_from_exchanged_concentrations(veiled: Dataset) -> None:
    torch.manual_seed(0)
    observations = read_observations(veiled.observations_path, CPU)
    model, graph = MetabolismPropagation(observations, Configuration(message="hypergraph")), observations.graph
    assert model.exchange is not None
    model.exchange.conv.linear.weight.data.normal_(std=10.0)
    frame = observations.concentration[:, :1]
    s = model.sto_all
    member = s.abs().clamp(max=1.0) if observations.constraints.may_be_absent else torch.ones_like(s)
    scaled = (frame - model.shift) / model.width
    corrected = model.exchange(scaled, s, member, graph)
    assert float((corrected - scaled).detach().abs().max()) > 0.1
    substrate = s[graph.sub_to_all, None]
    message = model.presence(substrate) * model.substrate_func(corrected[graph.met_sub], substrate.abs())
    expected = torch.zeros(graph.n_reactions, 1).index_add(0, graph.rxn_sub, message)
    torch.testing.assert_close(model.drive(frame), expected, atol=1e-4, rtol=1e-4)


def test_a_message_is_the_activation_of_attention_times_gate_times_its_function(
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
def test_the_table_of_the_estimate_has_the_messages_of_the_model(
    tiny: Dataset, observations: Observations, tmp_path: Path, gate: str, activation: str
) -> None:
    torch.manual_seed(0)
    model = MetabolismPropagation(observations, Configuration(gate=gate, message_activation=activation))
    write_estimate(model, observations, tmp_path)
    dynamics = EstimatedDynamics(tiny.truth.graph, read_estimate(tmp_path / "estimate.npz", tiny.truth.graph))
    frames = observations.concentration[:, :20]
    drive = model.drive(frames).detach().double().numpy()
    np.testing.assert_allclose(dynamics.drive(frames.T.double().numpy()).T, drive, atol=1e-3)


def test_the_table_of_a_model_with_attention_has_its_mean(
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
    message = model.substrate_func(scaled, s.expand(len(c), -1)).detach()
    table = torch.from_numpy(estimate.substrate_func).float()
    torch.testing.assert_close(table, message * float(logit.detach().sigmoid().mean()))
