"""A state of the code, and its configuration fields: read by running `gnn.config` as a process, never by import."""

from __future__ import annotations

import json
import math
import sys
import time
from pathlib import Path
from typing import Any

from agent.base.nearest_name import nearest_name
from agent.base.untrusted import last_words
from agent.executor.code.search_space import read_space, read_values
from agent.executor.sandbox.bubblewrap import Sandbox, SandboxedCommand
from agent.executor.sandbox.limits import Limits
from stoichloop.errors import StoichloopError, UsageError

PATIENCE_S = 60.0  # for one answer; all answers that a new proposal takes share it
_LIMITS = Limits(memory=4 * 2**30, file=4 * 2**20)
_CHARACTERS = 500  # of an error message of the code


class CodeState:
    """The code in a folder that holds a `gnn/`: the user's tree, or a worktree.

    Questions after `deadline`, in seconds of `time.monotonic`, are not asked any more.

    Attributes:
        declared: the fields as the code printed them.
        fields: the same, validated.
    """

    def __init__(self, folder: Path, sandbox: Sandbox, deadline: float = math.inf, declared: str | None = None) -> None:
        """Ask the code for its fields, within `sandbox`, unless its earlier answer, `declared`, is given.

        Raises `StoichloopError` if it cannot answer.
        """
        self.folder, self.deadline, self._sandbox = folder, deadline, sandbox
        self._answers: dict[str, str] = {}
        self.declared = self._ask() if declared is None else declared
        try:
            self.fields = read_space(self.declared)
        except ValueError as error:
            raise StoichloopError(f"python -m gnn.config: {error}") from error

    def resolve(self, changes: dict[str, Any]) -> dict[str, Any]:
        """Return the whole configuration with `changes` applied; raises `StoichloopError` naming the wrong key.

        Answers are cached: one call checks whether a proposal is new, a second one builds it.
        """
        for key in changes:
            if key not in self.fields and (near := nearest_name(key, self.fields)):
                raise UsageError(
                    f"configuration: key '{key}' is not a field of the configuration; did you mean '{near}'?"
                )
        question = json.dumps(changes, sort_keys=True)
        if question not in self._answers:
            self._answers[question] = self._ask("--resolve", given=question)
        try:
            return read_values(self._answers[question])
        except ValueError as error:
            raise StoichloopError(f"python -m gnn.config --resolve: {error}") from error

    def _ask(self, *arguments: str, given: str = "") -> str:
        seconds = min(PATIENCE_S, self.deadline - time.monotonic())
        if seconds <= 0:
            raise StoichloopError(f"python -m gnn.config took {PATIENCE_S:.0f} s for some of its answers")
        command = (sys.executable, "-m", "gnn.config", *arguments)
        job = SandboxedCommand(command, folder=self.folder, limits=_LIMITS, reads=(self.folder / "gnn",))
        answer = self._sandbox.ask(job, seconds, given)
        if answer.fault is not None:
            raise StoichloopError(f"python -m gnn.config was ended: {answer.fault}")
        if answer.status != 0:
            words = last_words(answer.complaint)[:_CHARACTERS] or f"exit status {answer.status}"
            # Asked about changes, code that answers at all refuses these.
            raise (UsageError if given else StoichloopError)(f"configuration: {words}")
        return answer.printed
