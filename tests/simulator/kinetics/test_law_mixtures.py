from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simulator.dataset import Dataset, prepare
from simulator.generate import System, simulate
from simulator.identifiability.facts import examine
from simulator.kinetics.reaction_laws import LAWS, ReactionLaws
from simulator.law_mixture import LawMixture
from simulator.regime import Regime, find_regime, read_section

TINY = ("mm_tiny", "rev_tiny", "regulated_tiny", "exchange_tiny", "mixed_tiny")
REAL = ("mm_m1", "mm_m1_noise", "rev_m1", "regulated_m1", "exchange_m1", "mixed_m1")


def short(name: str) -> Regime:
    """Return a regime with fewer and coarser trajectories, which take a second."""
    regime = find_regime(name)
    few = regime.trajectories.model_copy(update={"count": 5, "heldout": 1, "frames": 30})
    return regime.model_copy(update={"trajectories": few})


def own_laws(of: Dataset | System) -> ReactionLaws:
    """Return the true laws, one for each reaction."""
    law = of.truth.law if isinstance(of, Dataset) else of.law
    assert isinstance(law, ReactionLaws)
    return law


def single(name: str, frames: int, duration: float) -> Regime:
    """Return a regime with one trajectory, in which rates may vary little."""
    regime = find_regime(name)
    one = {"count": 1, "heldout": 1, "frames": frames, "duration": duration}
    return regime.model_copy(
        update={
            "trajectories": regime.trajectories.model_copy(update=one),
            "kinetics": regime.kinetics.model_copy(update={"min_rate_variation": 1e-9}),
        }
    )


@pytest.fixture(scope="module", params=TINY)
def system(request: pytest.FixtureRequest) -> System:
    return simulate(short(request.param))


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return prepare(short("mixed_tiny"), tmp_path_factory.mktemp("data"))[0]


def test_trajectories_move_without_blowing_up(system: System) -> None:
    for trajectory in system.exact:
        moved = np.ptp(trajectory.concentration, axis=0) / trajectory.concentration.mean(axis=0)
        assert np.median(moved) > 0.2
        assert 0.0 < trajectory.concentration.min() < trajectory.concentration.max() < 50.0
        size = np.sqrt(np.mean(trajectory.dcdt**2, axis=1))
        assert size[len(size) // 2] > 0.05 * size[0]  # half-way, nothing is at rest


def test_no_column_has_a_common_divisor(system: System) -> None:
    matrix = system.graph.matrix(system.sto_all).astype(int)
    assert set(np.gcd.reduce(matrix, axis=0)) == {1}
    assert (np.abs(matrix) == 2).any()


def test_dcdt_is_s_times_the_rates_over_the_volume(mixed: Dataset) -> None:
    truth = mixed.truth
    assert set(mixed.stated.volume) == {1.0, 0.4}
    for trajectory in mixed.heldout:
        rates = own_laws(mixed).rates(truth.graph, truth.sto_all, trajectory.species)
        change = rates @ truth.graph.matrix(truth.sto_all).T / mixed.stated.volume
        np.testing.assert_allclose(trajectory.dcdt, change, rtol=1e-9, atol=1e-12)
        width = trajectory.time[2] - trajectory.time[0]
        integral = width / 6 * (trajectory.dcdt[:-2:2] + 4 * trajectory.dcdt[1:-1:2] + trajectory.dcdt[2::2])
        np.testing.assert_allclose(np.diff(trajectory.concentration[::2], axis=0), integral, atol=2e-3)


def test_a_closed_reversible_network_comes_to_rest_in_all_reactions_at_once() -> None:
    system = simulate(single("rev_tiny", frames=2, duration=300.0))
    first, last = own_laws(system).rates(system.graph, system.sto_all, system.exact[0].concentration)
    assert np.abs(last).max() < 0.01 * np.abs(first).max()  # a net rate around a cycle would stay


def test_a_trial_is_told_the_structure_of_rates_and_no_parameter(mixed: Dataset) -> None:
    with np.load(mixed.observations_path, allow_pickle=False) as arrays:
        told = {name: arrays[name] for name in arrays}
    assert told["inputs"].shape == (5, 30, 2)
    assert told["reversible"].shape == (36,)
    assert told["met_reg"].max() == 21  # the second input, after 20 metabolites
    assert bool(told["primitive"])
    assert not told["mass_balanced"]
    assert not {"dcdt", "law", "log_k", "half", "effect"} & told.keys()
    sides = np.bincount(told["rxn_all"])
    assert (sides == 1).sum() == 6
    assert mixed.regime.reaction_names[30:] == (
        "feed0",
        "feed1",
        "feed2",
        "outflow0",
        "outflow1",
        "outflow2",
    )


def test_laws_are_drawn_as_the_mixture_says() -> None:
    laws = own_laws(simulate(short("mixed_tiny")))
    assert len(set(laws.law)) == len(LAWS)
    assert not laws.reversible[30:].any()
    assert set(laws.regulators.effect) == {-1, 1}


def test_another_sibling_has_other_laws() -> None:
    one, two = (own_laws(simulate(short("mm_tiny").sibling(number))) for number in (1, 2))
    assert not np.array_equal(one.log_k, two.log_k)


def test_what_is_stated_beforehand_bounds_what_can_be_recovered(mixed: Dataset) -> None:
    """Without any parameter, fewer columns are determined than with all rates known."""
    masks = mixed.identifiability
    assert masks.edges_given_form.sum() <= masks.edges.sum() <= len(masks.edges)
    assert masks.edges_given_form.mean() > 0.5


def test_two_frames_leave_columns_open() -> None:
    regime = single("mm_tiny", frames=2, duration=1.0)
    facts, _ = examine(regime, simulate(regime))
    assert facts.identifiable_edges_given_form < facts.edges / 2


@pytest.mark.parametrize("name", REAL)
def test_regimes_of_the_real_size_state_a_law_for_each_reaction(name: str) -> None:
    regime = find_regime(name)
    assert isinstance(regime.kinetics, LawMixture)
    assert regime.constraints.primitive
    assert (len(regime.metabolite_names), len(regime.network.reaction_names)) == (100, 256)


def test_noise_and_exact_observations_are_of_one_system() -> None:
    assert find_regime("mm_m1").seed == find_regime("mm_m1_noise").seed


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"laws": {"michaelis": 1.0}}, "kinetics.laws"),
        ({"half_saturation": [3.0, 1.0]}, "the smaller end first"),
        ({"hidden": 32}, "kinetics.hidden"),
    ],
)
def test_a_wrong_key_of_the_mixture_is_named(change: dict[str, Any], message: str) -> None:
    content = find_regime("mm_tiny").model_dump()
    content["kinetics"] |= change
    with pytest.raises(Exception, match=message):
        read_section(Path("mine.yaml"), content, Regime)


def test_false_edges_do_not_go_with_a_law_for_each_reaction() -> None:
    content = find_regime("mm_tiny").model_dump()
    content["observation"]["decoys"] = 1.0
    with pytest.raises(Exception, match=r"observation\.decoys must be 0"):
        read_section(Path("mine.yaml"), content, Regime)
