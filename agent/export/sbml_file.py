"""A recovered network as an SBML file, written by COBRApy."""

from __future__ import annotations

import tempfile
from pathlib import Path

from agent.training.recovered_network import RecoveredNetwork
from stoichloop.errors import StoichloopError


def write_sbml(network: RecoveredNetwork, path: Path) -> None:
    """Write SBML Level 3 with the package fbc to a file that must not be there yet: all of it, or nothing."""
    if path.exists():
        raise StoichloopError(f"--sbml {path}: exists already; name a file that does not")
    model = network.to_cobra()
    from cobra.io import write_sbml_model

    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".stoichloop-", dir=path.parent) as scratch:
        draft = Path(scratch) / path.name
        write_sbml_model(model, str(draft))
        draft.rename(path)
