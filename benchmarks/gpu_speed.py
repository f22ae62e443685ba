"""The speed of trials on a GPU: `python -m benchmarks gpu`.

Measures one full trial from its start to its score, the training alone, members that train together, the growth with
the network, the scores beside those of the CPU, and a campaign. Prints one JSON document in under 8 minutes; progress
goes to standard error. The growth and the members are read from the slope between a short and a longer training, so
that starts do not count.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import BaseModel, ConfigDict
from rich.console import Console

from agent.analyzer.scoring.score import score_artifact
from agent.base.campaign_request import CampaignRequest
from agent.base.interruption import Interruption
from agent.campaign.folder import open_campaign
from agent.campaign.utilisation import Utilisation, read_utilisation
from agent.executor.artifacts import ESTIMATE
from agent.executor.workspace import Workspace, find_workspace, head_commit
from agent.loop.explore import run_campaign
from benchmarks.machine import Machine, this_machine
from benchmarks.measure import dataset_of, refuse_failures
from benchmarks.speed import apart, random_network
from benchmarks.summary import Summary, summarise
from benchmarks.trials import BenchmarkRun, Finished, code_of, run_trials
from memory.ledger import Ledger
from simulator.dataset import Dataset
from stoichloop.errors import StoichloopError

_REGIME = "pde_m1"
_FULL_STEPS = 4000
_MEMBERS = (1, 8, 64, 256)
# Steps of the two trainings whose slope is the time of a step; both write a hundred points of their curves.
_SLOPE, _SLOPE_OF_MANY, _MANY = (200, 1200), (100, 300), 64
_REPEATS = 3
_SIZES = ((100, 256, 16), (2000, 4000, 1))  # metabolites, reactions, and members, for about as many edges
_SEEDS, _ALONE = 8, 3
_BUDGET = "90s"


class Together(BaseModel):
    """Members that train together. `same_bits` compares two trainings from the same seeds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    members: int
    milliseconds_a_step: float
    full_trials_an_hour: float
    gibibytes: float
    same_bits: bool


class GpuReport(BaseModel):
    """The output of `python -m benchmarks gpu`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    machine: Machine
    commit: str
    start_to_score_s: Summary
    training_alone_an_hour: float
    together: tuple[Together, ...]
    time_beyond_linear: float  # of the largest network over the smallest, by edges of all members
    exact: Summary
    exact_on_cpu: Summary
    campaign: str  # the use of its slots
    campaign_full_trials_an_hour: float
    campaign_gpu_busy: float | None


def gpu(
    device: Annotated[str, typer.Option(help="Device to measure, cuda; cpu only tries the command.")] = "cuda",
    members: Annotated[int, typer.Option(min=1, help="Members of the largest batch.")] = _MEMBERS[-1],
    budget: Annotated[str, typer.Option(help="Time of the campaign.")] = _BUDGET,
) -> None:
    """Measure trainings and a campaign on a GPU, and print the figures as JSON."""
    workspace, machine = find_workspace(Path.cwd()), this_machine()
    if device == "cuda" and not machine.gpus:
        raise StoichloopError("no GPU can be seen; run this where nvidia-smi lists one, or with --device cpu")
    dataset, say = dataset_of(workspace, _REGIME), partial(Console(stderr=True).print, highlight=False)
    say("a trial from start to score")
    seconds = _start_to_score(workspace)
    together = list[Together]()
    for count in (count for count in _MEMBERS if count <= members):
        say(f"members that train together: {count}")
        together.append(
            apart(_together, dataset.observations_path, device, count, _SLOPE if count < _MANY else _SLOPE_OF_MANY)
        )
    say("networks of two sizes")
    small, large = (apart(_time_an_edge, size, device, _SLOPE_OF_MANY) for size in _SIZES)
    say(f"scores of {_SEEDS} seeds, there and on the CPU")
    scores = apart(_scores, dataset, _FULL_STEPS, device, range(_SEEDS))
    with ProcessPoolExecutor(machine.cores, get_context("spawn")) as pool:
        one_by_one = [range(seed, seed + 1) for seed in range(_SEEDS)]
        on_cpu = list(pool.map(partial(_scores, dataset, _FULL_STEPS, "cpu"), one_by_one))
    say(f"a campaign of {budget}")
    use = _campaign(workspace, dataset, budget)
    report = GpuReport(
        machine=machine,
        commit=head_commit(workspace),
        start_to_score_s=summarise(seconds),
        training_alone_an_hour=together[0].full_trials_an_hour,
        together=tuple(together),
        time_beyond_linear=large / small,
        exact=summarise(scores),
        exact_on_cpu=summarise([score for one in on_cpu for score in one]),
        campaign=str(use),
        campaign_full_trials_an_hour=use.full_trials_an_hour,
        campaign_gpu_busy=use.gpu,
    )
    print(report.model_dump_json(indent=1))


def _start_to_score(workspace: Workspace) -> list[float]:
    """Return the seconds of `stoichloop train`, one after the other."""
    code = code_of(workspace, _REGIME)
    runs = [
        BenchmarkRun(regime=_REGIME, sibling=None, seed=seed, recipe=None, steps=_FULL_STEPS, code=code)
        for seed in range(_ALONE)
    ]
    with Interruption() as interruption:
        outcomes = list(run_trials(runs, workspace.root, 1, interruption.check))
    refuse_failures(outcomes)
    return [outcome.seconds for outcome in outcomes if isinstance(outcome, Finished)]


def _together(path: Path, device: str, members: int, slope: tuple[int, int]) -> Together:
    """Return the cost of a step of that many members, with seeds from 0."""
    import torch

    from gnn.observations import read_observations

    observations = read_observations(path, torch.device(device))
    first, again = (_timed(observations, members, slope[0])[0] for _ in range(2))
    step_s = _seconds_a_step(observations, members, slope)
    return Together(
        members=members,
        milliseconds_a_step=1e3 * step_s,
        full_trials_an_hour=3600.0 * members / (_FULL_STEPS * step_s),
        gibibytes=torch.cuda.max_memory_reserved() / 2**30 if device == "cuda" else 0.0,
        same_bits=first == again,
    )


def _time_an_edge(size: tuple[int, int, int], device: str, slope: tuple[int, int]) -> float:
    """Return the seconds of a step for each edge of members of a random network of (metabolites, reactions)."""
    import torch

    with torch.device(device):
        observations = random_network(*size[:2])
    _timed(observations, size[2], slope[0])  # imports
    return _seconds_a_step(observations, size[2], slope) / (size[2] * len(observations.graph.met_all))


def _seconds_a_step(observations: Any, members: int, slope: tuple[int, int]) -> float:
    """Return the median slope between a short and a longer training."""
    short, long = ([_timed(observations, members, steps)[1] for _ in range(_REPEATS)] for steps in slope)
    return (statistics.median(long) - statistics.median(short)) / (slope[1] - slope[0])


def _timed(observations: Any, members: int, steps: int) -> tuple[list[bytes], float]:
    """Return the coefficients of members after a training of the starting formulation, and its seconds."""
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        models = _trained(observations, Path(folder), range(members), steps)
        coefficients = [model.sto_all.detach().cpu().numpy().tobytes() for model in models]
        return coefficients, time.perf_counter() - began


def _scores(dataset: Dataset, steps: int, device: str, seeds: Sequence[int]) -> list[float]:
    """Return `exact` of each seed, after a training together."""
    import torch

    from gnn.estimate import write_estimate
    from gnn.observations import read_observations

    observations = read_observations(dataset.observations_path, torch.device(device))
    with tempfile.TemporaryDirectory() as folder:
        models = _trained(observations, Path(folder), seeds, steps)
        outs = [Path(folder) / str(seed) for seed in seeds]
        for model, out in zip(models, outs, strict=True):
            write_estimate(model, observations, out)
        return [score_artifact(out / ESTIMATE, dataset)["exact"] for out in outs]


def _trained(observations: Any, folder: Path, seeds: Sequence[int], steps: int) -> list[Any]:
    """Return models of the starting formulation, trained as `gnn.train` trains them."""
    import torch

    from gnn.config import Configuration
    from gnn.determinism import make_deterministic
    from gnn.train import Member, train_what_fits

    make_deterministic()
    members = [Member(Configuration(), seed, folder / str(seed)) for seed in seeds]
    for member in members:
        member.out.mkdir()
    models = train_what_fits(observations, members, steps)
    if None in models:
        raise StoichloopError("a training diverged")
    if observations.concentration.is_cuda:
        torch.cuda.synchronize()
    return models


def _campaign(workspace: Workspace, dataset: Dataset, budget: str) -> Utilisation:
    """Return the use of the slots in a new campaign without a model."""
    name = f"gpu-{time.strftime('%Y%m%d-%H%M%S')}"
    request = CampaignRequest(name=name, budget=budget, planner="sweep", fidelity="probe")
    with Interruption() as interruption:
        if run_campaign(workspace, dataset, request, check=interruption.check, quiet=True):
            raise KeyboardInterrupt
    with Ledger(open_campaign(workspace, name).ledger_path, readonly=True) as ledger:
        use = read_utilisation(ledger)
    assert use is not None
    return use
