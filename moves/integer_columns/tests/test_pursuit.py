from dataclasses import replace

import pytest
import torch

from gnn.newton import refine
from gnn.projection import Fit, fit, with_columns
from gnn.pursuit import grown, pursue, random_functions
from gnn.search import search
from tests.planted import clock, plant


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_random_functions_are_a_walk_of_half_a_unit_and_a_rate_that_rises() -> None:
    problem = plant(frames=400).problem
    functions = random_functions(problem, seeded(0))
    grid, c = functions.substrate_grid, problem.concentration
    assert (grid.low, grid.high) == (float(c.min()), float(c.max()))
    assert functions.substrate.shape == (2, 10)
    torch.testing.assert_close(functions.substrate[0], functions.substrate[1])
    walk = functions.substrate[0]
    assert float(walk.mean()) == pytest.approx(0.0, abs=1e-12)
    assert float(grid.value(walk, c).std()) == pytest.approx(0.5)
    assert (functions.rate_grid.low, functions.rate_grid.high) == (-3.0, 3.0)
    above_a_line = functions.log_rate - torch.linspace(-1.0, 1.0, 12, dtype=torch.float64)
    assert bool(((above_a_line >= 0) & (above_a_line < 0.3)).all())
    assert float(above_a_line.std()) > 0.03


def test_a_walk_goes_on_from_where_it_is() -> None:
    walks = [random_functions(plant().problem, seeded(seed)).substrate[0] for seed in range(20)]
    steps = [walk.diff().square().mean() / walk.var() for walk in walks]
    assert float(torch.stack(steps).mean()) < 1.0  # 2 for draws that know nothing of each other


def test_the_same_generator_draws_the_same_functions_and_another_one_others() -> None:
    problem = plant().problem
    first, again, other = (random_functions(problem, seeded(seed)) for seed in (0, 0, 1))
    torch.testing.assert_close(first.substrate, again.substrate)
    torch.testing.assert_close(first.log_rate, again.log_rate)
    assert not torch.equal(first.substrate, other.substrate)
    assert not torch.equal(first.log_rate, other.log_rate)


def test_with_the_true_functions_all_columns_grow_from_nothing() -> None:
    planted = plant(seed=2)
    nothing = planted.fit(torch.zeros_like(planted.columns))
    found = grown(planted.problem, nothing, planted.candidates(), clock())
    torch.testing.assert_close(found.columns, planted.columns)


def test_a_turn_gives_a_tenth_of_the_reactions_the_columns_that_gain_most_and_makes_one_step() -> None:
    planted, candidates, budget = plant(roles_told=False), plant(roles_told=False).candidates(), clock(100)
    nothing = planted.fit(torch.zeros_like(planted.columns))
    found = grown(planted.problem, nothing, candidates, budget)
    current = nothing
    for _ in range(round(budget.spent * 100)):
        changes = search(planted.problem, current, candidates, 0.1)
        surest = changes.surest(planted.problem, current, 1)
        current = refine(planted.problem, with_columns(planted.problem, current, surest), 1, clock())
        if bool((current.design != 0).any(0).all()):
            break
    assert found.mse == current.mse


def test_where_no_column_gains_anything_growing_ends() -> None:
    planted, budget = plant(), clock(100)
    nothing = planted.fit(torch.zeros_like(planted.columns))
    none = [replace(own, columns=-own.columns) for own in planted.candidates()]
    grown(planted.problem, nothing, none, budget)
    assert budget.spent <= 0.4


def pursued(starts: int, explained: float, steps: int = 10_000) -> tuple[Fit, float, torch.Generator]:
    planted, generator, budget = plant(), seeded(5), clock(steps)
    found = pursue(planted.problem, planted.candidates(), starts, explained, generator, budget)
    return found, budget.spent, generator


def one_by_one(count: int) -> list[Fit]:
    planted, generator = plant(), seeded(5)
    no_columns = torch.zeros_like(planted.columns)
    starts = [fit(planted.problem, random_functions(planted.problem, generator), no_columns) for _ in range(count)]
    return [grown(planted.problem, start, planted.candidates(), clock()) for start in starts]


def test_the_best_of_all_starts_is_kept() -> None:
    each = one_by_one(4)
    assert len({fit.mse for fit in each}) == 4
    found, _, _ = pursued(4, explained=1.0)
    assert found.mse == min(fit.mse for fit in each)


def test_the_first_start_that_explains_enough_is_the_last() -> None:
    each = one_by_one(4)
    enough = 1.0 - sorted(fit.mse for fit in each)[1] - 1e-12
    first = next(fit for fit in each if fit.mse < 1.0 - enough)
    found, _, _ = pursued(4, explained=enough)
    assert found.mse == first.mse


def test_no_other_start_is_tried_when_three_quarters_of_the_budget_are_spent() -> None:
    _, spent, generator = pursued(4, explained=1.0, steps=1)
    assert spent == 1.0
    expected = seeded(5)
    random_functions(plant().problem, expected)
    torch.testing.assert_close(generator.get_state(), expected.get_state())
