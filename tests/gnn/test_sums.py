"""Sums of a GPU, taken on the CPU: those that add in order are the reference."""

import pytest
import torch
from torch import Tensor

from gnn import sums
from gnn.sums import binned, gathered, summed, tree


@pytest.fixture
def as_on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sums, "_in_order", lambda values: False)


def uneven_index() -> Tensor:
    """Return the targets of 300 values: 200 for target 3, none for target 5 of 8."""
    generator = torch.Generator().manual_seed(0)
    others = torch.tensor([0, 1, 2, 4, 6, 7])[torch.randint(6, (100,), generator=generator)]
    return torch.cat([torch.full((200,), 3), others])[torch.randperm(300, generator=generator)]


def sums_in_order(values: Tensor, index: Tensor, targets: int) -> Tensor:
    return values.new_zeros(targets, *values.shape[1:]).index_add(0, index, values)


@pytest.mark.usefixtures("as_on_a_gpu")
@pytest.mark.parametrize("shape", [(300,), (300, 5), (300, 2, 3)])
def test_sums_by_tables_are_the_sums(shape: tuple[int, ...]) -> None:
    values, index = torch.randn(shape, dtype=torch.float64), uneven_index()
    torch.testing.assert_close(summed(values, index, 8), sums_in_order(values, index, 8))


@pytest.mark.usefixtures("as_on_a_gpu")
def test_gradients_are_those_of_gathering_and_summing() -> None:
    index = uneven_index()
    nodes, edges = (torch.randn(n, 2, dtype=torch.float64, requires_grad=True) for n in (8, 300))
    assert torch.autograd.gradcheck(lambda values: gathered(values, index), nodes)
    assert torch.autograd.gradcheck(lambda values: summed(values, index, 8), edges)


@pytest.mark.usefixtures("as_on_a_gpu")
def test_members_have_their_own_sums() -> None:
    index, edges, nodes = uneven_index(), torch.randn(4, 300, dtype=torch.float64), torch.randn(4, 8)
    torch.testing.assert_close(
        torch.func.vmap(lambda values: summed(values, index, 8))(edges),
        torch.stack([sums_in_order(values, index, 8) for values in edges]),
    )
    assert torch.equal(torch.func.vmap(lambda values: gathered(values, index))(nodes), nodes[:, index])


def test_the_tree_of_a_hub_is_linear_in_its_values() -> None:
    tables = tree(torch.zeros(10_000, dtype=torch.int64), 2_000)
    assert sum(table.numel() for table in tables) < 10_000 * 8 / 7 + 8 * 2_000 * len(tables)


def test_a_tree_is_made_once_for_an_index() -> None:
    index = uneven_index()
    assert tree(index, 8) is tree(index, 8)
    assert tree(index, 9) is not tree(index, 8)


def test_a_graph_without_edges_has_sums_of_zero(as_on_a_gpu: None) -> None:
    none = torch.zeros(0, dtype=torch.int64)
    assert torch.equal(summed(torch.zeros(0, 3), none, 2), torch.zeros(2, 3))


@pytest.mark.usefixtures("as_on_a_gpu")
@pytest.mark.parametrize("places", [7, 128, 300])
def test_bins_by_a_product_are_the_sums(places: int) -> None:
    values = [torch.randn(places, dtype=torch.float64) for _ in range(4)]
    place = torch.randint(0, 9, (places,))
    expected = torch.stack([sums_in_order(row, place, 9) for row in values])
    torch.testing.assert_close(binned(values, place, 9), expected)
