"""Controller side of the cluster: sends calls to the broker process and polls for answers."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import IO

from agent.base.untrusted import last_words, tail_of
from agent.executor.cluster.cluster_file import ClusterFile
from agent.executor.cluster.line_reader import LineReader
from agent.executor.cluster.messages import (
    Examination,
    ExaminationRequest,
    Farewell,
    Order,
    RemoteCall,
    RemoteFunction,
    RemoteResult,
)
from agent.executor.sandbox.environment import environment_elsewhere
from stoichloop.errors import StoichloopError

BROKER = "agent.executor.cluster.broker"  # a name: importing it would import Parsl
_POLL_S = 0.1
_ENDING_S = 90.0  # for a scheduler to take back its jobs
_TAIL_BYTES = 4096
_TRIES = 3


class Workers:
    """Context in which `cluster` has workers for the clone in `root`; Parsl's files go into `folder`.

    `note` is called with sentences for the user.
    """

    def __init__(self, cluster: ClusterFile, root: Path, folder: Path, note: Callable[[str], None]) -> None:
        self.cluster, self.root, self._folder, self._note = cluster, root, folder, note
        self._log = folder / "parsl.log"
        self._answers: dict[int, RemoteResult] = {}
        self._calls = self._signs = 0
        self._left: list[str] | None = None

    def __enter__(self) -> Workers:
        """Start the broker; it submits jobs, and workers come as the scheduler starts them."""
        if any(letter.isspace() for letter in str(self._folder)):
            raise StoichloopError(f"{self._folder}: Parsl cannot work below a folder with a space in its name")
        self._folder.mkdir(exist_ok=True)
        self.shared = Path(tempfile.mkdtemp(prefix="shared-", dir=self._folder))
        order = Order(cluster=self.cluster, folder=self._folder)
        with self._log.open("ab") as log:
            self._broker = subprocess.Popen(
                [sys.executable, "-m", BROKER, order.model_dump_json()],
                cwd=self._folder,
                env=environment_elsewhere(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,  # what is typed at our terminal is for us
            )
        self._input, self._output = _pipe(self._broker.stdin), _pipe(self._broker.stdout)
        self._lines = LineReader(self._output.fileno())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Have the broker end all workers and their jobs, and note the jobs that did not end."""
        try:
            self._input.close()
            deadline = time.monotonic() + _ENDING_S
            while self._take(_POLL_S) and time.monotonic() < deadline:
                pass
            self._broker.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self._broker.kill()
            self._broker.wait()
        finally:
            self._output.close()
            shutil.rmtree(self.shared, ignore_errors=True)
        if self._left is None or self._left:
            jobs = ", ".join(self._left or ()) or "perhaps all of them"
            self._note(f"jobs may be left with the scheduler, {jobs}; end them there; see {self._log}")

    @property
    def pid(self) -> int:
        """Process id of the broker on this machine, which stands for the workers."""
        return self._broker.pid

    def ask(self, function: RemoteFunction, given: str) -> int:
        """Have a free worker call a function; return the number of the call."""
        self._calls += 1
        call = RemoteCall(number=self._calls, function=function, given=given)
        try:
            self._input.write(call.model_dump_json().encode() + b"\n")
            self._input.flush()
        except BrokenPipeError:
            self._lament()
        return self._calls

    def answer(self, number: int) -> RemoteResult | None:
        """Return the result of a call once, None before it has come; raise `StoichloopError` if none can come."""
        if number not in self._answers and not self._take(0.0):
            self._lament()
        answer = self._answers.pop(number, None)
        if answer is not None and answer.fault is not None:
            raise StoichloopError(f"a worker cannot do its work: {answer.fault}")
        return answer

    def is_over(self, number: int) -> bool:
        """Return whether a call has an answer, or can get none any more."""
        return number in self._answers or not self._take(0.0) or number in self._answers

    def examine(self, check: Callable[[], None]) -> Examination:
        """Wait for the first worker and examine its machine; `check` is called meanwhile.

        Raises `StoichloopError` if no worker comes, or none lives long enough to answer.
        """
        for _ in range(_TRIES):
            number = self.ask("examine", ExaminationRequest(root=self.root, shared=self.shared).model_dump_json())
            while (answer := self.answer(number)) is None:
                check()
                time.sleep(_POLL_S)
            if answer.returned is not None:
                return Examination.model_validate_json(answer.returned)
        raise StoichloopError(f"workers are lost as soon as they start; see {self._log}")

    def new_sign(self) -> Path:
        """Return the path of a file on the shared disk that does not exist yet."""
        self._signs += 1
        return self.shared / str(self._signs)

    def _take(self, seconds: float) -> bool:
        """Read messages of the broker, waiting `seconds` at most; return false once it has ended."""
        lines = self._lines.read(seconds)
        for line in lines or ():
            if '"left"' in line:
                self._left = Farewell.model_validate_json(line).left
            else:
                answer = RemoteResult.model_validate_json(line)
                self._answers[answer.number] = answer
        return lines is not None

    def _lament(self) -> None:
        words = last_words(tail_of(self._log, _TAIL_BYTES))
        raise StoichloopError(f"the broker process has ended: {words}; see {self._log}")


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None
    return stream
