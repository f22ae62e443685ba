"""Advice by the settings of a system, for each that can be in the way."""

from pathlib import Path

import pytest

from agent.executor.sandbox.remedy import remedy

FAULT, BWRAP = "bwrap: setting up uid map: Permission denied", Path("/usr/bin/bwrap")


@pytest.mark.parametrize(
    ("setting", "value", "mend"),
    [
        (
            "kernel/apparmor_restrict_unprivileged_userns",
            "1",
            "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
        ),
        ("kernel/unprivileged_userns_clone", "0", "sysctl -w kernel.unprivileged_userns_clone=1"),
        ("user/max_user_namespaces", "0", "sysctl -w user.max_user_namespaces=10000"),
    ],
)
def test_the_setting_that_is_in_the_way_is_named_with_its_mend(
    tmp_path: Path, setting: str, value: str, mend: str
) -> None:
    (tmp_path / setting).parent.mkdir()
    (tmp_path / setting).write_text(f"{value}\n")
    assert mend in remedy(FAULT, BWRAP, tmp_path)
    assert ("AppArmor" in remedy(FAULT, BWRAP, tmp_path)) == ("apparmor" in setting)
    (tmp_path / setting).write_text("7\n")
    assert remedy(FAULT, BWRAP, tmp_path, ()) == ""


def test_a_container_is_told_which_options_it_needs(tmp_path: Path) -> None:
    assert "--security-opt seccomp=unconfined" in remedy(FAULT, BWRAP, tmp_path, (str(tmp_path),))


def test_another_fault_gets_no_advice(tmp_path: Path) -> None:
    assert remedy("bwrap: Unknown option --perms", BWRAP, tmp_path, (str(tmp_path),)) == ""
