import numpy as np

from simulator.kinetics.group_sums import group_sums


def test_a_row_alone_has_the_bits_that_it_has_among_others_and_an_empty_group_has_zero() -> None:
    rng = np.random.default_rng(0)
    values, groups = rng.normal(size=(5, 40)), rng.permutation(np.arange(40) % 7)
    together = group_sums(values, groups, 8)
    for row, expected in zip(values, together, strict=True):
        np.testing.assert_array_equal(group_sums(row[None], groups, 8)[0], expected)
    np.testing.assert_allclose(together[:, 3], values[:, groups == 3].sum(axis=1))
    assert (together[:, 7] == 0).all()
