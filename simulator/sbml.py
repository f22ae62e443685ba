"""Import of an SBML file as a regime, through COBRApy: a real network under PDE_M1 kinetics.

Reactions that PDE_M1 cannot express are left out and listed in the description: reactions with one side only
(exchange, demand, sink), reactions with a coefficient that is not an integer (biomass), and reactions with
one above `LARGEST_COEFFICIENT`. A metabolite on both sides of a reaction counts by its net coefficient. A
reversible reaction runs in the direction in which it is written. A metabolite without a reaction is dropped.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
from pathlib import Path
from typing import Any

import yaml

from simulator.measured_regime import read_known
from simulator.regime import REGIME_FOLDER, ImportedNetwork, Regime
from stoichloop.errors import RegimeError
from stoichloop.extras import how_to_install

LARGEST_COEFFICIENT = 6

_ONE_SIDED = "with one side only"
_NOT_INTEGER = "with a coefficient that is not an integer"
_TOO_LARGE = f"with a coefficient above {LARGEST_COEFFICIENT}"

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
    network, left_out = read_network(path)
    digest = hashlib.sha256(json.dumps(network.reactions, sort_keys=True).encode()).hexdigest()
    metabolites, reactions = len(network.metabolite_names), len(network.reactions)
    gone = [f"{len(names)} {why} ({', '.join(names)})" for why, names in left_out.items()]
    return Regime(
        name=name_of(path),
        title=f"{path.name}, {metabolites} metabolites x {reactions} reactions, exact dc/dt",
        description=f"Imported from {path.name}, with PDE_M1 kinetics. Reversible reactions run in their written "
        f"direction. Reactions left out: {'; '.join(gone) or 'none'}.",
        seed=2**127 + int(digest[:31], 16),
        network=network,
        **_SETTINGS,
    )


def name_of(path: Path) -> str:
    """Return the regime name of a user's file: its stem in lower case, with '_' for invalid characters."""
    stem = re.sub(r"(\.(csv|xml|sbml|gz|bz2))+$", "", path.name, flags=re.IGNORECASE)
    return re.sub(r"^(?![a-z])", "n", re.sub(r"[^a-z0-9]+", "_", stem.lower()).strip("_"))


def read_network(path: Path, option: str = "--sbml") -> tuple[ImportedNetwork, dict[str, list[str]]]:
    """Return the network of an SBML file, given by `option`, and the reactions left out, by reason."""
    reactions: dict[str, dict[str, int]] = {}
    left_out: dict[str, list[str]] = {}
    for reaction in _read_model(path, option).reactions:
        column = {metabolite.id: float(s) for metabolite, s in reaction.metabolites.items() if s}
        if reason := _unfit(list(column.values())):
            left_out.setdefault(reason, []).append(reaction.id)
        else:
            reactions[reaction.id] = {name: int(s) for name, s in sorted(column.items())}
    if not reactions:
        raise RegimeError(
            f"{option} {path}: has no reaction that turns metabolites into others with integer coefficients of at "
            f"most {LARGEST_COEFFICIENT}; give another model"
        )
    return ImportedNetwork(source=path.name, reactions=reactions), left_out


def _unfit(column: list[float]) -> str | None:
    if not min(column, default=0.0) < 0.0 < max(column, default=0.0):
        return _ONE_SIDED
    if not all(s.is_integer() for s in column):
        return _NOT_INTEGER
    return _TOO_LARGE if max(map(abs, column)) > LARGEST_COEFFICIENT else None


def _read_model(path: Path, option: str) -> Any:
    """Return COBRApy's model of a local file; nothing is downloaded."""
    try:
        from cobra.io import read_sbml_model
        from cobra.io.sbml import CobraSBMLError
    except ImportError as error:
        raise RegimeError(
            f"{option} {path}: COBRApy, which reads SBML, is missing; {how_to_install('networks')}"
        ) from error
    if not path.is_file():
        raise RegimeError(f"{option} {path}: there is no such file")
    log = logging.getLogger("cobra")
    level = log.level
    log.setLevel(logging.CRITICAL)  # silences notes on bounds and annotations, which are unused here
    try:
        return read_sbml_model(str(path))
    except (CobraSBMLError, OSError, UnicodeDecodeError) as error:
        raise RegimeError(f"{option} {path}: cannot be read as an SBML model; check it with another tool") from error
    finally:
        log.setLevel(level)
