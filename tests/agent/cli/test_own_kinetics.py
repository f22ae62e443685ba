"""Options of `stoichloop data` for models by their own rate laws."""

import pytest
from typer.testing import CliRunner

from agent.cli.main import app
from stoichloop.errors import StoichloopError


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["mm_tiny", "--samples", "10"], "--samples goes with --kinetics own"),
        (["mm_tiny", "--kinetics", "own"], "--kinetics own goes with --sbml FILE"),
        (["--sbml", "m.xml", "--kinetics", "own", "--sibling", "1"], "a model has rate laws once"),
    ],
)
def test_options_that_do_not_go_together_are_refused_by_name(options: list[str], message: str) -> None:
    done = CliRunner().invoke(app, ["data", *options])
    assert isinstance(done.exception, StoichloopError)
    assert message in str(done.exception)


def test_other_kinetics_are_refused() -> None:
    done = CliRunner().invoke(app, ["data", "--sbml", "m.xml", "--kinetics", "michaelis"])
    assert done.exit_code != 0
    assert done.exception is not None
