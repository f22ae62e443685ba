"""Advice for a system that lets bubblewrap make no namespaces: the setting in the way, and what mends it."""

from __future__ import annotations

from pathlib import Path

_SETTINGS = Path("/proc/sys")
_REFUSED = ("Permission denied", "Operation not permitted", "No space left on device")
_APPARMOR = "kernel.apparmor_restrict_unprivileged_userns"
_CLOSED = {_APPARMOR: "1", "kernel.unprivileged_userns_clone": "0", "user.max_user_namespaces": "0"}
_MENDS = {_APPARMOR: "0", "kernel.unprivileged_userns_clone": "1", "user.max_user_namespaces": "10000"}
_CONTAINERS = ("/.dockerenv", "/run/.containerenv")


def remedy(
    fault: str, bubblewrap: Path | None, settings: Path = _SETTINGS, containers: tuple[str, ...] = _CONTAINERS
) -> str:
    """Return a sentence that follows a fault of bubblewrap's, empty where nothing is known to help."""
    if bubblewrap is None or not any(word in fault for word in _REFUSED):
        return ""
    for name, closed in _CLOSED.items():
        file = settings / name.replace(".", "/")
        if file.is_file() and file.read_text().strip() == closed:
            mend = f"; this system's setting {name} is {closed}: run 'sudo sysctl -w {name}={_MENDS[name]}'"
            return f"{mend}, or give {bubblewrap} an AppArmor profile with 'userns,'" if name == _APPARMOR else mend
    if any(Path(mark).exists() for mark in containers):
        return (
            "; this container's security profile forbids namespaces: start it with '--security-opt seccomp=unconfined "
            "--security-opt apparmor=unconfined --security-opt systempaths=unconfined'"
        )
    return ""
