"""The fingerprint of the code that scores."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from agent.analyzer import scoring
from agent.base import untrusted

_ROOT = Path(__file__).parents[3]


@cache
def analyzer_fingerprint() -> str:
    """Return one SHA-256 of the code that scores.

    It covers this package, the reader of untrusted files, and the simulator, whose physics the scores are computed
    with.
    """
    digest = hashlib.sha256()
    for path in scoring_files():
        digest.update(path.relative_to(_ROOT).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def scoring_files() -> list[Path]:
    """Return the files that a score depends on, sorted."""
    folders = [Path(scoring.__file__).parent, _ROOT / "simulator"]
    found = [list(folder.rglob("*.py")) for folder in folders]
    # A folder that was moved away would otherwise leave the fingerprint equal for every change of it.
    assert all(found), f"no code that scores was found in {folders}"
    return sorted([*(path for files in found for path in files), Path(untrusted.__file__)])
