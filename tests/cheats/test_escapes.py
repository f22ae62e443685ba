"""The programs of `escapes`, as the user of the tests and, where that is root, as an ordinary user."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT, needs_sandbox

# A root's Python may lie in a home that others may not enter: they see it, alone, in a namespace of mounts.
_AS_NOBODY = """
home=$(echo "$1" | cut -d/ -f1-2)
if [ "$(stat -c %a "$home")" != 755 ] && [ "$home" = /root ]; then
    mount --bind "$1" "$2" && mount -t tmpfs -o mode=755 none "$home" || exit 9
    mkdir -p "$1" && mount --move "$2" "$1" || exit 9
fi
shift 2
exec setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
"""


def as_ordinary_user(aside: Path) -> list[str]:
    """Return the words before a command that root runs as an ordinary user; `aside` is an empty folder."""
    base = str(Path(sys.base_prefix).resolve())
    return ["unshare", "--mount", "--propagation", "private", "sh", "-c", _AS_NOBODY, "sh", base, str(aside)]


@needs_sandbox
@pytest.mark.parametrize("ordinary", [False, True], ids=["this user", "ordinary user"])
def test_no_program_gets_out_or_past_a_limit(ordinary: bool, tmp_path: Path) -> None:
    around: list[str] = []
    if ordinary:
        if os.geteuid() != 0:
            pytest.skip("this user is an ordinary one")
        around = as_ordinary_user(tmp_path)
        if (
            shutil.which("setpriv") is None
            or subprocess.run([*around, sys.executable, "-c", ""], check=False).returncode
        ):
            pytest.skip("here root cannot become another user who can run this Python")
    done = subprocess.run(
        [*around, sys.executable, "-B", "-m", "tests.cheats.escapes"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "HOME": "/nonexistent", "TMPDIR": "/tmp"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == {}
