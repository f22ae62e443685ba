from dataclasses import replace
from itertools import product

import pytest
import torch

from gnn.rows import _allowed, _closest, settle_rows
from tests.planted import plant

VALUES = torch.tensor([0.0, 1.0, 2.0], dtype=torch.float64)
# A -> B, C -> B, D -> B + C, 2 D -> B: all of them make B.
COMMON = (
    (-1, 0, 0, 0),
    (1, 1, 1, 2),
    (0, -1, 1, 0),
    (0, 0, -1, -2),
)


def random(*shape: int, seed: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("seed", range(6))
def test_the_closest_lattice_point_is_that_of_all_points(seed: int) -> None:
    parts = random(4, 12, seed=seed)
    parts[1] = parts[0] + 0.1 * parts[1]  # nearly the same direction: rounding one by one goes wrong
    target = 1.5 * random(12, seed=100 + seed)
    allowed = random(4, 3, seed=200 + seed) > -0.5
    allowed[:, seed % 3] = True
    choices = [VALUES[row].tolist() for row in allowed]
    best = min(product(*choices), key=lambda z: float((torch.tensor(z).double() @ parts - target).square().sum()))
    assert _closest(parts, target, VALUES, allowed).tolist() == list(best)


def test_a_lattice_point_that_is_the_target_is_found_among_many() -> None:
    parts = random(12, 40, seed=0)
    truth = VALUES[torch.randint(3, (12,), generator=torch.Generator().manual_seed(1))]
    found = _closest(parts, truth @ parts, VALUES, torch.ones(12, 3, dtype=torch.bool))
    torch.testing.assert_close(found, truth)


def test_a_product_may_change_where_another_column_with_the_same_others_is_allowed() -> None:
    planted = plant(COMMON, balanced=False)
    candidates, values = planted.candidates(), VALUES
    consumed, produced = planted.edges_of(0)
    assert _allowed(candidates[0], produced, planted.columns, values).tolist() == [False, True, True]
    assert _allowed(candidates[0], consumed, planted.columns, values).tolist() == [False, False, False]


def test_a_product_may_be_absent_only_where_another_one_is_left() -> None:
    planted = plant(COMMON, balanced=False, absent=[(2, 0)])
    _, to_b, to_c = planted.edges_of(0)
    own = planted.candidates()[0]
    assert _allowed(own, to_b, planted.columns, VALUES).tolist() == [False, True, True]
    assert _allowed(own, to_c, planted.columns, VALUES).tolist() == [True, True, True]


def test_coefficients_of_a_common_metabolite_are_put_right_together() -> None:
    planted = plant(COMMON, balanced=False)
    problem, exact = planted.problem, planted.fit()
    wrong = planted.columns.clone()
    wrong[problem.graph.met_all == 1] = torch.tensor([2.0, 2.0, 2.0, 1.0], dtype=torch.float64)
    off = problem.matrix((wrong - planted.columns) / problem.scale[problem.graph.met_all])
    held = replace(exact, columns=wrong, residual=exact.residual + off * (exact.constant / exact.length) @ exact.rates)
    torch.testing.assert_close(settle_rows(problem, held, planted.candidates()), planted.columns)
    assert int(held.columns[problem.graph.met_all == 1].sum()) == 7  # the fit itself stays as it was


def test_where_columns_balance_no_coefficient_changes_alone() -> None:
    planted = plant(noise=1.0)
    settled = settle_rows(planted.problem, planted.fit(), planted.candidates())
    torch.testing.assert_close(settled, planted.columns)
    torch.testing.assert_close(settle_rows(planted.problem, planted.fit(), []), planted.columns)  # looks at none
