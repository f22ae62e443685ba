"""One set of defaults: the command line, the Python interface and the request agree."""

import inspect
from dataclasses import MISSING, fields

import pytest

import stoichloop
from agent.base.campaign_request import CampaignRequest
from agent.cli.explore_command import explore

DEFAULTS = {field.name: field.default for field in fields(CampaignRequest) if field.default is not MISSING}


@pytest.mark.parametrize("function", [stoichloop.explore, explore], ids=["python", "command"])
def test_every_field_of_a_request_is_an_option_with_its_default(function: object) -> None:
    assert callable(function)
    parameters = inspect.signature(function).parameters
    assert {name: parameters[name].default for name in DEFAULTS} == DEFAULTS


def test_a_malformed_duration_is_refused_before_any_work() -> None:
    with pytest.raises(stoichloop.StoichloopError, match="--budget 'soon' is not a duration"):
        stoichloop.explore("pde_m1_tiny", budget="soon")
    with pytest.raises(stoichloop.StoichloopError, match="--patience 'soon' is not a duration"):
        stoichloop.explore("pde_m1_tiny", patience="soon")
