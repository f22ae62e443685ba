import numpy as np

from gnn.features import near_features, wide_features
from gnn.laws import Participants, Saturations, draw, mutated
from gnn.observations import Floats

NONE = np.zeros(0, dtype=np.int64)
RNG = np.random.default_rng(0)
LOGS = RNG.uniform(-1.5, 1.5, (200, 4))
C = np.exp(LOGS)


def unexplained(rate: Floats, features: Floats) -> float:
    """The share of a rate that no combination of features explains."""
    weights = np.linalg.lstsq(features, rate, rcond=None)[0]
    return float(np.linalg.norm(rate - features @ weights) / np.linalg.norm(rate))


def same(rates: Floats) -> Floats:
    return rates


def test_a_feed_has_a_constant_rate() -> None:
    own = Participants(NONE, NONE, NONE)
    features = wide_features(Saturations(LOGS, RNG), own, 5, 1e-8, RNG)
    np.testing.assert_allclose(features, np.ones((200, 1)))


def test_a_rate_depends_on_its_participants_alone() -> None:
    own, moved = Participants(np.array([0]), np.array([1]), np.array([2])), LOGS.copy()
    moved[:, 3] += 1.0
    laws = draw(own, 30, RNG)
    one, other = (Saturations(logs, np.random.default_rng(1)).rates(own, laws) for logs in (LOGS, moved))
    np.testing.assert_allclose(one, other)


def test_a_reversible_rate_takes_both_signs_and_a_one_way_rate_does_not() -> None:
    tables = Saturations(LOGS, RNG)
    both, one_way = Participants(np.array([0]), np.array([1]), NONE), Participants(np.array([0]), NONE, NONE)
    assert (tables.rates(both, draw(both, 50, RNG)) < 0).any()
    assert (tables.rates(one_way, draw(one_way, 50, RNG)) > 0).all()


def test_mutation_keeps_most_of_a_law() -> None:
    own = Participants(np.array([0, 1]), np.array([2]), np.array([3]))
    laws = draw(own, 100, RNG)
    changed = mutated(laws, own, RNG).variant != laws.variant
    assert changed.any()
    assert changed.sum(axis=1).max() <= 1


def test_features_around_the_nearest_laws_explain_a_rate_better_than_as_many_wide_ones() -> None:
    own, tables = Participants(np.array([0, 1]), NONE, np.array([2])), Saturations(LOGS, RNG)
    rate = C[:, 0] / (0.7 + C[:, 0]) * C[:, 1] / (2.0 + C[:, 1]) / (1.0 + C[:, 2] / 1.5)
    near = near_features(tables, own, same, rate, 8, RNG)
    wide = wide_features(tables, own, near.shape[1], 1e-12, RNG)
    assert unexplained(rate, near) < 0.5 * unexplained(rate, wide)
    assert unexplained(rate, near) < 0.01
