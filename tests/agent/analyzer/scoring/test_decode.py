import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, reject, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from agent.analyzer.scoring.decode import decode
from simulator.candidates import candidate_graph
from simulator.dataset import Dataset
from simulator.kinetics import Floats
from simulator.network import Graph, Ints, draw_stoichiometry, graph_of
from simulator.network_settings import Network
from simulator.regime import Constraints, Observation
from simulator.stated_columns import StatedColumns
from stoichloop.errors import RegimeError

ALPHABET = (1, 2)
SPEC = Network(
    metabolites=20, reactions=25, max_substrates=3, max_products=3, coefficients=ALPHABET, mass_balanced=True
)
KNOWN = Constraints(ALPHABET, mass_balanced=True, max_substrates=3, max_products=3, may_be_absent=False)
SEEDS = st.integers(0, 2**32)
EXAMPLES = settings(max_examples=60, deadline=None)


def noisy(matrix: Ints, seed: int, noise: float) -> Floats:
    return np.where(matrix != 0, matrix + np.random.default_rng(seed).normal(0.0, noise, matrix.shape), 0.0)


def decode_matrix(estimate: Floats, pattern: Ints) -> Floats:
    graph = graph_of(pattern)
    integers = decode(graph, estimate[graph.met_all, graph.rxn_all], KNOWN)
    return graph.matrix(integers)


@EXAMPLES
@given(seed=SEEDS)
def test_integers_decode_to_themselves(seed: int) -> None:
    matrix = draw_stoichiometry(SPEC, np.random.default_rng(seed))
    np.testing.assert_array_equal(decode_matrix(matrix.astype(float), matrix), matrix)


@EXAMPLES
@given(seed=SEEDS, noise=st.floats(0.0, 2.0))
def test_what_comes_out_is_always_in_the_alphabet_and_balanced(seed: int, noise: float) -> None:
    matrix = draw_stoichiometry(SPEC, np.random.default_rng(seed))
    decoded = decode_matrix(noisy(matrix, seed, noise), matrix)
    assert set(np.unique(np.abs(decoded[matrix != 0]))) <= set(ALPHABET)
    assert not decoded.sum(axis=0).any()


@EXAMPLES
@given(seed=SEEDS, noise=st.floats(0.0, 1.0))
def test_permuting_reactions_permutes_the_answer(seed: int, noise: float) -> None:
    rng = np.random.default_rng(seed)
    matrix = draw_stoichiometry(SPEC, rng)
    estimate, order = noisy(matrix, seed, noise), rng.permutation(SPEC.reactions)
    np.testing.assert_array_equal(
        decode_matrix(estimate[:, order], matrix[:, order]), decode_matrix(estimate, matrix)[:, order]
    )


@EXAMPLES
@given(seed=SEEDS, noise=st.floats(0.0, 1.0), scale=st.floats(1e-3, 1e3))
def test_a_global_scale_changes_nothing(seed: int, noise: float, scale: float) -> None:
    matrix = draw_stoichiometry(SPEC, np.random.default_rng(seed))
    estimate = noisy(matrix, seed, noise)
    np.testing.assert_array_equal(decode_matrix(scale * estimate, matrix), decode_matrix(estimate, matrix))


@EXAMPLES
@given(seed=SEEDS, noise=st.floats(0.0, 1.0))
def test_column_scales_change_no_direction(seed: int, noise: float) -> None:
    """A column's scale may choose between all ones and all twos, which share a direction, and nothing else."""
    rng = np.random.default_rng(seed)
    matrix = draw_stoichiometry(SPEC, rng)
    estimate = noisy(matrix, seed, noise)
    scaled = decode_matrix(estimate * rng.uniform(0.2, 5.0, SPEC.reactions), matrix)
    plain = decode_matrix(estimate, matrix)
    np.testing.assert_allclose(scaled / np.linalg.norm(scaled, axis=0), plain / np.linalg.norm(plain, axis=0))


@EXAMPLES
@given(seed=SEEDS)
def test_the_truth_plays_no_part(seed: int) -> None:
    """From pure noise on the right pattern, signs come out as often wrong as right."""
    rng = np.random.default_rng(seed)
    matrix = np.concatenate([draw_stoichiometry(SPEC, rng) for _ in range(20)], axis=1)
    estimate = np.where(matrix != 0, rng.normal(size=matrix.shape), 0.0)
    decoded = decode_matrix(estimate, matrix)
    assert 0.4 < np.mean(np.sign(decoded[matrix != 0]) == np.sign(matrix[matrix != 0])) < 0.6


@pytest.mark.parametrize(("length", "expected"), [(1.0, 1.0), (1.3, 1.0), (1.6, 2.0), (2.0, 2.0), (9.0, 2.0)])
def test_all_ones_and_all_twos_are_told_apart_by_length(length: float, expected: float) -> None:
    matrix = np.array([[-2, -1], [1, 1], [1, 0]])
    estimate = matrix * np.array([1.0, length])
    assert decode_matrix(estimate, matrix)[1, 1] == expected


@pytest.mark.parametrize(("alphabet", "ratio", "expected"), [((1, 3), 2.0, 3), ((2, 4), 1.0, 2), ((2, 4), 1.9, 4)])
def test_only_multiples_that_the_alphabet_has_come_out(alphabet: tuple[int, ...], ratio: float, expected: int) -> None:
    # The first reaction sets the unit: its direction belongs to one column of the alphabet alone.
    low, high = alphabet
    matrix = np.array([[-high, -1], [low, 1], [high - low, 0]]) if high == 2 * low else None
    if matrix is None:  # 3 = 1 + 1 + 1
        matrix = np.array([[-3, -1], [1, 1], [1, 0], [1, 0]])
    graph = graph_of(matrix)
    unit = low if high == 2 * low else 1
    estimate = matrix.astype(float)
    estimate[:, 1] *= ratio * unit
    stated = replace(KNOWN, alphabet=alphabet)
    decoded = graph.matrix(decode(graph, estimate[graph.met_all, graph.rxn_all], stated))
    assert decoded[1, 1] == expected


def test_a_reaction_that_cannot_balance_is_rounded() -> None:
    graph = graph_of(np.array([[1, -1, 2], [0, 1, -2]]))
    assert decode(graph, np.array([1.8, -1.0, 1.0, 2.0, -2.0]), KNOWN)[0] == 2


@st.composite
def veiled_reactions(draw: st.DrawFn) -> tuple[Graph, Floats, Constraints]:
    """Draw a reaction of 2 to 6 shown edges with an estimate on a coarse grid, and its constraints."""
    balanced, absent, told = draw(st.booleans()), draw(st.booleans()), draw(st.booleans())
    degree = draw(st.integers(2, 6))
    role = draw(st.lists(st.sampled_from([-1, 1] if told else [0]), min_size=degree, max_size=degree))
    estimate = draw(st.lists(st.integers(-30, 30), min_size=degree, max_size=degree).filter(any))
    graph = Graph(degree, 1, np.arange(degree), np.zeros(degree, dtype=np.int64), np.array(role, dtype=np.int8))
    most = st.integers(1, 3)
    return graph, np.array(estimate) / 10, Constraints(ALPHABET, balanced, draw(most), draw(most), absent)


def allowed_columns(role: NDArray[np.int8], stated: Constraints) -> Ints:
    """Return every column that meets the constraints, by trying all of them."""
    values = [-2, -1, *([0] if stated.may_be_absent else []), 1, 2]
    columns = np.array(list(itertools.product(values, repeat=len(role))))
    keep = np.ones(len(columns), dtype=bool)
    if stated.mass_balanced:
        keep &= columns.sum(axis=1) == 0
    if stated.may_be_absent or not role.all():
        for side, most in ((-1, stated.max_substrates), (1, stated.max_products)):
            count = (np.sign(columns) == side).sum(axis=1)
            keep &= (count >= 1) & (count <= most)
            if stated.may_be_absent:
                keep &= (np.sign(columns) * role != -1).all(axis=1)
    return np.asarray(columns[keep])


@settings(max_examples=300, deadline=None)
@given(reaction=veiled_reactions())
def test_no_column_that_agrees_with_the_statement_is_closer_than_the_decoded_one(
    reaction: tuple[Graph, Floats, Constraints],
) -> None:
    graph, estimate, stated = reaction
    columns = allowed_columns(graph.role, stated)
    assume(len(columns))
    decoded = decode(graph, estimate, stated)
    assert decoded.tolist() in columns.tolist()
    cosines = columns @ estimate / np.linalg.norm(columns, axis=1)
    assert decoded @ estimate / np.linalg.norm(decoded) == pytest.approx(cosines.max(), abs=1e-12)


@EXAMPLES
@given(seed=SEEDS, told=st.booleans(), absent=st.booleans())
def test_the_truth_decodes_to_itself_among_decoys_and_without_roles(seed: int, told: bool, absent: bool) -> None:
    """At one scale exactly, at any scale of its own up to the multiple of each column."""
    rng = np.random.default_rng(seed)
    matrix = draw_stoichiometry(SPEC, rng)
    observation = Observation(
        dcdt_noise=0.0, concentration_noise=0.0, dcdt_given=True, decoys=1.0 if absent else 0.0, roles_told=told
    )
    try:
        graph = candidate_graph(matrix, observation, rng)
    except RegimeError:  # so few edges that as many decoys do not hide the largest reaction
        reject()
    truth, stated = matrix[graph.met_all, graph.rxn_all], replace(KNOWN, may_be_absent=absent)
    np.testing.assert_array_equal(decode(graph, rng.uniform(0.1, 10.0) * truth.astype(float), stated), truth)
    scale = rng.uniform(0.2, 5.0, SPEC.reactions)
    decoded = graph.matrix(decode(graph, (truth * scale[graph.rxn_all]).astype(float), stated))
    np.testing.assert_allclose(decoded / np.linalg.norm(decoded, axis=0), matrix / np.linalg.norm(matrix, axis=0))


def test_a_told_sign_binds_only_where_the_edge_may_be_absent() -> None:
    graph = graph_of(np.array([[-1], [-1], [1], [1]]))
    wrong_way = np.array([-1.0, 0.9, 1.0, -0.8])
    assert decode(graph, wrong_way, KNOWN).tolist() == [-1, 1, 1, -1]
    assert decode(graph, wrong_way, replace(KNOWN, may_be_absent=True)).tolist() == [-1, 0, 1, 0]


def test_an_estimate_of_the_tiny_regime_survives_moderate_noise(tiny: Dataset) -> None:
    truth = tiny.truth
    estimate = truth.sto_all + np.random.default_rng(0).normal(0.0, 0.1, len(truth.sto_all))
    assert np.mean(decode(truth.graph, estimate, tiny.regime.constraints) == truth.sto_all) > 0.97


def test_what_a_user_states_of_coefficients_is_kept() -> None:
    graph = graph_of(np.array([[-1, -1], [1, 0], [1, 1]]))
    constraints = Constraints((1, 2), False, 1, 2, may_be_absent=False, primitive=True)
    estimate = np.array([-0.5, 0.25, 0.5, -0.3, 0.29])
    np.testing.assert_array_equal(decode(graph, estimate, constraints), [-2, 1, 2, -1, 1])
    known = replace(StatedColumns.nothing(graph), known=np.array([-1, 0, 0, 0, 2]))
    np.testing.assert_array_equal(decode(graph, estimate, constraints, known), [-1, 1, 1, -2, 2])
    tied = replace(StatedColumns.nothing(graph), tied=np.array([1, 0, 0, 1, 1]))
    np.testing.assert_array_equal(decode(graph, estimate, constraints, tied), [-1, 1, 2, -1, 1])
