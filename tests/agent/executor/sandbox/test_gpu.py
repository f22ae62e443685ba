"""GPUs as the driver tells of them; no GPU is needed."""

from pathlib import Path

import pytest

from agent.executor.sandbox.gpu import device_files, visible_gpus

INFORMATION = "Model: \t\t NVIDIA H200\nIRQ:   \t\t 64\nGPU UUID: \t {uuid}\nDevice Minor: \t {minor}\n"
SMI = """#!/bin/sh
echo "GPU 0: NVIDIA H200 (UUID: GPU-aaaa-1)"
echo "  MIG 1g.18gb     Device  0: (UUID: MIG-cccc-3)"
echo "GPU 1: NVIDIA H200 (UUID: GPU-bbbb-2)"
"""


@pytest.fixture
def machine(tmp_path: Path) -> tuple[Path, Path]:
    """Create /dev and /proc/driver/nvidia/gpus of two GPUs whose files are numbered the other way round."""
    devices, known = tmp_path / "dev", tmp_path / "gpus"
    devices.mkdir()
    for name in ("nvidia0", "nvidia1", "nvidiactl", "nvidia-uvm", "null"):
        (devices / name).touch()
    for uuid, bus, minor in (("GPU-aaaa-1", "3b", 1), ("GPU-bbbb-2", "af", 0)):
        folder = known / f"0000:{bus}:00.0"
        folder.mkdir(parents=True)
        (folder / "information").write_text(INFORMATION.format(uuid=uuid, minor=minor))
    return devices, known


def test_a_process_gets_the_file_of_its_gpu_and_no_others(machine: tuple[Path, Path]) -> None:
    names = {path.name for path in device_files("GPU-aaaa-1", *machine)}
    assert names == {"nvidia1", "nvidiactl", "nvidia-uvm", "dxg"}


def test_where_nobody_says_whose_file_it_is_all_are_there(machine: tuple[Path, Path]) -> None:
    names = {path.name for path in device_files("0", *machine)}
    assert names == {"nvidia0", "nvidia1", "nvidiactl", "nvidia-uvm", "dxg"}


def test_gpus_are_known_by_uuid_unless_somebody_allots_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "nvidia-smi").write_text(SMI)
    (tmp_path / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert visible_gpus() == ["GPU-aaaa-1", "GPU-bbbb-2"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2, 3")
    assert visible_gpus() == ["2", "3"]
