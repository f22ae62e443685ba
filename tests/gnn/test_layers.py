import torch

from gnn.layers import EdgeAttention, Gate


def test_attention_and_gate_are_shares_of_the_shape_of_edges_and_nodes_by_heads() -> None:
    torch.manual_seed(0)
    attention = EdgeAttention(24, 4)
    attention.logit.data = 10.0 * torch.randn(24, 4)
    assert attention().shape == (24, 4)
    assert Gate(3, 4)(torch.randn(8, 3)).shape == (8, 4)
    for share in (attention().detach(), Gate(3, 4)(100.0 * torch.randn(8, 3)).detach()):
        assert 0.0 <= float(share.min()) < float(share.max()) <= 1.0
