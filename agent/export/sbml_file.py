"""Export of a recovered network as an SBML file, written by COBRApy."""

from __future__ import annotations

import tempfile
from pathlib import Path

from agent.training.recovered_network import RecoveredNetwork
from stoichloop.errors import StoichloopError


def write_sbml(network: RecoveredNetwork, path: Path) -> None:
    """Write SBML Level 3 with the fbc package atomically; raise `StoichloopError` if the file exists."""
    if path.exists():
        raise StoichloopError(f"--sbml {path}: exists already; choose another file name")
    model = network.to_cobra()
    from cobra.io import write_sbml_model

    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".stoichloop-", dir=path.parent) as scratch:
        draft = Path(scratch) / path.name
        write_sbml_model(model, str(draft))
        draft.rename(path)
