"""The owner of trials, and the campaign of a planner, as plain as they come."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from agent.analyzer.diagnostics.diagnose import Diagnostics
from agent.executor.artifacts import CurvePoint
from agent.executor.code.code_state import CodeState
from agent.executor.trial import Trial
from agent.planner.contract import Objection, Terms
from agent.planner.proposal import Proposal
from memory.records import Call, Device, Experiment


@dataclass
class Host:
    """A `TrialHost` that records its calls. Each attempt at a trial has a folder of its own under `folder`."""

    folder: Path
    observations: Path
    starts: list[tuple[str, int]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    room: Callable[[], bool] = lambda: True
    on_tick: Callable[[], None] = lambda: None

    def observations_of(self, training: Trial) -> Path:
        return self.observations

    def folder_of(self, training: Trial) -> Path:
        attempts = sum(name == training.id for name, _ in self.starts)
        return self.folder / f"{training.id.replace('/', '-')}.{attempts}"

    def has_room(self) -> bool:
        return self.room()

    def started(self, training: Trial, folder: Path, pid: int) -> None:
        self.starts.append((training.id, pid))

    def tick(self) -> None:
        self.on_tick()

    def note(self, sentence: str) -> None:
        self.notes.append(sentence)


class Times:
    """`TimeLimits` with one limit for every trial, and a clock that runs down from now."""

    def __init__(self, *, expected_s: float = 0.0, limit_s: float = 60.0, left_s: float = 1000.0) -> None:
        self._expected_s, self._limit_s, self._end = expected_s, limit_s, time.monotonic() + left_s

    def expected_s(self, training: Trial, device: Device) -> float:
        return self._expected_s

    def limit_s(self, training: Trial, device: Device) -> float:
        return self._limit_s

    def left_s(self) -> float:
        return self._end - time.monotonic()


@dataclass
class Campaign:
    """A `PlannerHost` whose experiments all have the same code."""

    state: CodeState
    curve: tuple[float, ...] = ()
    output: str = ""
    objections: Callable[[Proposal], Objection | None] = lambda _: None
    on_check: Callable[[], None] = lambda: None
    notes: list[str] = field(default_factory=list)
    told: Terms = field(default_factory=lambda: Terms(("S has 20 rows.",), {"probe": 50}, 2, 60.0))
    figures: Callable[[Experiment], Diagnostics | None] = lambda _: None

    def note(self, sentence: str) -> None:
        self.notes.append(sentence)

    def terms(self) -> Terms:
        return self.told

    def diagnostics_of(self, experiment: Experiment) -> Diagnostics | None:
        return self.figures(experiment)

    def state_of(self, experiment: Experiment) -> CodeState:
        return self.state

    def curve_of(self, experiment: Experiment) -> list[CurvePoint]:
        end, terms = len(self.curve), {"coeff_mass": 0.001}
        return [
            CurvePoint(step=n, steps=end, loss=v, loss_pred=v, penalties=terms) for n, v in enumerate(self.curve, 1)
        ]

    def output_of(self, experiment: Experiment) -> str:
        return self.output

    def objection(self, proposal: Proposal) -> Objection | None:
        return self.objections(proposal)

    def check(self) -> None:
        self.on_check()


@dataclass
class Calls:
    """A `CallLog` in memory."""

    made: list[Call] = field(default_factory=list)

    def calls(self) -> list[Call]:
        return list(self.made)

    def add_call(self, call: Call, asked: str = "", answered: str = "") -> None:
        self.made.append(call)
