from itertools import product

import pytest
import torch

from gnn.columns import candidates_of
from gnn.observations import Constraints, Graph


def reaction(roles: tuple[int, ...], *, after: tuple[int, ...] = ()) -> Graph:
    """One reaction with an edge of each role to a metabolite of its own, and another one of the roles `after`."""
    role = torch.tensor((*roles, *after))
    rxn_all = torch.tensor([0] * len(roles) + [1] * len(after))
    met_all = torch.cat([torch.arange(len(roles)), torch.arange(len(after))])
    sub_to_all = torch.nonzero(role <= 0)[:, 0]
    reactions = 2 if after else 1
    return Graph(9, reactions, met_all[sub_to_all], rxn_all[sub_to_all], met_all, rxn_all, sub_to_all, role)


def allowed(column: tuple[int, ...], roles: tuple[int, ...], constraints: Constraints) -> bool:
    """The regime's rules, one by one."""
    consumed, produced = [-s for s in column if s < 0], [s for s in column if s > 0]
    return (
        all(s * role >= 0 for s, role in zip(column, roles, strict=True))
        and 1 <= len(consumed) <= constraints.max_substrates
        and 1 <= len(produced) <= constraints.max_products
        and (constraints.may_be_absent or len(consumed) + len(produced) == len(column))
        and (not constraints.mass_balanced or sum(consumed) == sum(produced))
    )


@pytest.mark.parametrize("balanced", [True, False], ids=["balanced", "unbalanced"])
@pytest.mark.parametrize("absent", [True, False], ids=["decoys", "members"])
@pytest.mark.parametrize("most", [1, 2, 3])
@pytest.mark.parametrize("roles", [(-1, 1), (-1, -1, 1), (0, 0, 0), (-1, 0, 1, 1)])
def test_candidates_are_all_columns_that_the_rules_allow(
    roles: tuple[int, ...], most: int, absent: bool, balanced: bool
) -> None:
    constraints = Constraints((1, 2, 4), balanced, most, 2, absent)
    magnitudes = (-4, -2, -1, 0, 1, 2, 4)
    expected = {c for c in product(magnitudes, repeat=len(roles)) if allowed(c, roles, constraints)}
    found = candidates_of(reaction(roles), constraints, 3)[0].columns.long().tolist()
    assert len(found) == len(expected)
    assert set(map(tuple, found)) == expected


def test_a_to_b_in_small_magnitudes() -> None:
    own = candidates_of(reaction((-1, 1)), Constraints((1, 2, 3), True, 3, 3, False), 2)[0]
    assert own.columns.tolist() == [[-1.0, 1.0], [-2.0, 2.0]]
    # The labels speak of the whole alphabet all the same.
    assert own.labels.tolist() == [[[1.0, 0.0, 0.0]], [[0.0, 1.0, 0.0]]]
    assert own.consumption.tolist() == [0, 1]


def test_labels_say_what_each_candidate_consumes() -> None:
    own = candidates_of(reaction((-1, 0, 1)), Constraints((1, 2), False, 2, 2, True), 2)[0]
    assert own.labels.shape[1:] == (2, 2)
    for column, way in zip(own.columns, own.consumption, strict=True):
        expected = torch.stack([column[:2] == -1, column[:2] == -2], 1).double()
        torch.testing.assert_close(own.labels[way], expected)
    assert sorted(set(own.consumption.tolist())) == list(range(len(own.labels)))


def test_each_reaction_has_its_own_edges_and_rows_of_the_labels() -> None:
    first, second = candidates_of(reaction((-1, 1), after=(1, -1, -1)), Constraints((1, 2), True, 2, 2, False), 2)
    assert first.edges.tolist() == [0, 1]
    assert first.substrates.tolist() == [0]
    assert second.edges.tolist() == [2, 3, 4]
    assert second.substrates.tolist() == [1, 2]
    assert second.columns.tolist() == [[2.0, -1.0, -1.0]]


def test_reactions_of_the_same_roles_share_their_columns() -> None:
    first, second = candidates_of(reaction((-1, 1), after=(-1, 1)), Constraints((1, 2), True, 2, 2, False), 2)
    assert first.columns is second.columns
    assert second.edges.tolist() == [2, 3]
