"""The fingerprint of the code that scores."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

_ROOT = Path(__file__).parents[3]
_FOLDERS = ("agent/analyzer/scoring", "simulator")
_FILES = ("agent/base/untrusted.py",)


@cache
def analyzer_fingerprint(root: Path = _ROOT) -> str:
    """Return one SHA-256 of the code below `root` that scores.

    It covers this package, the reader of untrusted files, and the simulator, whose physics the scores are computed
    with. Raises `FileNotFoundError` if one of them is not there.
    """
    digest = hashlib.sha256()
    for path in scoring_files(root):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def scoring_files(root: Path = _ROOT) -> list[Path]:
    """Return the files below `root` that a score depends on, sorted; raises `FileNotFoundError` if some are missing."""
    files = [root / file for file in _FILES]
    for name in _FOLDERS:
        found = list((root / name).rglob("*.py"))
        # A folder that was moved away would otherwise leave the fingerprint equal for every change of it.
        if not found:
            raise FileNotFoundError(f"{root / name}: no code that scores was found")
        files += found
    return sorted(files)
