"""The cost of a training step: `python -m benchmarks speed`.

Three ways of training the same model are timed in turns, one process a core, each with one thread: a reference that
takes one frame at a time, the same with whole mini-batches, and `gnn.train`. The reference is also timed alone, as it
runs when it is just started, with the threads that torch takes. Then the cost of `gnn.train` is followed from
100 x 256 to 2,000 x 4,000. Prints one JSON document; progress goes to standard error.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from pydantic import BaseModel, ConfigDict
from rich.console import Console

from agent.executor.workspace import find_workspace, head_commit
from benchmarks.machine import Machine, this_machine
from benchmarks.measure import dataset_of
from benchmarks.summary import Summary, summarise

_STEPS = {"by frame": 60, "by batch": 30, "gnn.train": 100}
_FRAMES = 128
_SQUARE = 2048  # of the matrices whose product is the measure of a core
_SIZES = ((100, 256), (200, 512), (500, 1000), (1000, 2000), (2000, 4000))
_WORK = 40_000  # reactions times steps, at each size
_EDGES = (2, 2)  # substrates and products of each reaction of a network that is only to be large

_Result = TypeVar("_Result")


class Size(BaseModel):
    """The cost of a step at one size. `beyond_linear` is time and memory over those of the smallest, by edges."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    metabolites: int
    reactions: int
    edges: int
    milliseconds: Summary
    mebibytes: float
    time_beyond_linear: float
    memory_beyond_linear: float


class SpeedReport(BaseModel):
    """The output of `python -m benchmarks speed`. Rates are frames a second, of all processes together."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    machine: Machine
    commit: str
    processes: int
    multiply_gflops: Summary  # of one core
    mflop_a_frame: float  # where every point goes through a perceptron
    frames_a_second: dict[str, Summary]
    by_frame_alone: Summary
    times_by_frame: dict[str, float]
    times_by_frame_alone: dict[str, float]
    share_of_multiply: dict[str, float]  # as if every point went through a perceptron
    sizes: tuple[Size, ...]


def speed(
    rounds: Annotated[int, typer.Option(min=1, help="Rounds of timing; medians are printed.")] = 5,
    largest: Annotated[int, typer.Option(min=1, max=5, help="Sizes of networks to time, the smallest first.")] = 5,
) -> None:
    """Time training steps and print the rates as JSON."""
    workspace, console = find_workspace(Path.cwd()), Console(stderr=True)
    path = dataset_of(workspace, "pde_m1").observations_path
    machine = this_machine()
    alone, every = list[float](), list[dict[str, float]]()
    for number in range(rounds):
        console.print(f"round {number + 1} of {rounds}", highlight=False)
        alone.append(apart(_rate_alone, path, _STEPS["by frame"]))
        with ProcessPoolExecutor(machine.cores, get_context("spawn")) as pool:
            every += list(pool.map(partial(_rates, counts=_STEPS, square=_SQUARE), [path] * machine.cores))
    names = list(_STEPS)
    together = [every[first : first + machine.cores] for first in range(0, len(every), machine.cores)]
    rates = {name: summarise([sum(one[name] for one in part) for part in together]) for name in names}
    loop = summarise(alone)
    multiply = summarise([one["multiply"] / 1e9 for one in every])
    operations = every[0]["operations"]
    console.print("sizes", highlight=False)
    sizes = [apart(_cost, size, _WORK) for size in _SIZES[:largest]]
    print(
        SpeedReport(
            machine=machine,
            commit=head_commit(workspace),
            processes=machine.cores,
            multiply_gflops=multiply,
            mflop_a_frame=operations / 1e6,
            frames_a_second=rates,
            by_frame_alone=loop,
            times_by_frame={name: rates[name].median / rates["by frame"].median for name in names},
            times_by_frame_alone={name: rates[name].median / loop.median for name in names},
            share_of_multiply={
                name: rates[name].median / machine.cores * operations / (multiply.median * 1e9) for name in names
            },
            sizes=tuple(cost.beyond(sizes[0]) for cost in sizes),
        ).model_dump_json(indent=1)
    )


def apart(function: Callable[..., _Result], *arguments: Any) -> _Result:
    """Call a function in a new process, with its own memory and threads."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def _rate_alone(path: Path, count: int) -> float:
    import torch

    from benchmarks.reference import by_frame
    from gnn.observations import read_observations

    step = by_frame(read_observations(path, torch.device("cpu")))
    return _rate(step, count)


def _rates(path: Path, counts: Mapping[str, int], square: int) -> dict[str, float]:
    """Return frames a second of each way, multiply-adds a second of a matrix product, and operations a frame."""
    import torch

    from benchmarks.reference import by_batch, by_frame, operations
    from gnn.observations import read_observations

    torch.set_num_threads(1)
    observations = read_observations(path, torch.device("cpu"))
    steps = {"by frame": by_frame(observations), "by batch": by_batch(observations, _FRAMES)}
    rates = {name: _rate(step, counts[name]) for name, step in steps.items()}
    count = counts["gnn.train"]
    rates["gnn.train"] = _FRAMES * count / _train(observations, count)
    a, b = torch.randn(2, square, square)
    products = _rate(lambda _: len([a @ b]), 5)
    return {**rates, "multiply": 2.0 * square**3 * products, "operations": operations(observations)}


def _rate(step: Callable[[int], int], count: int) -> float:
    """Return the work that `step` reports, a second."""
    step(0)
    began = time.perf_counter()
    frames = sum(step(number) for number in range(count))
    return frames / (time.perf_counter() - began)


def _train(observations: Any, steps: int) -> float:
    """Return the seconds of that many steps of the starting formulation."""
    from gnn.config import Configuration
    from gnn.determinism import make_deterministic
    from gnn.train import Member, train

    make_deterministic()
    with tempfile.TemporaryDirectory() as folder:
        member = Member(Configuration(batch_frames=_FRAMES), 0, Path(folder))
        train(observations, [member], 2)
        began = time.perf_counter()
        train(observations, [member], steps)
        return time.perf_counter() - began


@dataclass(frozen=True)
class _NetworkCost:
    metabolites: int
    reactions: int
    edges: int
    milliseconds: tuple[float, ...]
    mebibytes: float

    def beyond(self, smallest: _NetworkCost) -> Size:
        """Return the size with its costs over the linear extrapolation from the smallest network."""
        times, first = summarise(self.milliseconds), summarise(smallest.milliseconds)
        larger = self.edges / smallest.edges
        return Size(
            metabolites=self.metabolites,
            reactions=self.reactions,
            edges=self.edges,
            milliseconds=times,
            mebibytes=self.mebibytes,
            time_beyond_linear=times.median / (larger * first.median),
            memory_beyond_linear=self.mebibytes / (larger * smallest.mebibytes),
        )


def _cost(size: tuple[int, int], work: int) -> _NetworkCost:
    """Return time, and memory beyond the program's, of steps on a random network of (metabolites, reactions)."""
    import torch

    torch.set_num_threads(1)
    _train(random_network(20, 30), 2)  # the program itself
    before = _memory("VmRSS")
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak starts anew
    observations = random_network(*size)
    steps = max(4, work // size[1])
    times = tuple(1e3 * _train(observations, steps) / steps for _ in range(3))
    return _NetworkCost(*size, len(observations.graph.met_all), times, _memory("VmHWM") - before)


def _memory(kind: str) -> float:
    """Return the mebibytes of this process, now or at its peak, as Linux counts them."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{kind}:")) / 1024


def random_network(metabolites: int, reactions: int) -> Any:
    """Return random observations, without any physics, of the size of one mini-batch."""
    import torch

    from gnn.observations import Constraints, Graph, Observations, RateStructure

    torch.manual_seed(0)
    substrates, products = _EDGES
    members = torch.stack([torch.randperm(metabolites)[: substrates + products] for _ in range(reactions)])
    role = torch.tensor([-1] * substrates + [1] * products).repeat(reactions)
    met_all, rxn_all = members.reshape(-1), torch.arange(reactions).repeat_interleave(substrates + products)
    sub_to_all = torch.nonzero(role < 0).squeeze(-1)
    graph = Graph(metabolites, reactions, met_all[sub_to_all], rxn_all[sub_to_all], met_all, rxn_all, sub_to_all, role)
    frames = 2 * _FRAMES
    concentration, dcdt = torch.rand(2, metabolites, frames)
    constraints = Constraints((1, 2), True, 3, 3, False)
    time, structure = torch.arange(frames).view(1, -1).float(), RateStructure.read({}, graph, frames)
    return Observations(graph, constraints, time, concentration, dcdt, structure)
