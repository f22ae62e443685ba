import numpy as np
import pytest

from simulator.kinetics import Floats
from simulator.kinetics.law_arrays import arrays_of, law_of
from simulator.kinetics.reaction_laws import LAWS, ReactionLaws
from simulator.kinetics.regulators import Regulators
from simulator.law_mixture import LawName
from simulator.network import Ints, graph_of

EDGES = np.array([[-1], [-2], [1], [0]])  # a + 2 b -> c, and d, which takes no part
GRAPH, STO = graph_of(EDGES), np.array([-1, -2, 1])
C = np.array([3.0, 2.0, 5.0, 4.0])


def regulators(*given: tuple[int, int]) -> Regulators:
    """Return regulators of the reaction by species and effect, with half-saturation 2 and power 1."""
    count = len(given)
    species, effect = np.array(given, dtype=np.int64).reshape(-1, 2).T
    zeros: Ints = np.zeros(count, dtype=np.int64)
    return Regulators(species, zeros, effect.astype(np.int8), np.full(count, 2.0), np.ones(count))


def law(name: LawName, *given: tuple[int, int], power: float = 1.0, equilibrium: float = 1.0) -> ReactionLaws:
    return ReactionLaws(
        law=np.array([LAWS.index(name)]),
        log_k=np.array([1.0]),
        log_equilibrium=np.log([equilibrium]),
        half=np.array([1.0, 4.0, 10.0]),
        power=np.full(3, power),
        reference=np.array(1.0),
        regulators=regulators(*given),
    )


def rate(laws: ReactionLaws, species: Floats = C) -> float:
    return float(laws.rates(GRAPH, STO, species)[0])


def test_each_law_follows_its_equation() -> None:
    assert rate(law("mass_action")) == pytest.approx(10 * 3 * (2 / 4) ** 2)
    assert rate(law("michaelis_menten")) == pytest.approx(10 * 3 / 4 * (0.5 / 1.5) ** 2)
    assert rate(law("hill", power=2.0)) == pytest.approx(10 * 9 / 10 * (0.25 / 1.25) ** 2)
    left = 10 * 3 * (2 / 4) ** 2 * (1 - 5 / (3 * 2**2) / 0.1)
    assert rate(law("reversible_mass_action", equilibrium=0.1)) == pytest.approx(left)
    saturation = (1 + 3) * (1 + 0.5) ** 2 + (1 + 0.5) - 1
    assert rate(law("reversible_michaelis_menten", equilibrium=0.1)) == pytest.approx(left / saturation)


@pytest.mark.parametrize("name", ["reversible_mass_action", "reversible_michaelis_menten"])
def test_a_reversible_reaction_rests_at_its_equilibrium(name: LawName) -> None:
    at_rest = 5 / (3 * 2**2)
    assert rate(law(name, equilibrium=at_rest)) == pytest.approx(0.0, abs=1e-12)
    assert rate(law(name, equilibrium=2 * at_rest)) > 0 > rate(law(name, equilibrium=at_rest / 2))


def test_an_inhibitor_slows_a_reaction_and_an_activator_is_needed() -> None:
    free = rate(law("mass_action"))
    assert rate(law("mass_action", (3, -1))) == pytest.approx(free / (1 + 4 / 2))
    assert rate(law("mass_action", (3, 1))) == pytest.approx(free * 2 / (1 + 2))
    assert rate(law("mass_action", (3, 1), (3, -1))) == pytest.approx(free * 2 / 3 / 3)


def test_a_feed_has_a_constant_rate() -> None:
    feed = law("michaelis_menten")
    graph = graph_of(np.array([[1], [0]]))
    rates = feed.rates(graph, np.array([1]), np.array([[1.0, 2.0], [3.0, 4.0]]))
    np.testing.assert_allclose(rates, 10.0)


def test_laws_are_the_same_after_they_were_frozen() -> None:
    laws = law("hill", (3, 1), power=1.5)
    thawed = law_of(arrays_of(laws))
    assert isinstance(thawed, ReactionLaws)
    assert rate(thawed) == rate(laws)
