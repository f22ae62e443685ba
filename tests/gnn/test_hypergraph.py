import pytest
import torch
from torch import Tensor

from gnn.hypergraph import MetaboliteExchange, StoichiometricHypergraphConv
from gnn.layers import EdgeAttention
from gnn.observations import Graph

# A -> 2 B: one reaction, one head, W the identity.
A, B = 0, 1
X = torch.tensor([[1.0, 0.5], [0.5, 1.0]])
INCIDENCES = torch.tensor([[A, B], [0, 0]])
S = torch.tensor([-1.0, 2.0])


def layer(activation: str, gate: float) -> StoichiometricHypergraphConv:
    """Return a layer whose gate passes the same share of every message."""
    conv = StoichiometricHypergraphConv(2, 2, activation=activation)
    conv.linear.weight.data = torch.eye(2)
    conv.gate.linear.weight.data.zero_()
    conv.gate.linear.bias.data.copy_(torch.tensor(gate).logit())
    return conv


def random_hypergraph(generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Return features, coefficients and incidences of eight metabolites in six reactions of four."""
    metabolite = torch.cat([torch.randperm(8, generator=generator)[:4] for _ in range(6)])
    incidences = torch.stack([metabolite, torch.arange(6).repeat_interleave(4)])
    coefficients = torch.randint(1, 3, (24,), generator=generator) * torch.tensor([-1.0, -1.0, 1.0, 1.0]).repeat(6)
    return torch.randn(8, 3, generator=generator), coefficients, incidences


@pytest.mark.parametrize(
    ("activation", "gate", "at_a"),
    [
        ("identity", 1.0, [-0.5, -1.0]),
        ("identity", 0.8, [-0.4, -0.8]),
        ("tanh", 1.0, [-0.462, -0.762]),
        ("tanh", 0.8, [-0.380, -0.664]),
        ("relu", 1.0, [0.0, 0.0]),
        ("relu", 0.8, [0.0, 0.0]),
        ("gelu", 1.0, [-0.154, -0.159]),
        ("gelu", 0.8, [-0.138, -0.169]),
    ],
)
def test_a_substrate_receives_its_products_message_negated(activation: str, gate: float, at_a: list[float]) -> None:
    h = layer(activation, gate)(X, S, *INCIDENCES, 1)
    torch.testing.assert_close(h[A, 0], torch.tensor(at_a), atol=1e-3, rtol=0)


@pytest.mark.parametrize(
    ("activation", "gate", "at_a"),
    [
        ("tanh", 1.0, [0.462, 0.762]),
        ("tanh", 0.8, [0.380, 0.664]),
        ("relu", 1.0, [0.5, 1.0]),
        ("relu", 0.8, [0.4, 0.8]),
        ("gelu", 0.8, [0.262, 0.631]),
    ],
)
def test_the_reverse_reaction_sends_the_other_sign(activation: str, gate: float, at_a: list[float]) -> None:
    h = layer(activation, gate)(X, -S, *INCIDENCES, 1)
    torch.testing.assert_close(h[A, 0], torch.tensor(at_a), atol=1e-3, rtol=0)


def test_a_product_of_coefficient_two_receives_its_substrate_twice() -> None:
    h = layer("identity", 0.8)(X, S, *INCIDENCES, 1)
    torch.testing.assert_close(h[B, 0], 2 * 0.8 * X[A])


def test_the_sign_of_a_message_is_the_sign_of_the_receivers_coefficient() -> None:
    conv = StoichiometricHypergraphConv(3, 2, heads=2, activation="identity")
    conv.linear.weight.data.abs_()
    received = conv(
        torch.rand(5, 3) + 0.1,
        torch.tensor([-1.0, -2.0, 1.0, 2.0, 1.0]),
        torch.arange(5),
        torch.zeros(5, dtype=torch.long),
        1,
        attention=torch.rand(5, 2) + 0.1,
    )
    assert torch.equal(received.sign(), torch.tensor([-1.0, -1.0, 1.0, 1.0, 1.0]).view(5, 1, 1).expand_as(received))


def test_the_pass_is_the_sum_over_pairs_of_its_formula() -> None:
    torch.manual_seed(0)
    x, s, incidences = random_hypergraph(torch.Generator().manual_seed(1))
    conv, p, alpha = StoichiometricHypergraphConv(3, 2, heads=2, activation="tanh"), torch.rand(24), torch.rand(24, 2)
    g, message = conv.gate(x), conv.linear(x).view(8, 2, 2)
    received = torch.zeros(8, 2, 2)
    for e, (i, reaction) in enumerate(incidences.T.tolist()):
        norm = 1.0 / max(1.0, float(p[incidences[0] == i].sum()))
        for other in torch.nonzero((incidences[1] == reaction) & (incidences[0] != i)).flatten().tolist():
            j = int(incidences[0, other])
            received[i] += alpha[e, :, None] * norm * s[e] * p[other] * g[j, :, None] * message[j]
    torch.testing.assert_close(conv(x, s, *incidences, 6, p, alpha), received.tanh())


def test_a_metabolite_in_two_equal_reactions_receives_the_same_as_in_one() -> None:
    conv = layer("tanh", 0.8)
    twice = torch.cat([INCIDENCES, INCIDENCES + torch.tensor([[0], [1]])], dim=1)
    torch.testing.assert_close(conv(X, torch.cat([S, S]), *twice, 2), conv(X, S, *INCIDENCES, 1))


def test_a_metabolite_alone_in_its_reaction_receives_nothing() -> None:
    conv = layer("tanh", 0.8)
    x = torch.cat([X, torch.ones(2, 2)])  # alone in a reaction; in none
    incidences = torch.cat([INCIDENCES, torch.tensor([[2], [1]])], dim=1)
    h = conv(x, torch.cat([S, torch.ones(1)]), *incidences, 2)
    assert torch.equal(h[2:], torch.zeros(2, 1, 2))


def test_the_heads_stay_apart() -> None:
    x, s, incidences = random_hypergraph(torch.Generator().manual_seed(1))
    alpha = torch.ones(24, 3)
    alpha[:, 1] = 0.0
    conv = StoichiometricHypergraphConv(3, 2, heads=3)
    h = conv(x, s, *incidences, 6, attention=alpha)
    assert h.shape == (8, 3, 2)
    assert torch.equal(h[:, 1], torch.zeros(8, 2))
    assert torch.equal(h[:, [0, 2]], conv(x, s, *incidences, 6)[:, [0, 2]])


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
        conv(renamed, s[order], *again, 6, attention=alpha[order])[new_name],
        conv(x, s, *incidences, 6, attention=alpha),
    )


def test_gradients_reach_weights_gate_attention_and_coefficients() -> None:
    x, s, incidences = random_hypergraph(torch.Generator().manual_seed(3))
    conv, attention = StoichiometricHypergraphConv(3, 2, heads=2), EdgeAttention(24, 2)
    s.requires_grad_()
    torch.autograd.backward(conv(x, s, *incidences, 6, attention=attention()).square().sum())
    for parameter in [s, *conv.parameters(), *attention.parameters()]:
        assert parameter.grad is not None
        assert bool(parameter.grad.isfinite().all())
        assert float(parameter.grad.abs().sum()) > 0


def test_an_absent_metabolite_sends_nothing() -> None:
    x, s, incidences = random_hypergraph(torch.Generator().manual_seed(4))
    conv, there = StoichiometricHypergraphConv(3, 2), torch.arange(24) % 4 != 3
    absent = conv(x, s * there, *incidences, 6, presence=there.float())
    torch.testing.assert_close(absent, conv(x, s[there], *incidences[:, there], 6))


def test_each_frame_is_convolved_by_itself() -> None:
    x, s, incidences = random_hypergraph(torch.Generator().manual_seed(5))
    conv, p, alpha = StoichiometricHypergraphConv(3, 2, heads=2), torch.rand(24), torch.rand(24, 2)
    frames = torch.stack([x, 2.0 * x, x - 1.0], dim=1)
    together = conv(frames, s, *incidences, 6, p, alpha)
    assert together.shape == (8, 3, 2, 2)
    for frame in range(3):
        torch.testing.assert_close(together[:, frame], conv(frames[:, frame], s, *incidences, 6, p, alpha))


def test_the_exchange_starts_without_corrections_and_then_adds_the_mean_of_its_heads() -> None:
    torch.manual_seed(6)
    _, s, incidences = random_hypergraph(torch.Generator().manual_seed(6))
    metabolite, reaction = incidences.unbind()
    graph = Graph(8, 6, metabolite, reaction, metabolite, reaction, torch.arange(24), s.sign())
    exchange, x, p = MetaboliteExchange(24, attention=True), torch.randn(8, 5), torch.rand(24)
    assert torch.equal(exchange(x, s, p, graph), x)
    exchange.conv.linear.weight.data.normal_()
    heads = exchange.conv(x.unsqueeze(-1), s, *incidences, 6, p, torch.full((24, 4), 0.5))
    torch.testing.assert_close(exchange(x, s, p, graph), x + heads[..., 0].mean(dim=-1))
