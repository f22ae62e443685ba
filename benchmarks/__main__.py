"""The benchmarks: `python -m benchmarks NAME`; `--help` lists the names."""

from __future__ import annotations

from benchmarks.ablation import ablation
from benchmarks.blind import blind
from benchmarks.containment import containment
from benchmarks.gpu_speed import gpu
from benchmarks.judging import judging
from benchmarks.kinetics import kinetics
from benchmarks.load import load
from benchmarks.measure import run_commands
from benchmarks.recovery import recovery
from benchmarks.slots import slots
from benchmarks.speed import speed
from benchmarks.sweeping import sweeping
from benchmarks.throughput import throughput
from benchmarks.turns import turns

if __name__ == "__main__":
    run_commands(
        ablation,
        blind,
        containment,
        gpu,
        judging,
        kinetics,
        load,
        recovery,
        slots,
        speed,
        sweeping,
        throughput,
        turns,
    )
