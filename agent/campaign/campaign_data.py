"""A campaign's copy of the data that its trials are given: `runs/NAME/data/`, without the sealed part.

Those of a sibling network are kept beside the campaign's own, in `data/sibling1/`.

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


def kept_data(campaign: Path, sibling: int = 0) -> Path:
    """Return the folder of the copy, of the campaign's own data or of those of a sibling."""
    return campaign / _FOLDER / f"sibling{sibling}" if sibling else campaign / _FOLDER


def keep_data(dataset: FrozenData, campaign: Path, sibling: int = 0) -> None:
    """Copy what trials are given, and the manifest, into the folder of a campaign; all of it or nothing."""
    from simulator.dataset import MANIFEST, OBSERVATIONS

    kept = kept_data(campaign, sibling)
    draft = kept.with_name(f".{kept.name}")
    shutil.rmtree(draft, ignore_errors=True)  # of a process that was killed
    draft.mkdir(parents=True)
    for name in (MANIFEST, OBSERVATIONS):
        shutil.copyfile(dataset.folder / name, draft / name)
    draft.rename(kept)


def refuse_other_data(campaign: Path, fingerprint: str, dataset: FrozenData, sibling: int = 0) -> None:
    """Raise `StoichloopError` if `dataset` is not the one of the campaign, with how it differs and the mend."""
    if dataset.manifest.fingerprint() == fingerprint:
        return
    from simulator.comparison import compare

    try:
        how = f"these are {compare(dataset.folder, kept_data(campaign, sibling)).sentence()}"
    except DatasetError:
        how = "it kept no copy to compare them with"
    raise StoichloopError(
        f"{dataset.folder}: the data are not the frozen ones that campaign '{campaign.name}' began with; {how}; put "
        f"the folder {dataset.folder.name} from where it began in their place, or choose another --campaign name"
    )
