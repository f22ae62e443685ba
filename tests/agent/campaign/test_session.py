"""The lead of a campaign is kept by the kernel's clock, whatever `time.time` returns."""

import os
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from agent.campaign.session import age_s, is_alive, this_controller
from memory.records import RunningTrial


def trial(pid: int) -> RunningTrial:
    return RunningTrial("e0001/s0/probe", "e0001", 10, "folder", pid, 0.0)


def test_a_controller_is_known_though_the_clock_was_set_back(monkeypatch: pytest.MonkeyPatch) -> None:
    session = this_controller()
    monkeypatch.setattr("time.time", lambda: 0.0)
    assert is_alive(session)
    assert this_controller().born_at == session.born_at


def test_another_process_of_the_same_number_is_not_taken_for_it() -> None:
    session = this_controller()
    assert not is_alive(replace(session, born_at=session.born_at - 1.0))
    assert not is_alive(replace(session, pid=2**22 + 1))
    assert not is_alive(None)


def test_a_trial_runs_if_it_is_the_controllers_and_is_as_old_as_it_is() -> None:
    session = this_controller()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        time.sleep(0.3)
        age = age_s(trial(child.pid), session)
        assert age is not None
        assert 0.2 < age < 60.0
        assert age_s(trial(child.pid), replace(session, pid=1)) is None
        child.kill()
    assert age_s(trial(child.pid), session) is None
    assert age_s(trial(os.getpid()), session) is None
