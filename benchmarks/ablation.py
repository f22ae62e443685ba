"""Ablation of what a substrate says to its reaction: gate x attention x activation, a few seeds each.

    python -m benchmarks.ablation --results runs/ablation.jsonl > ablation.json
    python -m benchmarks.ablation --results few.jsonl --steps 100 --seeds 1 --activation identity tanh

Each trial is a `stoichloop train` of the working tree's gnn/, scored by the analyzer, and a line of --results: the same
command resumes. A seed starts all arms from the same values, so arms are compared seed by seed. For arms with
attention, rollouts and held-out error are those of the mean share of attention (see `gnn/estimate.py`); scores of
coefficients are what they are.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from agent.errors import StoichloopError
from agent.executor.code_state import CodeState
from agent.executor.local import slots
from agent.workspace import find_workspace

# Field of the configuration and its option here.
FACTORS = {"gate": "--gate", "attention": "--attention", "message_activation": "--activation"}
SCORES = ("exact", "exact_identifiable", "skill", "recall_2", "sign_accuracy", "blind_dcdt_error", "test_pearson")

Record = dict[str, Any]
Arm = tuple[str, ...]  # a level of each factor


def trial(folder: Path, regime: str, settings: Sequence[str], seed: int, steps: int | None) -> Record:
    """Run one trial by the command line in `folder`; raises `StoichloopError` with its last words if it fails."""
    options = [word for setting in settings for word in ("--set", setting)]
    options += [] if steps is None else ["--steps", str(steps)]
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "agent.cli", "train", regime, "--seed", str(seed), "--json", *options],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise StoichloopError(done.stderr.strip() or f"exit status {done.returncode}")
    result: Record = json.loads(done.stdout)
    return {**result, "seconds": time.monotonic() - started}


def read_results(path: Path) -> list[Record]:
    """The trials of earlier runs; raises `StoichloopError` on a line that a killed run left half written."""
    records: list[Record] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines() if path.exists() else [], start=1):
        try:
            records.append(json.loads(line))
        except json.JSONDecodeError as error:
            raise StoichloopError(f"--results {path}: line {number} is no JSON; delete that line to resume") from error
    return records


def summarise(records: Sequence[Record], reference: Arm) -> list[Record]:
    """One entry an arm: medians over its seeds, the range of `exact`, and its median lead over the reference.

    The lead is taken seed by seed, over the seeds that both have; None without any.
    """
    arms: dict[Arm, dict[int, Record]] = {}
    for record in records:
        arm = tuple(record["configuration"][name] for name in FACTORS)
        arms.setdefault(arm, {})[record["seed"]] = record
    yardstick = {seed: record["scores"]["exact"] for seed, record in arms.get(reference, {}).items()}
    summary = []
    for arm, by_seed in arms.items():
        exact = {seed: record["scores"]["exact"] for seed, record in by_seed.items()}
        leads = [exact[seed] - yardstick[seed] for seed in exact if seed in yardstick]
        summary.append(
            {
                **dict(zip(FACTORS, arm, strict=True)),
                "seeds": sorted(by_seed),
                "exact_range": [min(exact.values()), max(exact.values())],
                "exact_lead": statistics.median(leads) if leads else None,
                **{name: statistics.median(r["scores"][name] for r in by_seed.values()) for name in SCORES},
                "seconds": statistics.median(record["seconds"] for record in by_seed.values()),
            }
        )
    return summary


def machine() -> Record:
    """What the trials ran on."""
    return {
        "platform": platform.platform(),
        "cores": os.cpu_count(),
        "trials_on": "CPU, one core" if slots(1) == [None] else "GPU",
        "python": platform.python_version(),
        "torch": version("torch"),
    }


def code_fingerprint(folder: Path) -> str:
    """A hash of `gnn/`: trials of another state of the code are not mixed with those of this one."""
    paths = [*sorted((folder / "gnn").glob("*.py")), folder / "gnn" / "configuration.json"]
    return hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()[:16]


def ablate(
    folder: Path, regime: str, levels: dict[str, list[str]], seeds: int, steps: int | None, results: Path
) -> Record:
    """Run the trials that `results` lacks and sum up; one that fails is named, and tried again next time.

    The first level of each factor together are the reference.
    """
    code = code_fingerprint(folder)
    failed, done, earlier = [], [], read_results(results)
    results.parent.mkdir(parents=True, exist_ok=True)
    wanted = list(itertools.product(range(seeds), itertools.product(*levels.values())))
    for number, (seed, arm) in enumerate(wanted, start=1):
        settings = [f"{name}={level}" for name, level in zip(levels, arm, strict=True)]
        asked: Record = {"code": code, "regime": regime, "seed": seed, "steps_asked": steps, "settings": settings}
        record = next((r for r in earlier if asked.items() <= r.items()), None)
        if record is None:
            print(f"{number}/{len(wanted)} seed {seed} {' '.join(settings)}", file=sys.stderr)
            try:
                record = {**asked, **trial(folder, regime, settings, seed, steps)}
            except StoichloopError as failure:
                failed.append({**asked, "reason": str(failure)})
                continue
            with results.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(record) + "\n")
        done.append(record)
    reference = {name: choices[0] for name, choices in levels.items()}
    return {
        "benchmark": "ablation",
        "regime": regime,
        "steps": done[0]["steps"] if done else steps,
        "code": code,
        "machine": machine(),
        "reference": reference,
        "arms": summarise(done, tuple(reference.values())),
        "failed": failed,
    }


def main() -> None:
    """Entry point of `python -m benchmarks.ablation`; every failure is one sentence and a non-zero exit status."""
    try:
        summary = _summary()
    except StoichloopError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit("interrupted; the same command resumes")
    print(json.dumps(summary, indent=1))
    if summary["failed"]:
        sys.exit(f"{len(summary['failed'])} trials failed; 'failed' says why, and the same command tries them again")


def _summary() -> Record:
    folder = find_workspace(Path.cwd()).root
    fields = CodeState(folder).fields
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.ablation", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--results", type=Path, required=True, help="JSON lines, one a trial; made or appended to")
    parser.add_argument("--regime", default="pde_m1")
    parser.add_argument("--steps", type=int, help="optimiser steps; default: the regime's full budget")
    parser.add_argument("--seeds", type=int, default=3, help="how many seeds, from 0")
    for name, option in FACTORS.items():
        known = [str(level) for level in fields[name].choices]
        parser.add_argument(option, dest=name, nargs="+", choices=known, default=known, help=fields[name].doc)
    arguments = parser.parse_args()
    levels: dict[str, list[str]] = {name: getattr(arguments, name) for name in FACTORS}
    return ablate(folder, arguments.regime, levels, arguments.seeds, arguments.steps, arguments.results)


if __name__ == "__main__":
    main()
