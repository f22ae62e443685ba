"""Identity of the controller process of a campaign, independent of the machine's clock."""

from __future__ import annotations

import os
import time
from pathlib import Path

from memory.records import RunningTrial, Session

_BORN, _PARENT = 19, 1  # fields of /proc/PID/stat after the name, see proc(5)
_TICKS = os.sysconf("SC_CLK_TCK")  # a second


def this_controller(command: str = "") -> Session:
    """Return the session of the current process; `command` resumes its campaign."""
    born_at = _born_at(os.getpid())
    assert born_at is not None
    return Session(os.getpid(), born_at, time.time(), command)


def is_alive(session: Session | None) -> bool:
    """Return whether the controller of a session still runs; a recycled process id does not fool it."""
    return session is not None and _born_at(session.pid) == session.born_at


def age_s(trial: RunningTrial, session: Session) -> float | None:
    """Return the seconds that a session's trial has been running, None if it does not run."""
    stat = _stat(trial.pid)
    if stat is None or int(stat[_PARENT]) != session.pid:
        return None
    return time.clock_gettime(time.CLOCK_BOOTTIME) - int(stat[_BORN]) / _TICKS


def _born_at(pid: int) -> float | None:
    """Return the start time of a process in seconds since boot, None if there is no such process."""
    stat = _stat(pid)
    return None if stat is None else int(stat[_BORN]) / _TICKS


def _stat(pid: int) -> list[str] | None:
    """Return the fields of /proc/PID/stat from the state on."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return text.rpartition(")")[2].split()
