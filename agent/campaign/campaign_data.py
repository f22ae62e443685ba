"""A campaign's copy of the data that its trials are given: `runs/NAME/data/`, without the sealed part.

The data that another machine makes of the same regime differ in their last bits, and scores on them are not scores on
these. The copy tells such a difference from another one.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from stoichloop.errors import DatasetError, StoichloopError

if TYPE_CHECKING:
    from simulator.dataset import FrozenData

_FOLDER = "data"


def keep_data(dataset: FrozenData, campaign: Path) -> None:
    """Copy what trials are given, and the manifest, into the folder of a campaign."""
    from simulator.dataset import MANIFEST, OBSERVATIONS

    kept = campaign / _FOLDER
    kept.mkdir()
    for name in (MANIFEST, OBSERVATIONS):
        shutil.copyfile(dataset.folder / name, kept / name)


def refuse_other_data(campaign: Path, fingerprint: str, dataset: FrozenData) -> None:
    """Raise `StoichloopError` if `dataset` is not the one of the campaign, with how it differs and the mend."""
    if dataset.manifest.fingerprint() == fingerprint:
        return
    from simulator.comparison import compare

    try:
        how = f"these are {compare(dataset.folder, campaign / _FOLDER).sentence()}"
    except DatasetError:
        how = "it kept no copy to compare them with"
    raise StoichloopError(
        f"{dataset.folder}: the data are not the frozen ones that campaign '{campaign.name}' began with; {how}; put "
        f"the folder {dataset.folder.name} from where it began in their place, or choose another --campaign name"
    )
