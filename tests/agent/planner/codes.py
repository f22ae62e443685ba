"""Experiments with code of a few lines each, and a campaign that has it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from agent.executor.code.code_state import CodeState
from agent.executor.code.patch import apply_diff
from agent.executor.code.scratch import difference, scratch_copy
from agent.planner.contract import Objection, Rung, Situation
from agent.planner.proposal import Proposal
from memory.records import Experiment, Role, Verdict
from tests.agent.experiments import scored, situation
from tests.agent.hosts import Campaign
from tests.conftest import UNCONTAINED

Texts = Mapping[str, str]
MODEL, TRAIN = "gnn/model.py", "gnn/train.py"
LINES = "".join(f"line{number} = {number}\n" for number in range(1, 10))
BASE = {MODEL: LINES, TRAIN: LINES}
CONFIGURATION = {"lr_S": 0.003, "width": 32, "depth": 2, "schedule": "constant"}
BASELINE_SCORES = [0.30, 0.32, 0.28, 0.30]  # the noise is 0.0163


def edited(text: str, **lines: str) -> str:
    """Return a text in which each line so named is another, as in line3="better"."""
    for name, new in lines.items():
        text = text.replace(f"{name} = {name.removeprefix('line')}\n", f"{new}\n")
    return text


class Codes:
    """Experiments of a campaign, which is `host`; each has the code that it was added with."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.past: list[Experiment] = []
        self.host = _CodeHost(CodeState(folder, UNCONTAINED, declared="{}"), folder=folder)
        self.add(None, BASELINE_SCORES, texts=BASE, accepted=True)

    @property
    def baseline(self) -> Experiment:
        return self.past[0]

    def add(
        self,
        parent: Experiment | None,
        scores: Sequence[float] = (),
        *,
        texts: Texts | None = None,
        accepted: bool = False,
        verdict: Verdict | None = None,
        **beside: Any,
    ) -> Experiment:
        """Add a judged experiment on a parent, with the parent's code unless there are other texts."""
        name = f"e{len(self.past) + 1:04d}"
        code = self._folder / name
        for file, text in (texts or self._texts_of(parent)).items():
            (code / file).parent.mkdir(parents=True, exist_ok=True)
            (code / file).write_text(text)
        judged = verdict or Verdict("accepted" if accepted else "rejected", "", number=len(self.past) + 1)
        configuration = {**(parent.configuration if parent else CONFIGURATION), **beside.get("changes", {})}
        made = scored(name, scores, verdict=judged, configuration=configuration, block=0 if parent is None else 1)
        patch = "" if texts is None or parent is None else self._patch(parent, texts)
        self.past.append(replace(made, **{"parent": parent.id if parent else None, "patch": patch, **beside}))
        return self.past[-1]

    def situation(self, parent: Experiment, rung: Rung = "code", roles: Sequence[Role] = ("exploit",)) -> Situation:
        made = situation(self.host.state, self.past, [(role, parent) for role in roles], rung=rung)
        return replace(made, host=self.host)

    def made_by(self, proposal: Proposal, file: str) -> str:
        """Return a file of the code that a proposal makes."""
        with scratch_copy(self._folder / proposal.parent) as folder:
            apply_diff(proposal.diff, folder)
            return (folder / file).read_text()

    def _texts_of(self, parent: Experiment | None) -> Texts:
        code = self._folder / (parent.id if parent else "")
        return {path.relative_to(code).as_posix(): path.read_text() for path in code.rglob("*.py")}

    def _patch(self, parent: Experiment, texts: Texts) -> str:
        def edit(folder: Path) -> None:
            for file in self._texts_of(parent):
                (folder / file).unlink()
            for file, text in texts.items():
                (folder / file).write_text(text)

        return difference(self._folder / parent.id, edit)


class _CodeHost(Campaign):
    def __init__(self, state: CodeState, folder: Path) -> None:
        super().__init__(state)
        self._code = folder
        self.refused: Callable[[Proposal], Objection | None] = lambda _: None

    def state_of(self, experiment: Experiment) -> CodeState:
        return CodeState(self._code / experiment.id, UNCONTAINED, declared="{}")

    def objection(self, proposal: Proposal) -> Objection | None:
        return self.refused(proposal)
