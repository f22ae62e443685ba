import json
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
import torch

import gnn.recover
from gnn.clock import Clock, NonFiniteLossError
from gnn.columns import Candidates
from gnn.config import Configuration
from gnn.estimate import write_estimate
from gnn.projection import Fit, Problem, fit
from gnn.recover import _every, recover
from gnn.recovered import recovered
from tests.planted import clock, functions_on, plant, rates_of


def test_a_network_is_recovered_from_its_frames() -> None:
    planted = plant(frames=240)
    config = Configuration(few_frames=160, last_frames=480)
    found = recover(planted.observations, config, 0, clock())
    torch.testing.assert_close(found.sto_all, planted.columns)
    s, c, dcdt = planted.problem.matrix(found.sto_all), planted.observations.concentration, planted.observations.dcdt
    predicted = s @ (10.0 ** found.log_k.unsqueeze(-1) * rates_of(s, c, found.functions, (1, 2)))
    assert float((predicted - dcdt).square().mean()) < 1e-5 * float(dcdt.square().mean())


def test_the_same_seed_gives_the_same_bits() -> None:
    planted = plant(frames=100)
    config = Configuration(starts=1, patience=0, few_frames=80, last_frames=480)
    first, again, other = (recover(planted.observations, config, seed, clock(20)) for seed in (0, 0, 1))
    assert torch.equal(first.functions.substrate, again.functions.substrate)
    assert torch.equal(first.log_k, again.log_k)
    assert not torch.equal(first.log_k, other.log_k)


def test_splines_frames_and_magnitudes_become_more_from_stage_to_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    planted = plant(balanced=False, alphabet=(1, 2, 4), frames=100)
    stages = []

    def stage(name: str, problem: Problem, start: Fit, candidates: Sequence[Candidates], *_: object) -> Fit:
        functions, largest = start.functions, max(float(own.columns.max()) for own in candidates)
        sizes = (functions.substrate_grid.size, functions.rate_grid.size)
        stages.append((name, problem.dcdt.shape[1], sizes, largest))
        return start

    def pursue(problem: Problem, candidates: Sequence[Candidates], *_: object) -> Fit:
        return stage("pursue", problem, fit(problem, planted.functions, planted.columns), candidates)

    monkeypatch.setattr(gnn.recover, "pursue", pursue)
    for name in ("polish", "regrown", "enlarged"):
        monkeypatch.setattr(gnn.recover, name, partial(stage, name))
    recover(planted.observations, Configuration(few_frames=30, last_frames=80), 0, clock())
    assert stages == [
        ("pursue", 30, (9, 10), 2.0),
        ("polish", 30, (9, 10), 2.0),
        ("polish", 30, (14, 20), 2.0),
        ("regrown", 30, (14, 20), 2.0),
        ("enlarged", 30, (14, 20), 4.0),
        ("polish", 80, (24, 36), 4.0),
    ]


def test_a_reaction_that_explains_nothing_has_the_first_of_its_columns() -> None:
    planted = plant(balanced=False)
    candidates = planted.candidates()
    columns = _every(planted.fit(planted.without(1)), candidates)
    torch.testing.assert_close(columns[planted.edges_of(1)], candidates[1].columns[0])
    others = planted.problem.graph.rxn_all != 1
    torch.testing.assert_close(columns[others], planted.columns[others])


def test_between_magnitudes_of_the_alphabet_the_function_is_a_straight_line() -> None:
    planted = plant(alphabet=(1, 2, 4), balanced=False)
    found = recovered(planted.problem, planted.fit())
    c = torch.linspace(0.2, 1.8, 5, dtype=torch.float64)
    rows = [planted.functions.substrate_grid.value(row, c) for row in planted.functions.substrate]
    magnitudes = torch.tensor([0.0, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0], dtype=torch.float64)
    one, two, four = rows
    steps = (two - one, (four - two) / 2)
    expected = [one - steps[0], one, (one + two) / 2, two, two + steps[1], four, four + steps[1]]
    torch.testing.assert_close(found.substrate_func(c, magnitudes, (1, 2, 4)), torch.stack(expected, 1))


def test_one_magnitude_has_one_function_everywhere() -> None:
    functions = functions_on(0.0, 2.0, 1)
    found = replace(recovered(plant().problem, plant().fit()), functions=functions)
    c, magnitudes = torch.tensor([0.5, 1.0]).double(), torch.tensor([0.0, 1.0, 2.0]).double()
    expected = functions.substrate_grid.value(functions.substrate[0], c).unsqueeze(-1).expand(2, 3)
    torch.testing.assert_close(found.substrate_func(c, magnitudes, (1,)), expected)


def test_softplus_of_rate_func_is_the_rate() -> None:
    planted = plant()
    found = recovered(planted.problem, planted.fit())
    h = torch.linspace(-2.0, 2.0, 9, dtype=torch.float64)
    torch.testing.assert_close(torch.nn.functional.softplus(found.rate_func(h)), planted.functions.rate(h))


def test_what_is_recovered_says_where_its_drives_lie_and_a_constant_is_never_zero() -> None:
    planted = plant()
    current = planted.fit(planted.without(0))
    found = recovered(planted.problem, current)
    assert (found.low, found.high) == (float(current.drive.min()), float(current.drive.max()))
    assert float(found.log_k[0]) == -12.0


def test_the_estimate_holds_the_functions_as_tables_that_are_exact_at_the_magnitudes_in_use(tmp_path: Path) -> None:
    planted = plant()
    found = recovered(planted.problem, planted.fit())
    write_estimate(found, planted.observations, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["estimate.npz"]
    with np.load(tmp_path / "estimate.npz") as arrays:
        np.testing.assert_array_equal(arrays["sto_all"], planted.columns.numpy())
        np.testing.assert_array_equal(arrays["log_k"], found.log_k.numpy())
        c, s, h = (torch.from_numpy(arrays[name]) for name in ("substrate_func_c", "substrate_func_s", "rate_func_h"))
        assert {1.0, 2.0} <= set(s.tolist())
        assert (float(s.min()), float(s.max())) == (0.0, 3.0)
        assert float(c.min()) == 0.0
        assert float(c.max()) == pytest.approx(1.2 * float(planted.problem.concentration.max()))
        spread = found.high - found.low
        assert float(h.min()) == pytest.approx(found.low - 0.1 * spread, rel=1e-4)
        assert float(h.max()) == pytest.approx(found.high + 0.1 * spread, rel=1e-4)
        np.testing.assert_array_equal(arrays["substrate_func"], found.substrate_func(c, s, (1, 2)).numpy())
        np.testing.assert_array_equal(arrays["rate_func"], found.rate_func(h).numpy())
        assert arrays["substrate_func"].shape == (257, len(s))
        assert {array.dtype for array in arrays.values()} == {np.dtype("float64")}


def test_the_clock_hands_out_as_many_steps_as_it_has_over_all_that_ask() -> None:
    budget = Clock(5, StringIO())
    assert [step for step, _ in zip(budget, range(3), strict=False)][:3] == [1, 2, 3]
    assert list(budget)[-1] == 5
    assert list(budget) == []
    assert budget.spent == 1.0


def test_every_point_of_the_curve_is_a_line_and_a_loss_that_is_no_number_ends_it() -> None:
    curve = StringIO()
    budget = Clock(4, curve)
    next(iter(budget))
    budget.note(0.25)
    assert json.loads(curve.getvalue()) == {"step": 1, "steps": 4, "loss": 0.25, "loss_pred": 0.25}
    assert budget.spent == 0.25
    with pytest.raises(NonFiniteLossError, match="the loss became nan at step 1 of 4"):
        budget.note(float("nan"))
    assert len(curve.getvalue().splitlines()) == 1
