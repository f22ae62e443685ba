"""One set of defaults: the command line, the Python interface and the request agree."""

import inspect
from dataclasses import MISSING, fields
from typing import get_type_hints

import pytest

import stoichloop
from agent.base.campaign_request import RANGES, CampaignRequest
from agent.cli.explore_command import explore
from agent.loop.explore import planner_options

DEFAULTS = {field.name: field.default for field in fields(CampaignRequest) if field.default is not MISSING}


@pytest.mark.parametrize("function", [stoichloop.explore, explore], ids=["python", "command"])
def test_every_field_of_a_request_is_an_option_with_its_default(function: object) -> None:
    assert callable(function)
    parameters = inspect.signature(function).parameters
    # An option that may be given several times is None on the command line when it is not given.
    several = {name: () for name, default in DEFAULTS.items() if default == () and not parameters[name].default}
    assert {name: parameters[name].default for name in DEFAULTS} | several == DEFAULTS


def test_a_malformed_duration_is_refused_before_any_work() -> None:
    with pytest.raises(stoichloop.StoichloopError, match="--budget 'soon' is not a duration"):
        stoichloop.explore("pde_m1_tiny", budget="soon")
    with pytest.raises(stoichloop.StoichloopError, match="--patience 'soon' is not a duration"):
        stoichloop.explore("pde_m1_tiny", patience="soon")


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("context", 10, "--context 10 must be at least 4000"),
        ("tokens", -1, "--tokens -1 must be at least 0"),
        ("dollars", float("nan"), "--dollars nan must be at least 0"),
        ("workers", 0, "--workers 0 must be at least 1"),
        ("experiments", 0, "--experiments 0 must be from 1 to 1000000"),
        ("seed", 2**32, "--seed 4294967296 must be from 0 to 4294967295"),
        ("until", 0, "--until 0 must be above 0 and at most 1, like 0.999"),
        ("until", 1.5, "--until 1.5 must be above 0 and at most 1"),
        ("until", float("nan"), "--until nan must be above 0 and at most 1"),
    ],
)
def test_a_number_outside_its_range_is_refused_before_any_work(option: str, value: float, words: str) -> None:
    with pytest.raises(stoichloop.StoichloopError, match=words):
        stoichloop.explore("pde_m1_tiny", **{option: value})  # type: ignore[arg-type]


def test_a_move_that_does_not_exist_is_refused_with_those_that_do() -> None:
    for without in ("integer", ["sign_tied", "integer"]):
        with pytest.raises(stoichloop.StoichloopError, match=r"--without 'integer' must be one of .*integer_columns"):
            stoichloop.explore("pde_m1_tiny", without=without)


def test_a_tracker_of_an_unknown_kind_is_refused_before_any_work() -> None:
    for track in ("nowhere", ["mlflow:sqlite:///mlflow.db", "nowhere"]):
        with pytest.raises(stoichloop.StoichloopError, match="--track 'nowhere' must be mlflow:URI or wandb:PROJECT"):
            stoichloop.explore("pde_m1_tiny", track=track)


def test_the_command_that_resumes_names_what_may_be_given_several_times() -> None:
    request = CampaignRequest("night", model=("openai:a", "openai:b"), track=("wandb:nights",))
    assert request.command("pde_m1_tiny") == (
        "stoichloop explore pde_m1_tiny --campaign night --model openai:a --model openai:b --track wandb:nights"
    )


def test_a_planner_is_given_the_moves_to_leave_out_and_every_model() -> None:
    request = CampaignRequest("night", model=("openai:a", "openai:b"), without=("sign_tied",))
    options = planner_options(request)
    assert (options.models, options.without) == (("openai:a", "openai:b"), ("sign_tied",))


def test_the_command_line_has_the_same_ranges() -> None:
    options = {
        name: hint.__metadata__[0]
        for name, hint in get_type_hints(explore, include_extras=True).items()
        if name in RANGES
    }
    assert {name: (option.min, option.max) for name, option in options.items()} == RANGES
