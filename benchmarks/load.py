"""The responsiveness of a long campaign: `python -m benchmarks load`.

The loop itself, its planner, git, ledger and texts, leads the first and the last experiments of a long campaign in a
throw-away repository; those in between are written into the ledger and git as the loop would have left them. Trials
are synthetic: their scores are drawn instead of trained, so all the time that passes is overhead. Prints one JSON
document; progress goes to standard error.
"""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

import psutil
import typer
from git import Repo
from pydantic import BaseModel, ConfigDict

from agent.analyzer.judging.findings import find
from agent.analyzer.judging.noise import Noise
from agent.base.console import Console
from agent.campaign.budget import Budget, grant
from agent.campaign.folder import CampaignFolder, start_campaign
from agent.executor.code.code_state import CodeState
from agent.executor.code.search_space import Field
from agent.executor.local import LocalExecutor
from agent.executor.workspace import Workspace, find_workspace, head_commit
from agent.loop.controller import Controller
from agent.loop.loop import lead
from agent.planner.contract import Options, Planner, Rung, Situation
from agent.planner.proposal import Proposal
from agent.planner.registry import create_planner
from agent.screen.live import LiveView
from benchmarks.machine import Machine, this_machine
from benchmarks.measure import dataset_of
from benchmarks.summary import Summary, summarise
from memory.formatting import SHOWN_SCORES
from memory.ledger import Ledger
from memory.records import Decision, Experiment, TrialKey, TrialResult, Verdict, experiment_name
from simulator.dataset import Dataset

_NAME, _YEAR_S, _MIB = "load", 365 * 86400.0, 2**20
_ASKED, _BLOCK, _SLOTS = 5, 6, [None, None]
_TAUGHT = 10  # of so many blocks in between, one is closed with findings


class Stretch(BaseModel):
    """A part of the campaign: seconds that one proposal took to plan, and one experiment from plan to verdict."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    experiments: tuple[int, int]
    planning: Summary
    whole: Summary
    resident_mib: float


class LoadReport(BaseModel):
    """The output of `python -m benchmarks load`. Times are seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    machine: Machine
    commit: str
    experiments: int
    start: Stretch
    end: Stretch
    status: Summary
    search: Summary
    memory_lines: int
    ledger_mib: float


@dataclass
class Timed:
    """A planner that notes how long each block took to plan, a proposal, and how large this process was then."""

    planner: Planner
    rungs: tuple[Rung, ...] = ("sweep",)
    name: str = "sweep"
    blocks: list[tuple[float, float, int, float]] = field(default_factory=list)

    def propose(self, situation: Situation) -> list[Proposal]:
        """See `Planner`."""
        began = time.monotonic()
        proposals = self.planner.propose(situation)
        took = (time.monotonic() - began) / max(1, len(proposals))
        resident = psutil.Process().memory_info().rss / _MIB
        self.blocks.append((began, took, len(situation.past), resident))
        return proposals

    def stretch(self) -> Stretch:
        """Return the figures of all blocks but the baseline's."""
        each = [(b[0] - a[0]) / (b[2] - a[2]) for a, b in pairwise(self.blocks)]
        return Stretch(
            experiments=(self.blocks[0][2], self.blocks[-1][2]),
            planning=summarise([took for _, took, _, _ in self.blocks]),
            whole=summarise(each),
            resident_mib=self.blocks[-1][3],
        )


class Synthetic(Controller):
    """A controller whose trials are drawn: no experiment is better than another, and none takes any time."""

    def start_trials(self, wanted: Sequence[TrialKey]) -> None:
        """See `Controller.start_trials`: they end at once."""
        for experiment, seed, fidelity, _ in wanted:
            self._ledger.add_result(_result(experiment, seed, fidelity))
            self._ledger.keep_copy()


def load(
    experiments: Annotated[int, typer.Option(min=300, help="Experiments of the whole campaign.")] = 10_000,
    led: Annotated[
        int, typer.Option(min=60, max=150, help="Experiments to run with the loop at the start, and at the end.")
    ] = 60,
) -> None:
    """Measure the cost of the first and the last experiments of a long campaign and print it as JSON."""
    here, console = find_workspace(Path.cwd()), Console(stderr=True)
    dataset = dataset_of(here, "pde_m1_tiny")
    with tempfile.TemporaryDirectory(prefix="stoichloop-") as scratch:
        workspace = throw_away_repository(here, Path(scratch))
        campaign = start_campaign(workspace, _NAME, dataset, planner="sweep", fidelity="probe", seed=0)
        console.print(f"the first {led} experiments")
        start = _lead(workspace, campaign, dataset, led)
        console.print(f"writing down those up to {experiments - led}")
        _fill(workspace, campaign, experiments - led)
        console.print(f"the last {led} experiments")
        end = _lead(workspace, campaign, dataset, led)
        found = LoadReport(
            machine=this_machine(),
            commit=head_commit(here),
            experiments=experiments,
            start=start,
            end=end,
            status=_ask(workspace, "status", _NAME),
            search=_ask(workspace, "log", _NAME, "--search", "e0042"),
            memory_lines=(campaign.folder / "memory.md").read_text(encoding="utf-8").count("\n"),
            ledger_mib=campaign.ledger_path.stat().st_size / _MIB,
        )
    print(found.model_dump_json(indent=1))


def throw_away_repository(here: Workspace, scratch: Path) -> Workspace:
    """Create a repository with our gnn/ alone; its configuration is read in the same sandbox."""
    shutil.copytree(here.root / "gnn", scratch / "gnn", ignore=shutil.ignore_patterns("__pycache__"))
    repo = Repo.init(scratch, initial_branch="main")
    with repo.config_writer() as config:
        config.set_value("user", "name", "A User")
        config.set_value("user", "email", "user@localhost")
    repo.git.add("--all")
    repo.git.commit("--quiet", "--message=start")
    return replace(here, root=scratch)


def _lead(workspace: Workspace, campaign: CampaignFolder, dataset: Dataset, experiments: int) -> Stretch:
    """Lead the campaign through so many more experiments."""
    planner = Timed(create_planner("sweep", Options(seed=0, fidelity="probe")))
    silent = Console(quiet=True)
    with campaign.lead(), Ledger(campaign.ledger_path) as ledger, LiveView(silent, campaign, ledger) as view:
        account = Budget(ledger, grant(ledger, _YEAR_S, experiments))
        create_executor = partial(LocalExecutor, _SLOTS)
        with Synthetic(
            workspace, campaign, dataset, ledger, account, view, planner, create_executor, lambda: None, ""
        ) as controller:
            lead(controller)
    return planner.stretch()


def _fill(workspace: Workspace, campaign: CampaignFolder, count: int) -> None:
    """Bring a campaign to `count` experiments, each drawn from the space, rejected, and kept in git."""
    state = CodeState(workspace.root, workspace.sandbox)
    draw = random.Random(0)
    with Ledger(campaign.ledger_path) as ledger:
        past = ledger.experiments()
        base = past[0]
        places = range(len(past) + 1, count + 1)
        refs = (f"create refs/experiments/{_NAME}/{experiment_name(place)} {base.commit}\n" for place in places)
        subprocess.run(["git", "update-ref", "--stdin"], cwd=workspace.root, input="".join(refs), text=True, check=True)
        for first in range(0, len(places), _BLOCK):
            number = ledger.next_block()
            block = [_drawn(base, place, state.fields, number, draw) for place in places[first : first + _BLOCK]]
            ledger.open_block(Decision("sweep", 0.1, "synthetic"), block)
            for e in block:
                ledger.add_result(_result(e.id, 0, "probe"))
                ledger.add_verdict(e.id, Verdict("rejected", "screened out at probe", base.id, -0.01))
                ledger.add_landing(e.id, str(e.commit))
            taught = number % _TAUGHT == 0
            findings = find(ledger.experiments(), [], {"probe": Noise(0.05, 3)}, number, "exact") if taught else ()
            ledger.close_block(number, f"{len(block)} rejected", findings)


def _drawn(base: Experiment, place: int, fields: Mapping[str, Field], block: int, draw: random.Random) -> Experiment:
    """Draw an experiment from the search space."""
    values = {name: _value(field, draw) for name, field in fields.items()}
    return replace(
        base,
        id=experiment_name(place),
        block=block,
        parent=base.id,
        hypothesis=f"{', '.join(list(values)[:4])} and others recover more coefficients than {base.id}",
        changes=values,
        configuration={**base.configuration, **values},
        fingerprint=f"{place:064d}",
        landed=None,
        trials=(),
        verdict=None,
    )


def _value(field: Field, draw: random.Random) -> Any:
    if field.low is None or field.high is None:
        return draw.choice(field.choices)
    value = field.low * (field.high / field.low) ** draw.random() if field.log else draw.uniform(field.low, field.high)
    return round(value) if field.kind == "int" else value


def _result(experiment: str, seed: int, fidelity: str) -> TrialResult:
    """Return a drawn result of a trial."""
    draw = random.Random(f"{experiment} {seed} {fidelity}")
    exact = draw.gauss(0.5, 0.05)
    scores = {name: draw.random() for name in SHOWN_SCORES} | {"exact": exact}
    folder = f"experiments/{experiment}/s{seed}-{fidelity}"
    trial = f"{experiment}/s{seed}/{fidelity}"
    return TrialResult(trial, experiment, seed, fidelity, "completed", "", scores, 20.0, folder, time.time())


def _ask(workspace: Workspace, *arguments: str) -> Summary:
    """Return the time of a command from its start to its end."""
    seconds = []
    for _ in range(_ASKED):
        began = time.monotonic()
        subprocess.run(
            [sys.executable, "-m", "agent.cli", *arguments],
            cwd=workspace.root,
            check=True,
            capture_output=True,
        )
        seconds.append(time.monotonic() - began)
    return summarise(seconds)
