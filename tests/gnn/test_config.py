import json
import subprocess
import sys
from pathlib import Path

import pytest

from gnn.config import Configuration, describe, resolve
from gnn.tunable import ConfigurationError
from tests.conftest import ROOT


def test_the_search_space_has_the_fields_that_a_sweep_needs() -> None:
    fields = describe()
    assert {"lr_S", "lr_k", "lr_func", "coeff_S_L1", "coeff_S_L2", "coeff_mass", "coeff_S_integer"} <= set(fields)
    assert {"width", "depth", "batch_frames", "schedule", "init_scale_S"} <= set(fields)


@pytest.mark.parametrize("name", sorted(describe()))
def test_every_starting_value_lies_in_its_range(name: str) -> None:
    field = describe()[name]
    if field["kind"] == "choice":
        assert field["value"] in field["choices"]
    else:
        assert field["low"] <= field["value"] <= field["high"]
    assert field["doc"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"lr_s": 0.1}, "key 'lr_s' is not a field"),
        ({"lr_S": "fast"}, "key 'lr_S' has value 'fast'"),
        ({"lr_S": -1.0}, "key 'lr_S' has value -1.0"),
        ({"lr_S": float("nan")}, "key 'lr_S' has value nan"),
        ({"lr_S": True}, "key 'lr_S' has value True"),
        ({"depth": 1.5}, "key 'depth' has value 1.5"),
        ({"depth": 0}, "at least 1"),
        ({"schedule": "sometimes"}, "must be one of"),
        ({"width": 33}, "must be one of"),
    ],
)
def test_a_wrong_value_is_refused_with_its_key(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        resolve(changes)
    assert message in str(refusal.value)


def test_the_module_prints_json_without_importing_torch() -> None:
    code = "import sys, runpy; runpy.run_module('gnn.config', run_name='__main__'); assert 'torch' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == json.loads(json.dumps(describe()))


def test_changes_override_the_chosen_configuration_and_that_the_starting_values(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = tmp_path / "configuration.json"
    chosen.write_text('{"lr_S": 0.02, "width": 64}')
    monkeypatch.setattr("gnn.config.CHOSEN", chosen)
    assert resolve({"width": 16}) == Configuration(lr_S=0.02, width=16)
