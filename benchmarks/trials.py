"""Trials as a user would run them: `stoichloop train ... --json`, each once, kept as a line of a file."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from pydantic import BaseModel, ConfigDict, ValidationError

from agent.analyzer.scoring.fingerprint import scoring_files
from agent.base.checked_yaml import read_document
from agent.base.untrusted import last_words
from agent.executor.workspace import Workspace
from agent.training.recipe import Recipe, find_recipe
from stoichloop.errors import StoichloopError

_POLL_S = 0.1
_PATIENCE_S = 10.0


class BenchmarkRun(BaseModel):
    """The identity of a trial.

    `recipe` None is the starting formulation, `steps` None the regime's full length; `settings` are changes of the
    configuration, each key=value; `code` is from `code_of`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    regime: str
    sibling: int | None
    seed: int
    recipe: str | None
    settings: tuple[str, ...] = ()
    steps: int | None = None
    code: str

    def arguments(self) -> list[str]:
        """Return the arguments after `stoichloop`."""
        words = ["train", self.regime, "--seed", str(self.seed), "--json"]
        words += ["--recipe", self.recipe] if self.recipe else []
        words += [word for setting in self.settings for word in ("--set", setting)]
        words += ["--steps", str(self.steps)] if self.steps else []
        return words + (["--sibling", str(self.sibling)] if self.sibling else [])

    def __str__(self) -> str:
        network = f"{self.regime} sibling {self.sibling}" if self.sibling else self.regime
        start = " ".join([f"{self.recipe or 'no'} recipe", *self.settings])
        return f"{network}, {start}, seed {self.seed}"


class Finished(BaseModel):
    """A trial that completed: what the command printed, and its wall-clock seconds, scoring included."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    trial: BenchmarkRun
    seconds: float
    printed: dict[str, Any]

    @property
    def scores(self) -> dict[str, float]:
        """Return every score by name, and `seconds`."""
        return {**self.printed["scores"], "seconds": self.seconds}

    def __str__(self) -> str:
        return f"exact_identifiable {self.scores['exact_identifiable']:.4f} in {self.seconds:.0f} s"


@dataclass(frozen=True)
class Failed:
    """A trial that did not complete. It is not kept: the next run tries it again."""

    trial: BenchmarkRun
    reason: str

    def __str__(self) -> str:
        return f"failed: {self.reason}"


def code_of(workspace: Workspace, regime: str, recipe: str | None = None) -> str:
    """Return one hash of all committed files that the score of a trial of `regime` depends on.

    They are what trains (gnn/, agent/training/), what makes data and scores them (the simulator, its regime and the
    files of the analyzer's fingerprint), and `recipe` with the moves that it names. Raises `StoichloopError` if one
    of them is not committed.
    """
    root, git = workspace.root, workspace.repo.git
    paths = ["gnn", "agent/training", f"simulator/regimes/{regime}.yaml"]
    try:
        paths += [path.relative_to(root).as_posix() for path in scoring_files(root)]
    except FileNotFoundError as error:
        raise StoichloopError(f"{error}; run this in a clone of stoichloop") from error
    if recipe is not None:
        paths += _recipe_paths(workspace, regime, recipe)
    if changed := git.status("--porcelain", "--", *paths).splitlines():
        raise StoichloopError(
            f"{root}: {changed[0].split(maxsplit=1)[1]} is not committed; commit it, "
            "so that figures belong to a state of the code"
        )
    listing = str(git.ls_tree("-r", "--full-tree", "HEAD", "--", *paths))
    committed = [line.partition("\t")[2] for line in listing.splitlines()]
    for path in paths:
        if not any(name == path or name.startswith(f"{path}/") for name in committed):
            raise StoichloopError(f"{root}: HEAD does not hold {path}; commit it")
    return hashlib.sha256(listing.encode()).hexdigest()[:24]


def _recipe_paths(workspace: Workspace, regime: str, recipe: str) -> list[str]:
    """Return the paths of a recipe and of its moves, relative to the repository."""
    file = (workspace.root / find_recipe(workspace, regime, recipe).path).resolve()
    if not file.is_relative_to(workspace.root):
        raise StoichloopError(f"--recipe {recipe}: not in {workspace.root}; commit it there")
    moves = read_document(file, Recipe).moves
    return [file.relative_to(workspace.root).as_posix(), *(f"moves/{move}" for move in moves)]


def read_results(path: Path) -> dict[BenchmarkRun, Finished]:
    """Return the finished trials of a JSON-lines file, if there is one; raises `StoichloopError` on any other line."""
    if not path.exists():
        return {}
    found: dict[BenchmarkRun, Finished] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            finished = Finished.model_validate_json(line)
        except ValidationError as error:
            raise StoichloopError(f"{path}: line {number} is not a finished trial; remove it") from error
        found[finished.trial] = finished
    return found


def keep(finished: Finished, path: Path) -> None:
    """Append a finished trial to a JSON-lines file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as stream:
        stream.write(finished.model_dump_json() + "\n")


def run_trials(
    trials: Sequence[BenchmarkRun], root: Path, jobs: int, check: Callable[[], None]
) -> Generator[Finished | Failed]:
    """Run trials in the repository at `root`, `jobs` at a time, and yield each as it ends.

    Whatever still runs when the caller leaves, or `check` raises, is ended.
    """
    waiting, running = deque(trials), list[_LiveRun]()
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                running.append(_LiveRun(waiting.popleft(), root))
            for process in [process for process in running if process.ended]:
                running.remove(process)
                yield process.outcome()
            check()
            time.sleep(_POLL_S)
    finally:
        for process in running:
            process.end()


@dataclass
class _LiveRun:
    """A running `stoichloop train`; its output goes to files."""

    trial: BenchmarkRun
    root: Path
    started: float = field(default_factory=time.monotonic)
    stdout: IO[bytes] = field(default_factory=tempfile.TemporaryFile)
    stderr: IO[bytes] = field(default_factory=tempfile.TemporaryFile)

    def __post_init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "agent.cli", *self.trial.arguments()],
            cwd=self.root,
            stdin=subprocess.DEVNULL,
            stdout=self.stdout,
            stderr=self.stderr,
        )

    @property
    def ended(self) -> bool:
        return self._process.poll() is not None

    def outcome(self) -> Finished | Failed:
        """Return its result."""
        seconds = time.monotonic() - self.started
        output, errors = self._read(self.stdout), self._read(self.stderr)
        if self._process.returncode != 0:
            return Failed(self.trial, last_words(errors) or f"exit status {self._process.returncode}")
        return Finished(trial=self.trial, seconds=round(seconds, 2), printed=json.loads(output))

    def end(self) -> None:
        """Ask it to stop, so that it ends its own trial; kill it if it does not."""
        self._process.terminate()
        try:
            self._process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()

    @staticmethod
    def _read(stream: IO[bytes]) -> str:
        with stream:
            stream.seek(0)
            return stream.read().decode("utf-8", errors="replace")
