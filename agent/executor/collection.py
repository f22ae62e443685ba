"""Collection of a trial's results: plain files of known names, and nothing else."""

from __future__ import annotations

import os
import stat
import subprocess
from contextlib import suppress
from pathlib import Path

from agent.executor.artifacts import HANDED_IN

_AT_ONCE, _BLOCK = 500, 2**20
_OWN = stat.S_IRUSR | stat.S_IWUSR
_READABLE = 0o644


def copy_plain(source: Path, target: Path, most: int) -> None:
    """Copy at most the first `most` bytes of a regular file, whatever its mode; raises `OSError` for anything else."""
    found = os.open(source, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(found).st_mode):
            raise OSError(f"{source} is not a regular file")
        held = Path(f"/proc/self/fd/{found}")
        with suppress(OSError):
            held.chmod(_OWN)
        draft = target.with_name(f"{target.name}.draft")
        with held.open("rb") as stream, draft.open("wb") as copy:
            while most > 0 and (block := stream.read(min(most, _BLOCK))):
                copy.write(block)
                most -= len(block)
        draft.replace(target)
    finally:
        os.close(found)


def tidy(folder: Path) -> None:
    """Leave plain files of the names that a trial hands in, and nothing else; a trial may have locked its folder."""
    with suppress(OSError):
        folder.chmod(stat.S_IRWXU)
    kept = [path for path in map(folder.joinpath, HANDED_IN) if path.is_file() and not path.is_symlink()]
    for path in kept:
        path.chmod(_READABLE)
    strange = [str(path) for path in folder.iterdir() if path not in kept]
    # Not by shutil, which calls itself for each folder in a folder: there may be any number.
    for first in range(0, len(strange), _AT_ONCE):
        some = strange[first : first + _AT_ONCE]
        subprocess.run(["chmod", "-R", "u+rwX", "--", *some], check=False, stderr=subprocess.DEVNULL)
        subprocess.run(["rm", "-rf", "--", *some], check=False, stderr=subprocess.DEVNULL)
