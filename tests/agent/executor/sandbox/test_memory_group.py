"""Cgroups of commands, where this user can make them."""

import subprocess
from pathlib import Path

import pytest

from agent.executor.sandbox.memory_group import MemoryGroup, group_parent

needs_group = pytest.mark.skipif(group_parent() is None, reason="this user can make no memory cgroup here")


@needs_group
def test_the_kernel_ends_what_uses_more_and_nothing_is_left() -> None:
    parent = group_parent()
    assert parent is not None
    group = MemoryGroup.create(parent, 2**25)
    done = subprocess.run(["python3", "-c", "a = bytearray(b'a' * 2**26)"], preexec_fn=group.enter, check=False)
    assert done.returncode == -9
    assert group.overstepped()
    group.remove()
    assert not group.folder.exists()


@needs_group
def test_what_keeps_its_limit_is_not_blamed() -> None:
    parent = group_parent()
    assert parent is not None
    group = MemoryGroup.create(parent, 2**27)
    subprocess.run(["true"], preexec_fn=group.enter, check=True)
    assert not group.overstepped()
    group.remove()
    assert not group.folder.exists()


def test_a_folder_that_limits_no_memory_makes_no_group(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="does not limit memory"):
        MemoryGroup.create(tmp_path, 2**27)
    assert list(tmp_path.iterdir()) == []
