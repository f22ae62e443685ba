"""An agent program proposes: it reads a question on standard input and prints its answer, a JSON object.

It runs in a folder of its own, which holds a copy of the parent's gnn/ and nothing else: paths among its arguments have
to be absolute. It inherits the environment, where agents have their keys.
"""

from __future__ import annotations

import errno
import hashlib
import json
import shlex
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from agent.base.untrusted import tail_of
from agent.executor.sandbox.sandboxed_process import end_group
from agent.planner.contract import ANSWERED, GIVEN_UP, Lesson, Options, Rung, Situation
from agent.planner.proposal import Proposal
from agent.planner.questions.answer import ErrorAnswerError, read_answer
from agent.planner.questions.lesson import LessonText
from agent.planner.questions.prompts import render_prompt
from agent.planner.questions.question import CORRECTIONS, AnswerT, Asked, next_question
from agent.planner.questions.quotation import quote
from agent.planner.questions.reading import Reading
from memory.records import Call
from stoichloop.errors import UsageError

_POLL_S = 0.05
_LAST_ANSWER = 8_000
_PRINTED = 1_000_000
_PATIENCE_S = 900.0
# What ends each start of a program alike: the system's errors, and the exit statuses of a shell and of `env`.
_NO_START = {errno.ENOENT, errno.EACCES, errno.EPERM, errno.ENOEXEC, errno.ENOTDIR, errno.ELOOP}
_NO_START_STATUS = {126: "cannot be run", 127: "is not found"}


@dataclass
class Command:
    """Runs `program`, a command line, for each role and each correction, for at most `patience_s` seconds each.

    Once `given_up`, it is run no more: it cannot be started, or reports an error that would come each time.
    """

    program: tuple[str, ...]
    fidelity: str
    patience_s: float = _PATIENCE_S
    name: str = "command"
    rungs: tuple[Rung, ...] = ("sweep", "code")
    waits: bool = True
    given_up: bool = field(default=False, init=False)
    prompt: str = field(default="", init=False)  # `Call.prompt` of the newest request

    def propose(self, situation: Situation) -> list[Proposal]:
        """See `Planner`. If the program fails, its answers until then count."""
        reading = Reading(situation, self.fidelity)
        proposals: list[Proposal] = []
        asked = 0
        while asked < len(situation.roles) and not self.given_up:
            question = next_question(situation, proposals, asked)
            worked = self._ask(question, question.text(reading))
            found = [p.model_copy(update={"prompt": self.prompt}) for p in question.proposals]
            proposals += found
            asked += max(1, len(found))
            if not worked:
                break
        return proposals

    def explain(self, situation: Situation, lesson: Lesson) -> Lesson:
        """See `Explainer`."""
        telling = LessonText(situation, lesson, self.fidelity)
        if telling.worth_asking and not self.given_up:
            self._ask(telling, Reading(situation, self.fidelity).lesson(lesson))
        return telling.lesson

    def _ask(self, question: Asked[AnswerT], text: str) -> bool:
        """Run the program, and again with the faults of its answer; the question keeps it. False if it fails."""
        last, objection = "", ""
        for _ in range(1 + CORRECTIONS):
            prompt = render_prompt(
                "answer.md.j2",
                system=question.rules(),
                question=text,
                schema=json.dumps(question.answers.model_json_schema(), indent=1),
                last=quote(last[-_LAST_ANSWER:], _LAST_ANSWER),
                objection=quote(objection, _LAST_ANSWER) if objection else "",
            )
            started = time.time()
            try:
                last = self._run(prompt, question)
                objection = _judge(last, question)
            except _ProgramError as error:
                self.given_up = error.final
                words = f"{GIVEN_UP}{error}; fix that and give the same command again" if error.final else str(error)
                self._record(prompt, started, words, question.situation)
                return False
            self._record(prompt, started, objection or question.outcome, question.situation, last)
            if not objection:
                break
        return True

    def _run(self, prompt: str, question: Asked[AnswerT]) -> str:
        """Run the program and return its output; raise `_ProgramError`."""
        code = question.situation.host.state_of(question.parent).folder / "gnn"
        with tempfile.TemporaryDirectory(prefix="stoichloop-", ignore_cleanup_errors=True) as scratch:
            # Files, not pipes: a program may leave either of them unread or unfinished.
            asked, printed, folder = Path(scratch, "question"), Path(scratch, "answer"), Path(scratch, "work")
            asked.write_text(prompt, encoding="utf-8")
            shutil.copytree(code, folder / "gnn", symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
            with asked.open("rb") as stdin, printed.open("wb") as stdout:
                try:
                    process = subprocess.Popen(
                        self.program,
                        cwd=folder,
                        stdin=stdin,
                        stdout=stdout,
                        stderr=subprocess.DEVNULL,
                        start_new_session=True,
                    )
                except OSError as error:
                    words = f"it cannot be started: {error.strerror}"
                    raise _ProgramError(words, final=error.errno in _NO_START) from error
                try:
                    status = self._wait(process, question.situation.host.check)
                finally:
                    end_group(process)
            if status in _NO_START_STATUS:
                raise _ProgramError(f"exit status {status}: a program {_NO_START_STATUS[status]}", final=True)
            if status != 0:
                raise _ProgramError(f"exit status {status}")
            return tail_of(printed, _PRINTED)

    def _wait(self, process: subprocess.Popen[bytes], check: Callable[[], None]) -> int:
        deadline = time.monotonic() + self.patience_s
        while time.monotonic() < deadline:
            check()
            with suppress(subprocess.TimeoutExpired):
                return process.wait(_POLL_S)
        raise _ProgramError(f"stalled: no answer in {self.patience_s:g} s")

    def _record(self, prompt: str, started: float, outcome: str, situation: Situation, answered: str = "") -> None:
        self.prompt = hashlib.sha256(prompt.encode()).hexdigest()
        situation.call_log.add_call(
            Call(
                planner=self.name,
                model=Path(self.program[0]).name,  # its arguments may hold secrets
                prompt=self.prompt,
                tokens_in=0,
                tokens_out=0,
                dollars=0.0,
                seconds=max(0.0, time.time() - started),
                outcome=outcome,
                called_at=started,
            ),
            prompt if answered else "",
            answered,
        )


class _ProgramError(Exception):
    """The program gave no answer, and if that is `final`, it never will.

    The message repeats nothing that the program printed, but for the words of an error, without a key.
    """

    def __init__(self, message: str, *, final: bool = False) -> None:
        super().__init__(message)
        self.final = final


def create(options: Options) -> Command:
    """See `agent.planner.registry.create_planner`."""
    try:
        program = tuple(shlex.split(options.program or ""))
    except ValueError as error:
        raise UsageError(f"--program {options.program}: cannot be read as a command line: {error}") from error
    if not program:
        raise UsageError(
            "--planner command needs --program 'PATH ARGUMENTS': it reads a question and prints a proposal as JSON"
        )
    path = shutil.which(program[0])
    if path is None:
        raise UsageError(f"--program {program[0]}: there is no such program")
    return Command((str(Path(path).absolute()), *program[1:]), options.fidelity, options.patience_s or _PATIENCE_S)


def _judge(printed: str, question: Asked[AnswerT]) -> str:
    """Return what is wrong with the output, empty if it is usable; raise `_ProgramError` if it is an error."""
    try:
        answer = read_answer(printed, question.answers)
    except ErrorAnswerError as error:
        raise _ProgramError(f"it reports an error: {error.error.words}", final=error.error.final) from error
    except ValueError as error:
        return f"malformed answer: {error}"
    objection = question.objection(answer)
    return f"{ANSWERED}, but {objection}" if objection else ""
