"""Shared by all tests: the tiny regime, frozen once, and a repository of a user's to run in."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from filelock import FileLock
from git import Repo

from agent.base.campaign_request import CampaignRequest
from agent.campaign.folder import CampaignFolder, open_campaign
from agent.executor.sandbox.bubblewrap import Sandbox
from agent.executor.sandbox.environment import trial_environment
from agent.executor.sandbox.probe import find_sandbox
from agent.executor.workspace import Workspace
from agent.loop.explore import run_campaign
from simulator.dataset import Dataset, prepare
from simulator.generate import System
from simulator.kinetics.shared_functions import SharedFunctions
from simulator.measured.measurements import Measurements, import_measurements
from simulator.regime import Regime, find_regime
from tests.warm import run_warm

# A run in the background, or under nohup, may have been told to ignore these; what is tested here is that they work.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

# The workers of pytest have taken all cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")

ROOT = Path(__file__).parent.parent
EXAMPLE = ROOT / "docs" / "examples"
UNCONTAINED = Sandbox(None)
HOLDING = find_sandbox(ROOT)
# In a container without user namespaces all but what is about containment is tested without it.
needs_sandbox = pytest.mark.skipif(not HOLDING.holds, reason=f"no sandbox holds here: {HOLDING.reason}")
Command = Callable[..., subprocess.CompletedProcess[str]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start the longest test first: at the end, all other workers would wait for it."""
    items.sort(key=lambda item: "tests/cheats/" not in item.nodeid)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Return the frozen data of `pde_m1_tiny`; not to be changed."""
    return frozen(tmp_path_factory, "tiny", find_regime("pde_m1_tiny"))


def shared_functions(of: Dataset | System) -> SharedFunctions:
    """Return the true rate law of a regime whose reactions share two functions."""
    law = of.truth.law if isinstance(of, Dataset) else of.law
    assert isinstance(law, SharedFunctions)
    return law


@pytest.fixture(scope="session")
def sibling(tiny: Dataset) -> Dataset:
    """Return the frozen data of sibling 1 of a campaign on `pde_m1_tiny`; not to be changed."""
    return sibling_of(tiny, 1)


@pytest.fixture(scope="session", params=[(1.0, True), (0.0, False), (1.0, False)], ids=["decoy", "signs", "open"])
def veiled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Frozen data of `pde_m1_tiny` with decoys, without roles, and both; not to be changed."""
    regime = find_regime("pde_m1_tiny")
    decoys, roles_told = request.param
    observation = regime.observation.model_copy(update={"decoys": decoys, "roles_told": roles_told})
    veiled = regime.model_copy(update={"observation": observation})
    return frozen(tmp_path_factory, f"veiled-{decoys}-{roles_told}", veiled)


@pytest.fixture(scope="session")
def unbalanced(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Frozen data of `pde_m1_tiny` with columns that need not balance; not to be changed."""
    regime = find_regime("pde_m1_tiny")
    network = regime.network.model_copy(update={"mass_balanced": False})
    return frozen(tmp_path_factory, "unbalanced", regime.model_copy(update={"network": network}))


@pytest.fixture(scope="session")
def pathway(tmp_path_factory: pytest.TempPathFactory) -> Measurements:
    """Return the frozen data of the example of measurements; not to be changed."""
    return import_measurements(EXAMPLE / "pathway.csv", EXAMPLE / "pathway.yaml", tmp_path_factory.mktemp("data"))[0]


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """Return a folder that `make` fills: made by the first worker that asks, and shared by all."""
    base = factory.getbasetemp()
    place = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / name
    with FileLock(f"{place}.lock"):
        if not place.is_dir():
            draft = factory.mktemp("draft") / name
            make(draft)
            draft.rename(place)
    return place


def frozen(factory: pytest.TempPathFactory, name: str, regime: Regime) -> Dataset:
    """Return the data of a regime, frozen in a folder of this name by the first worker that asks."""
    return prepare(regime, made_once(factory, name, lambda draft: prepare(regime, draft)))[0]


@dataclass(frozen=True)
class Documented:
    """The results of the programs of docs/api.md: a user's repository, the campaign `night` in it, their output."""

    workspace: Workspace
    campaign: CampaignFolder
    printed: str


@pytest.fixture(scope="session")
def documented(tmp_path_factory: pytest.TempPathFactory, tiny: Dataset) -> Documented:
    """Run the programs of docs/api.md, once for all tests, with a quick training; only to be read."""
    pytest.importorskip("cobra")
    root = made_once(tmp_path_factory, "documented", lambda draft: run_documented(draft, tiny))
    workspace = Workspace(root, contained=HOLDING.holds)
    return Documented(workspace, open_campaign(workspace, "night"), (root / "printed.txt").read_text())


def run_documented(root: Path, tiny: Dataset) -> None:
    """Run the programs of docs/api.md in a user's repository at `root`, each with names of its own."""
    train_quickly(clone_for(root, tiny))
    programs = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "api.md").read_text(), re.DOTALL)
    with (
        contextlib.chdir(root),
        Path("printed.txt").open("w") as printed,
        contextlib.redirect_stdout(printed),
    ):
        for program in programs:
            exec(program, {})


@pytest.fixture
def workspace(tmp_path: Path, tiny: Dataset) -> Workspace:
    """Return a user's repository with our gnn/ committed, a file of the user's, and the tiny data in place.

    Those of the siblings are there too: no campaign of a test spends its time on freezing them.
    """
    return clone_for(tmp_path / "clone", tiny)


@pytest.fixture
def quick(workspace: Workspace) -> Workspace:
    """Return the user's repository with a training that is done at once."""
    return train_quickly(workspace)


def train_quickly(workspace: Workspace) -> Workspace:
    """Commit `tests/quick_train.py` to a user's repository as its training."""
    shutil.copy(ROOT / "tests" / "quick_train.py", workspace.root / "gnn" / "train.py")
    workspace.repo.git.commit("--all", "--message=a training that is done at once")
    return workspace


def clone_for(root: Path, tiny: Dataset) -> Workspace:
    """Such a repository at `root`."""
    for folder in ("gnn", "recipes"):
        shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__"))
    (root / "notes.txt").write_text("the user's own\n")
    (root / ".gitignore").write_text("data/\nruns/\n__pycache__/\n")
    for dataset in (tiny, *(sibling_of(tiny, number) for number in (1, 2, 3, 4))):
        shutil.copytree(dataset.folder, root / "data" / dataset.regime.name)
    start_repository(root)
    return Workspace(root, contained=HOLDING.holds)


def sibling_of(tiny: Dataset, number: int) -> Dataset:
    """Return the frozen data of a sibling of a campaign, made by the first worker that asks."""
    with FileLock(f"{tiny.folder.parent}.lock"):
        return prepare(tiny.regime.sibling(1000 + number), tiny.folder.parent)[0]


def start_repository(root: Path) -> Repo:
    """Commit what is in a folder to a new repository of a user's."""
    repo = Repo.init(root, initial_branch="main")
    with repo.config_writer() as config:
        config.set_value("user", "name", "A User")
        config.set_value("user", "email", "user@localhost")
    repo.git.add("--all")
    repo.git.commit("-m", "start")
    return repo


def lead(workspace: Workspace, tiny: Dataset, planner: str, experiments: int, without: tuple[str, ...] = ()) -> None:
    """Lead a campaign called night, of at most so many experiments, with two slots and short trials."""
    request = CampaignRequest(
        "night",
        budget="30m",
        experiments=experiments,
        planner=planner,
        fidelity="probe",
        workers=2,
        without=without,
    )
    dataset = prepare(find_regime(tiny.regime.name), workspace.data)[0]
    run_campaign(workspace, dataset, request, check=lambda: None)


def command_line(*arguments: str) -> list[str]:
    """Return the command line that runs the command as a process."""
    return [sys.executable, "-c", "from agent.cli.main import main; main()", *contained(*arguments)]


def contained(*arguments: str) -> list[str]:
    """Return the arguments of a command; where no sandbox holds, without one."""
    runs_code = arguments[0] in ("explore", "verify", "pick") or "--ablate" in arguments
    without = ["--no-sandbox"] if runs_code and not HOLDING.holds and "--no-sandbox" not in arguments else []
    return [*arguments, *without]


@pytest.fixture
def stoichloop(workspace: Workspace) -> Command:
    """Run `stoichloop ...` in the user's repository and return what it printed."""

    def run(*arguments: str, check: bool = True, timeout: float = 300.0) -> subprocess.CompletedProcess[str]:
        env = {**os.environ, "COLUMNS": "200"}
        done = run_warm("agent.cli", contained(*arguments), workspace.root, env, timeout)
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    return run


def train(
    dataset: Dataset, out: Path, *, seed: int = 0, steps: int = 20, config: str = "{}"
) -> subprocess.CompletedProcess[str]:
    """Run `python -m gnn.train` of the project as the executor does."""
    out.mkdir(parents=True)
    (out / "config.json").write_text(config)
    arguments: list[str | Path] = [
        "--observations",
        dataset.observations_path,
        "--config",
        out / "config.json",
        "--out",
        out,
    ]
    seeded = [*arguments, "--seed", str(seed), "--steps", str(steps)]
    return run_warm("gnn.train", seeded, ROOT, trial_environment(), timeout=120)
