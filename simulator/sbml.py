"""Import of an SBML file as a regime: a real network under PDE_M1 kinetics.

The description lists all in which the network differs from the file; `simulator.sbml_reader` says why it does.
"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import yaml

from simulator.measured_regime import read_known
from simulator.network_settings import ImportedNetwork
from simulator.regime import REGIME_FOLDER, Regime
from simulator.sbml_reader import SbmlNetwork, read_network
from stoichloop.errors import RegimeError

# As pde_m1, except min_rate_variation: among many reactions, some rate varies little in every draw.
_SETTINGS: dict[str, Any] = {
    "kinetics": {"log_k": (-3.0, -1.0), "hidden": 32, "rate_spread": 1.5, "min_rate_variation": 0.1},
    "trajectories": {
        "count": 32,
        "heldout": 8,
        "frames": 90,
        "duration": 20.0,
        "initial": (1.0, 5.0),
        "floor": 0.05,
    },
    "observation": {
        "dcdt_noise": 0.0,
        "concentration_noise": 0.0,
        "dcdt_given": True,
        "decoys": 0.0,
        "roles_told": True,
    },
    "training": {"full_steps": 4000},
}


def import_regime(path: Path, folder: Path) -> Regime:
    """Return the regime of an SBML file, written to `folder` as NAME.yaml, or read if it exists.

    The name is that of `name_of`. Raises `RegimeError`.
    """
    regime = regime_of(path)
    target = folder / f"{regime.name}.yaml"
    if (REGIME_FOLDER / target.name).exists():
        raise RegimeError(f"--sbml {path}: '{regime.name}' is the name of another regime; rename the file")
    if target.exists():
        known = read_known(target)
        if not isinstance(known, Regime) or _reactions(known) != _reactions(regime):
            raise RegimeError(
                f"--sbml {path}: {target} was made from another network; rename the file, or move {target} and "
                f"{folder / regime.name} away"
            )
        return known
    folder.mkdir(parents=True, exist_ok=True)
    content = yaml.safe_dump(regime.model_dump(mode="json"), sort_keys=False, default_flow_style=None, width=110)
    target.write_text(content, encoding="utf-8")
    return regime


def _reactions(regime: Regime) -> dict[str, dict[str, int]]:
    return regime.network.reactions if isinstance(regime.network, ImportedNetwork) else {}


def regime_of(path: Path) -> Regime:
    """Return the regime of an SBML file: its network, a seed derived from it, and the settings of pde_m1."""
    read = read_network(path)
    network = read.network
    digest = hashlib.sha256(json.dumps(network.reactions, sort_keys=True).encode()).hexdigest()
    metabolites, reactions = len(network.metabolite_names), len(network.reactions)
    return Regime(
        name=name_of(path),
        title=f"{path.name}, {metabolites} metabolites x {reactions} reactions, exact dc/dt",
        description=f"Imported from {path.name}, with PDE_M1 kinetics. {' '.join(_differences(read))}",
        seed=2**127 + int(digest[:31], 16),
        network=network,
        **_SETTINGS,
    )


def _differences(read: SbmlNetwork) -> list[str]:
    """Return a sentence for each way in which the network differs from the file."""
    species = {"boundary species": read.boundary, "in no reaction that is kept": read.dropped}
    groups = {
        "Reactions left out": read.left_out,
        "Reactions kept otherwise than written": read.changed,
        "Species left out": {why: names for why, names in species.items() if names},
    }
    lists = {
        what: "; ".join(f"{len(names)} {why} ({', '.join(names)})" for why, names in group.items()) or "none"
        for what, group in (groups | ({"Without effect": read.unused} if read.unused else {})).items()
    }
    return [f"{what}: {names}." for what, names in lists.items()]


def name_of(path: Path) -> str:
    """Return the regime name of a user's file: its stem in lower case, with '_' for invalid characters."""
    stem = re.sub(r"(\.(csv|tsv|yaml|yml|xml|sbml|gz|bz2))+$", "", path.name, flags=re.IGNORECASE)
    return re.sub(r"^(?![a-z])", "n", re.sub(r"[^a-z0-9]+", "_", stem.lower()).strip("_"))
