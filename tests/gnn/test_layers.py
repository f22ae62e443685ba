import math

import pytest
import torch
from torch import Tensor

from gnn.layers import EdgeAttention, Gate, StoichiometricHypergraphConv

# A -> 2 B: one reaction, one head, W the identity.
A, B = 0, 1
X = torch.tensor([[1.0, 0.5], [0.5, 1.0]])
INCIDENCES = torch.tensor([[A, B], [0, 0]])
S = torch.tensor([-1.0, 2.0])


def layer(activation: str, gate: float | None) -> StoichiometricHypergraphConv:
    conv = StoichiometricHypergraphConv(2, 2, activation=activation, gated=gate is not None)
    conv.linear.weight.data = torch.eye(2)
    if conv.gate is not None and gate is not None:
        conv.gate.linear.weight.data.zero_()
        conv.gate.linear.bias.data.fill_(math.log(gate / (1.0 - gate)))
    return conv


def random_hypergraph(generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Eight metabolites, six reactions of four members each: features, coefficients, incidences."""
    metabolite = torch.cat([torch.randperm(8, generator=generator)[:4] for _ in range(6)])
    incidences = torch.stack([metabolite, torch.arange(6).repeat_interleave(4)])
    coefficients = torch.randint(1, 3, (24,), generator=generator) * torch.tensor([-1.0, -1.0, 1.0, 1.0]).repeat(6)
    return torch.randn(8, 3, generator=generator), coefficients, incidences


@pytest.mark.parametrize(
    ("activation", "gate", "at_a"),
    [
        ("identity", None, [-0.5, -1.0]),
        ("identity", 0.8, [-0.4, -0.8]),
        ("tanh", None, [-0.462, -0.762]),
        ("tanh", 0.8, [-0.380, -0.664]),
        ("relu", None, [0.0, 0.0]),
        ("relu", 0.8, [0.0, 0.0]),
        ("gelu", None, [-0.154, -0.159]),
        ("gelu", 0.8, [-0.138, -0.169]),
    ],
)
def test_what_a_substrate_hears_of_a_to_2b(activation: str, gate: float | None, at_a: list[float]) -> None:
    h = layer(activation, gate)(X, S, INCIDENCES, 1)
    torch.testing.assert_close(h[A, 0], torch.tensor(at_a), atol=1e-3, rtol=0)


@pytest.mark.parametrize(
    ("activation", "gate", "at_a"),
    [
        ("tanh", None, [0.462, 0.762]),
        ("tanh", 0.8, [0.380, 0.664]),
        ("relu", None, [0.5, 1.0]),
        ("relu", 0.8, [0.4, 0.8]),
        ("gelu", 0.8, [0.262, 0.631]),
    ],
)
def test_the_reverse_reaction_speaks_with_the_other_sign(
    activation: str, gate: float | None, at_a: list[float]
) -> None:
    h = layer(activation, gate)(X, -S, INCIDENCES, 1)
    torch.testing.assert_close(h[A, 0], torch.tensor(at_a), atol=1e-3, rtol=0)


def test_a_product_of_two_hears_its_substrate_twice() -> None:
    h = layer("identity", 0.8)(X, S, INCIDENCES, 1)
    torch.testing.assert_close(h[B, 0], 2 * 0.8 * X[A])


def test_the_sign_of_a_message_is_the_sign_of_the_listeners_coefficient() -> None:
    conv = StoichiometricHypergraphConv(3, 2, heads=2, activation="identity")
    conv.linear.weight.data.abs_()
    heard = conv(
        torch.rand(5, 3) + 0.1,
        torch.tensor([-1.0, -2.0, 1.0, 2.0, 1.0]),
        torch.stack([torch.arange(5), torch.zeros(5, dtype=torch.long)]),
        1,
        attention=torch.rand(5, 2) + 0.1,
    )
    assert torch.equal(heard.sign(), torch.tensor([-1.0, -1.0, 1.0, 1.0, 1.0]).view(5, 1, 1).expand_as(heard))


def test_the_pass_is_the_sum_over_pairs_of_its_formula() -> None:
    torch.manual_seed(0)
    x, s, incidences = random_hypergraph(torch.Generator().manual_seed(1))
    conv, alpha = StoichiometricHypergraphConv(3, 2, heads=2, activation="tanh"), torch.rand(24, 2)
    assert conv.gate is not None
    g, spoken = conv.gate(x), conv.linear(x).view(8, 2, 2)
    heard = torch.zeros(8, 2, 2)
    for e, (i, reaction) in enumerate(incidences.T.tolist()):
        norm = 1.0 / int((incidences[0] == i).sum())
        for j in incidences[0, (incidences[1] == reaction) & (incidences[0] != i)].tolist():
            heard[i] += alpha[e, :, None] * g[j, :, None] * norm * s[e] * spoken[j]
    torch.testing.assert_close(conv(x, s, incidences, 6, alpha), heard.tanh())


def test_a_metabolite_in_two_equal_reactions_hears_what_it_hears_in_one() -> None:
    conv = layer("tanh", 0.8)
    twice = torch.cat([INCIDENCES, INCIDENCES + torch.tensor([[0], [1]])], dim=1)
    torch.testing.assert_close(conv(X, torch.cat([S, S]), twice, 2), conv(X, S, INCIDENCES, 1))


def test_a_metabolite_without_company_hears_nothing() -> None:
    conv = layer("tanh", 0.8)
    x = torch.cat([X, torch.ones(2, 2)])  # alone in a reaction; in none
    incidences = torch.cat([INCIDENCES, torch.tensor([[2], [1]])], dim=1)
    h = conv(x, torch.cat([S, torch.ones(1)]), incidences, 2)
    assert torch.equal(h[2:], torch.zeros(2, 1, 2))


def test_attention_and_gate_are_shares_of_the_shape_of_incidences_and_nodes_by_heads() -> None:
    torch.manual_seed(0)
    attention = EdgeAttention(24, 4)
    attention.logit.data = 10.0 * torch.randn(24, 4)
    assert attention().shape == (24, 4)
    assert Gate(3, 4)(torch.randn(8, 3)).shape == (8, 4)
    for share in (attention().detach(), Gate(3, 4)(100.0 * torch.randn(8, 3)).detach()):
        assert 0.0 <= float(share.min()) < float(share.max()) <= 1.0


def test_the_heads_stay_apart() -> None:
    x, s, incidences = random_hypergraph(torch.Generator().manual_seed(1))
    alpha = torch.ones(24, 3)
    alpha[:, 1] = 0.0
    conv = StoichiometricHypergraphConv(3, 2, heads=3)
    h = conv(x, s, incidences, 6, alpha)
    assert h.shape == (8, 3, 2)
    assert torch.equal(h[:, 1], torch.zeros(8, 2))
    assert torch.equal(h[:, [0, 2]], conv(x, s, incidences, 6)[:, [0, 2]])


def test_renaming_metabolites_and_reordering_incidences_renames_the_result() -> None:
    generator = torch.Generator().manual_seed(2)
    x, s, incidences = random_hypergraph(generator)
    conv, alpha = StoichiometricHypergraphConv(3, 2, heads=2), torch.rand(24, 2, generator=generator)
    new_name, new_reaction = torch.randperm(8, generator=generator), torch.randperm(6, generator=generator)
    order = torch.randperm(24, generator=generator)
    renamed = torch.empty_like(x)
    renamed[new_name] = x
    again = torch.stack([new_name[incidences[0]], new_reaction[incidences[1]]])[:, order]
    torch.testing.assert_close(
        conv(renamed, s[order], again, 6, alpha[order])[new_name], conv(x, s, incidences, 6, alpha)
    )


def test_gradients_reach_weights_gate_attention_and_coefficients() -> None:
    x, s, incidences = random_hypergraph(torch.Generator().manual_seed(3))
    conv, attention = StoichiometricHypergraphConv(3, 2, heads=2), EdgeAttention(24, 2)
    s.requires_grad_()
    torch.autograd.backward(conv(x, s, incidences, 6, attention()).square().sum())
    for parameter in [s, *conv.parameters(), *attention.parameters()]:
        assert parameter.grad is not None
        assert bool(parameter.grad.isfinite().all())
        assert float(parameter.grad.abs().sum()) > 0


def test_without_a_gate_all_is_heard() -> None:
    x, s, incidences = random_hypergraph(torch.Generator().manual_seed(4))
    ungated, gated = StoichiometricHypergraphConv(3, 2, gated=False), StoichiometricHypergraphConv(3, 2)
    gated.linear.weight.data = ungated.linear.weight.data
    assert gated.gate is not None
    gated.gate.linear.bias.data.fill_(100.0)  # sigmoid is 1 to the last bit
    assert torch.equal(gated(x, s, incidences, 6), ungated(x, s, incidences, 6))
    assert "gate" not in dict(ungated.named_children())
