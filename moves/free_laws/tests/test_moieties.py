from dataclasses import replace

import numpy as np
import pytest

from gnn.columns import columns_of
from gnn.moieties import conserving, determined, moieties_of
from gnn.network import network_of
from gnn.observations import Constraints, Floats, Ints, Observations, stated_in
from tests.networks import graph_of

# 2 m0 -> m1 and back, m1 + m2 -> m3 and back, m3 -> m4, m4 ->, -> m4
COLUMNS = np.array([[-2, 1, 0, 0, 0], [2, -1, 0, 0, 0], [0, -1, -1, 1, 0], [0, 1, 1, -1, 0], [0, 0, 0, 0, -1]]).T
OUTSIDE = np.array([[0, 0, 0, 0, 1]]).T


def course(columns: Ints, noise: float = 0.0, trajectories: int = 12) -> Observations:
    """Mass action from varied starts, read with this share of noise; concentrations alone."""
    rng = np.random.default_rng(0)
    n, frames, substeps, step = len(columns), 24, 20, 0.005
    constants = rng.uniform(0.5, 1.5, columns.shape[1])
    c, kept = rng.uniform(0.2, 3.0, (trajectories, n)), []

    def slope(c: Floats) -> Floats:
        powers = np.prod(c[:, :, None] ** np.maximum(-columns, 0), axis=1)
        return np.asarray((constants * powers) @ columns.T)

    for count in range(frames * substeps):
        if count % substeps == 0:
            kept.append(c)
        c = c + step * slope(c + 0.5 * step * slope(c))
    graph, none = graph_of(columns), np.zeros(0, dtype=np.int64)
    return Observations(
        graph,
        Constraints((1, 2), False, 3, 3, may_be_absent=False, primitive=True),
        stated_in(graph, {}),
        reversible=np.zeros(graph.n_reactions, dtype=bool),
        met_reg=none,
        rxn_reg=none,
        volume=np.ones(n),
        time=np.tile(step * substeps * np.arange(frames), (trajectories, 1)),
        species=np.stack(kept, axis=1) * (1.0 + noise * rng.normal(size=(trajectories, frames, n))),
        gaps=np.zeros((trajectories, frames, n), dtype=bool),
        dcdt=None,
    )


def sums(observations: Observations) -> list[dict[int, int]]:
    return [
        dict(zip(*(part.tolist() for part in vars(one).values()), strict=True)) for one in moieties_of(observations)
    ]


@pytest.mark.parametrize("noise", [0.0, 0.01])
def test_conserved_sums_come_with_their_weights(noise: float) -> None:
    """A dimer counts twice, and what comes and goes is in no sum."""
    found = sums(course(np.concatenate([COLUMNS, OUTSIDE], axis=1), noise))
    assert sorted(found, key=str) == [{0: 1, 1: 2, 3: 2}, {2: 1, 3: 1}]


def test_frames_count_in_which_all_members_were_read() -> None:
    observations = course(COLUMNS, 0.01)
    gaps = np.random.default_rng(1).random(observations.gaps.shape) < 0.2
    read = replace(observations, gaps=gaps, species=np.where(gaps, 1.0, observations.species))
    assert sums(read) == sums(observations)


def test_a_sum_that_noise_hides_is_not_found() -> None:
    assert sums(course(COLUMNS, noise=0.5)) == []


@pytest.mark.parametrize("noise", [0.0, 0.01, 0.05])
def test_a_sum_that_leaks_is_not_conserved(noise: float) -> None:
    """The network states 2 m0 <-> m1 alone, but m1 also decays."""
    leaking = course(np.array([[-2, 2, 0], [1, -1, -1]]), noise)
    graph = graph_of(np.array([[-2, 2], [1, -1]]))
    assert sums(replace(leaking, graph=graph, stated=stated_in(graph, {}))) == []


def test_neither_weight_need_be_1() -> None:
    assert sums(course(np.array([[-3, 3], [2, -2]]), noise=0.02)) == [{0: 2, 1: 3}]


def test_readings_that_are_zero_or_few_show_nothing() -> None:
    observations = course(COLUMNS)
    zero, few = observations.species.copy(), np.ones(observations.gaps.shape, dtype=bool)
    zero[0], few[:, :7] = 0.0, False
    assert sums(replace(observations, species=zero)) == []
    assert sums(replace(observations, gaps=few)) == []


def test_columns_that_change_a_moiety_are_not_allowed() -> None:
    observations = course(COLUMNS)
    network = network_of(observations)
    assert [options.tolist() for options in network.options[:2]] == [[[-2, 1]], [[2, -1]]]
    assert network.settled == {0, 1, 2, 3, 4}


def test_a_total_that_is_stated_needs_no_readings() -> None:
    observations = course(COLUMNS, noise=0.5)
    stated = stated_in(observations.graph, {"conserved": np.array([[0.5, 1.0, 0.0, 1.0, 0.0]])})
    network = network_of(replace(observations, stated=stated))
    assert network.options[0].tolist() == [[-2, 1]]
    assert network.options[2].tolist() == [[-1, -1, 1], [-1, -2, 1], [-2, -1, 2]]


def test_a_total_that_is_stated_and_shown_counts_once() -> None:
    observations = course(COLUMNS)
    stated = stated_in(observations.graph, {"conserved": np.array([[1.0, 2.0, 0.0, 2.0, 0.0]])})
    found = moieties_of(replace(observations, stated=stated))
    assert [one.metabolites.tolist() for one in found] == [[0, 1, 3], [2, 3]]


def test_a_moiety_that_no_column_keeps_is_no_constraint() -> None:
    observations = course(np.array([[-3, 3], [1, -1]]))
    (moiety,) = moieties_of(observations)
    assert moiety.weights.tolist() == [1, 3]
    graph, constraints = observations.graph, observations.constraints
    assert conserving(graph, columns_of(graph, constraints, observations.stated), moiety) is None
    assert len(network_of(observations).options[0]) == 3


def test_each_independent_moiety_determines_one_metabolite() -> None:
    """Nothing is left of S that the other rows do not hold."""
    observations = course(COLUMNS)
    moieties = moieties_of(observations)
    rows = np.delete(COLUMNS, determined([*moieties, *moieties], observations), axis=0)
    assert len(rows) == len(COLUMNS) - 2
    assert np.linalg.matrix_rank(rows) == len(rows) == np.linalg.matrix_rank(COLUMNS)
