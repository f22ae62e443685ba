from dataclasses import replace

import pytest
import torch

from gnn.projection import Problem, fit, problem_of, regrid, with_columns
from gnn.recovered import recovered
from tests.planted import CHAIN, plant, rates_of


def test_true_functions_and_columns_leave_nothing_and_give_the_true_rate_constants() -> None:
    planted = plant()
    found = planted.fit()
    assert found.mse < 1e-14
    torch.testing.assert_close(recovered(planted.problem, found).log_k, planted.k.log10(), atol=1e-6, rtol=0)


def test_rates_are_those_of_the_definition_each_in_units_of_its_root_mean_square() -> None:
    planted = plant()
    found = planted.fit()
    s = torch.tensor(CHAIN, dtype=torch.float64)
    expected = rates_of(s, planted.problem.concentration, planted.functions, (1, 2))
    torch.testing.assert_close(found.rates * found.norm.unsqueeze(-1), expected)
    torch.testing.assert_close(found.rates.square().mean(1), torch.ones(6, dtype=torch.float64))
    torch.testing.assert_close(planted.functions.rate(found.drive), expected)


def test_the_residual_is_orthogonal_to_all_that_a_rate_constant_can_change() -> None:
    planted = plant(noise=0.3)
    found = planted.fit()
    assert found.mse > 1e-2
    by_constant = (found.design.T @ found.residual * found.rates).mean(1)
    torch.testing.assert_close(by_constant, torch.zeros_like(by_constant), atol=1e-6, rtol=0)


def test_to_project_twice_is_to_project_once() -> None:
    planted = plant(noise=0.3)
    once = planted.fit()
    explained = replace(planted.problem, dcdt=planted.problem.dcdt + once.residual)
    twice = fit(explained, planted.functions, planted.columns)
    assert twice.mse < 1e-12
    torch.testing.assert_close(twice.constant, once.constant, atol=1e-6, rtol=0)


def test_the_error_is_that_of_linear_least_squares() -> None:
    planted = plant(noise=0.3)
    found = planted.fit()
    features = (found.design.unsqueeze(-1) * found.rates).permute(0, 2, 1).flatten(0, 1)
    solution = torch.linalg.lstsq(features, planted.problem.dcdt.flatten().unsqueeze(-1)).solution
    torch.testing.assert_close(found.constant, solution[:, 0], atol=1e-6, rtol=0)
    left = features @ solution - planted.problem.dcdt.flatten().unsqueeze(-1)
    assert found.mse == pytest.approx(float(left.square().mean()))
    assert found.mse == pytest.approx(float(found.residual.square().mean()))


def test_the_factor_is_that_of_the_gram_matrix() -> None:
    found = plant().fit()
    gram = found.factor @ found.factor.T
    features = (found.design.unsqueeze(-1) * found.rates).permute(0, 2, 1).flatten(0, 1)
    torch.testing.assert_close(gram, features.T @ features / found.rates.shape[1], atol=1e-7, rtol=0)


def test_a_reaction_without_a_column_has_no_part_in_it() -> None:
    planted = plant()
    found = planted.fit(planted.without(3))
    others = [0, 1, 2, 4, 5]
    assert float(found.constant[3]) == 0.0
    smaller = plant([[row[j] for j in others] for row in CHAIN])
    alone = fit(replace(planted.problem, graph=smaller.problem.graph), planted.functions, smaller.columns)
    torch.testing.assert_close(found.constant[others], alone.constant, atol=1e-6, rtol=0)
    assert found.mse == pytest.approx(alone.mse)


def test_a_substrate_is_labelled_with_its_magnitude_and_one_that_is_absent_with_none() -> None:
    planted = plant(roles_told=False)
    labels = planted.fit().labels
    expected = torch.stack([planted.columns == -1, planted.columns == -2], 1).double()
    torch.testing.assert_close(labels, expected)


def test_messages_are_the_functions_at_the_concentrations_of_the_frames() -> None:
    planted = plant()
    messages = planted.fit().messages()
    for place in range(2):
        row = planted.functions.substrate[place]
        expected = planted.functions.substrate_grid.value(row, planted.problem.concentration)
        torch.testing.assert_close(messages[..., place], expected)


def test_a_rate_stays_finite_however_steep_its_function() -> None:
    functions = plant().functions
    steep = replace(functions, log_rate=1e3 * functions.log_rate)
    rates = steep.rate(torch.tensor([-3.0, 3.0], dtype=torch.float64))
    torch.testing.assert_close(rates.log(), torch.tensor([-20.0, 20.0], dtype=torch.float64))


def test_frames_are_picked_and_the_unit_of_a_metabolite_is_that_of_all_frames() -> None:
    observations = plant().observations
    problem = problem_of(observations, torch.tensor([5, 2]))
    scale = observations.dcdt.square().mean(1).sqrt()
    torch.testing.assert_close(problem.scale, scale)
    torch.testing.assert_close(problem.dcdt, (observations.dcdt / scale.unsqueeze(-1))[:, [5, 2]])
    torch.testing.assert_close(problem.concentration, observations.concentration[:, [5, 2]])
    single = replace(observations, dcdt=observations.dcdt.float())
    assert problem_of(single, torch.tensor([0])).dcdt.dtype == torch.float64


def test_a_metabolite_that_never_changes_has_a_unit_too() -> None:
    observations = plant().observations
    still = observations.dcdt.clone()
    still[1] = 0.0
    problem = problem_of(replace(observations, dcdt=still), torch.arange(9))
    assert bool(problem.dcdt.isfinite().all())


def test_values_of_edges_stand_where_the_graph_says() -> None:
    planted = plant()
    torch.testing.assert_close(planted.problem.matrix(planted.columns), torch.tensor(CHAIN, dtype=torch.float64))


def test_the_same_columns_are_not_fitted_again() -> None:
    planted = plant()
    found = planted.fit()
    assert with_columns(planted.problem, found, planted.columns.clone()) is found
    other = with_columns(planted.problem, found, planted.without(0))
    assert float(other.constant[0]) == 0.0
    assert other.functions is found.functions


def test_on_a_finer_grid_the_functions_are_the_same() -> None:
    planted = plant()
    coarse = planted.fit()
    functions = regrid(coarse, 45, 50)
    assert functions.substrate.shape == (2, 45)
    assert functions.log_rate.shape == (50,)
    fine = fit(planted.problem, functions, planted.columns)
    torch.testing.assert_close(fine.drive, coarse.drive, atol=1e-3, rtol=0)
    torch.testing.assert_close(fine.rates, coarse.rates, atol=1e-3, rtol=0)


def test_the_new_grid_of_the_rate_reaches_a_fiftieth_beyond_the_drives_that_occur() -> None:
    found = plant().fit()
    grid = regrid(found, 9, 10).rate_grid
    low, high = float(found.drive.min()), float(found.drive.max())
    assert grid.low == pytest.approx(low - 0.02 * (high - low))
    assert grid.high == pytest.approx(high + 0.02 * (high - low))


def test_a_problem_may_have_many_frames_or_one() -> None:
    planted = plant()
    one: Problem = problem_of(planted.observations, torch.tensor([0]))
    assert fit(one, planted.functions, planted.columns).rates.shape == (6, 1)
