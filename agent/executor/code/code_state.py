"""A state of the code, and its configuration fields: read by running `gnn.config` as a process, never by import."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from agent.base.untrusted import last_words
from agent.executor.sandbox.bubblewrap import Sandbox, SandboxedCommand
from agent.executor.sandbox.limits import Limits
from stoichloop.errors import StoichloopError

_TIMEOUT_S = 60.0
_LIMITS = Limits(memory=4 * 2**30, file=4 * 2**20)


class Field(BaseModel):
    """One field of the configuration, as `python -m gnn.config` declares it.

    A `shared` field must have the same value in all trials that are trained together. Sweeps try the values of a field
    that is `swept`; other fields are for users, language models and ablations.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    value: Any
    kind: Literal["float", "int", "choice"]
    doc: str
    low: float | None = None
    high: float | None = None
    log: bool = False
    shared: bool = True
    swept: bool = True
    choices: tuple[str | int, ...] = ()


_FIELDS = TypeAdapter(dict[str, Field])
_CONFIGURATION = TypeAdapter(dict[str, float | int | str])


class CodeState:
    """The code in a folder that holds a `gnn/`: the user's tree, or a worktree."""

    def __init__(self, folder: Path, sandbox: Sandbox) -> None:
        """Ask the code for its fields, within `sandbox`; raises `StoichloopError` if it cannot answer."""
        self.folder, self._sandbox = folder, sandbox
        self._answers: dict[str, str] = {}
        try:
            self.fields = _FIELDS.validate_json(self._ask())
        except ValidationError as error:
            raise StoichloopError(
                f"{folder}: python -m gnn.config printed something that is not a search space"
            ) from error

    def resolve(self, changes: dict[str, Any]) -> dict[str, Any]:
        """Return the whole configuration with `changes` applied; raises `StoichloopError` naming the wrong key.

        Answers are cached: one call checks whether a proposal is new, a second one builds it.
        """
        question = json.dumps(changes, sort_keys=True)
        if question not in self._answers:
            self._answers[question] = self._ask("--resolve", given=question)
        try:
            return dict(_CONFIGURATION.validate_json(self._answers[question]))
        except ValidationError as error:
            raise StoichloopError(
                f"{self.folder}: python -m gnn.config --resolve printed something that is not a configuration"
            ) from error

    def _ask(self, *arguments: str, given: str = "") -> str:
        command = (sys.executable, "-m", "gnn.config", *arguments)
        job = SandboxedCommand(command, folder=self.folder, limits=_LIMITS, reads=(self.folder / "gnn",))
        answer = self._sandbox.ask(job, _TIMEOUT_S, given)
        if answer.fault is not None:
            raise StoichloopError(f"{self.folder}: python -m gnn.config was ended: {answer.fault}")
        if answer.status != 0:
            raise StoichloopError(f"configuration: {last_words(answer.complaint) or f'exit status {answer.status}'}")
        return answer.printed
