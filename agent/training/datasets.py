"""Access to frozen data by regime name or file, for the commands and the Python interface."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from agent.base.console import Console
from agent.executor.workspace import current_workspace
from stoichloop.errors import UsageError

if TYPE_CHECKING:
    from simulator.dataset import Dataset
    from simulator.measured.measurements import Measurements
    from simulator.published.import_published import Request


def find_data(
    regime: str | None,
    sbml: Path | None,
    csv: Path | None,
    network: Path | None,
    sibling: int | None,
    *,
    own: Request | None = None,
    quiet: bool,
) -> tuple[Dataset | Measurements, bool]:
    """Return the data that the arguments of `stoichloop data` select, and whether they were frozen just now.

    With `own`, the model of `sbml` is simulated by its own rate laws.
    """
    from simulator.measured.measurements import import_measurements
    from simulator.measured.petab_problem import is_petab
    from simulator.sbml import import_regime

    ways = (regime is not None, sbml is not None, csv is not None or network is not None)
    petab = csv is not None and is_petab(csv)
    if (csv is None) != (network is None) and not petab:
        given, missing = ("--csv", "--network") if network is None else ("--network", "--csv")
        raise UsageError(f"{given} FILE needs {missing} FILE beside it: the one has the data, the other the network")
    if sum(ways) != 1:
        raise UsageError(
            "give a REGIME, or --sbml FILE, or --csv FILE with --network FILE; 'stoichloop regimes' lists regimes"
        )
    if csv is not None:
        with Console(stderr=True, quiet=quiet).working(f"reading {csv}"):
            data, frozen = import_measurements(csv, network, current_workspace().data)
        return (data, frozen) if sibling is None else dataset_of(data.regime.name, sibling, quiet=quiet)
    if sbml is not None and own is not None:
        from simulator.published.import_published import import_published

        with Console(stderr=True, quiet=quiet).working(f"simulating {sbml}"):
            return import_published(sbml, own, current_workspace().data)
    if sbml is not None:
        with Console(stderr=True, quiet=quiet).working(f"reading {sbml}"):
            regime = import_regime(sbml, current_workspace().data).name
    assert regime is not None
    return dataset_of(regime, sibling, quiet=quiet)


def dataset_of(
    name: str, sibling: int | None = None, *, quiet: bool = False, root: Path | None = None
) -> tuple[Dataset | Measurements, bool]:
    """Return the data of a regime or its sibling, and whether they were generated just now.

    `root` is the folder of datasets, None for that of the current folder's clone.
    """
    from simulator.dataset import prepare
    from simulator.measured.measurements import find_measurements
    from simulator.measured_regime import Measured, find_known

    root = root or current_workspace().data
    regime = find_known(name, root)
    if sibling is not None:
        regime = regime.sibling(sibling)
    with Console(stderr=True, quiet=quiet).working(f"preparing the data of {regime.name}"):
        return (find_measurements(regime, root), False) if isinstance(regime, Measured) else prepare(regime, root)
