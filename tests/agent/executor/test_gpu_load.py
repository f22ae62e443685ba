"""The load of GPUs, from a stand-in for `nvidia-smi`."""

import time
from pathlib import Path

import pytest

from agent.executor.gpu_load import GpuLoad


def sampled_in_time(load: GpuLoad) -> float | None:
    until = time.monotonic() + 10.0
    while (share := load.sampled()) is None and time.monotonic() < until:
        time.sleep(0.01)
    return share


def test_the_load_is_the_mean_of_samples_since_the_last_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool, gate = tmp_path / "nvidia-smi", tmp_path / "gate"
    tool.write_text(
        '#!/bin/sh\ncase "$*" in *--id=0,1*) ;; *) exit 1 ;; esac\nprintf "60\\n[N/A]\\n20\\n"\n'
        f'while [ ! -e {gate} ]; do sleep 0.05; done\nprintf "100\\n"\nsleep 60\n'
    )
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    load = GpuLoad({"1", "0"})
    try:
        assert sampled_in_time(load) == pytest.approx(0.4)
        assert load.sampled() is None
        gate.touch()
        assert sampled_in_time(load) == 1.0
    finally:
        load.close()


def test_without_a_gpu_or_the_tool_nothing_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for gpus in ((), ("0",)):
        load = GpuLoad(gpus)
        assert load.sampled() is None
        load.close()
