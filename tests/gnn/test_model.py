import numpy as np
import pytest
import torch
from torch import Tensor, nn

from gnn.config import Configuration
from gnn.model import MetabolismPropagation
from gnn.observations import Observations, read_observations
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


def test_with_the_true_parameters_the_model_is_the_simulator(tiny: Dataset, observations: Observations) -> None:
    truth = tiny.truth
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
