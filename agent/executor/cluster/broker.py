"""Broker process between a controller and its workers; it runs Parsl.

    python -m agent.executor.cluster.broker ORDER

ORDER is an `Order` as JSON. The broker reads calls, a line of JSON each, and writes results as they come. When its
input ends, because the controller is done or was killed, it ends all workers and jobs. So the controller stays one
thread, and Ctrl-C at its terminal does not reach Parsl before it has tidied up.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from threading import Lock
from typing import IO, Any

from parsl.dataflow.dflow import DataFlowKernel
from parsl.executors.high_throughput.errors import ManagerLost, WorkerLost
from pydantic import BaseModel

from agent.executor.cluster.line_reader import LineReader
from agent.executor.cluster.messages import Farewell, Order, RemoteCall, RemoteResult
from agent.executor.cluster.parsl_config import LABEL, configuration
from agent.executor.cluster.supervisor import examine, supervise
from stoichloop.foreign_text import shorten

_LOOK_S = 1.0
_FUNCTIONS = {function.__name__: function for function in (supervise, examine)}
_CHARACTERS = 1000  # of what went wrong


class Broker:
    """Parsl with its workers, the input of calls and the output of results."""

    def __init__(self, order: Order, lines: LineReader, output: IO[bytes]) -> None:
        config, self._executor = configuration(order.cluster, order.folder)
        self._lines, self._output, self._speaking = lines, output, Lock()
        self._provider: Any = self._executor.provider
        self._kernel = DataFlowKernel(config)

    def serve(self) -> None:
        """Submit calls until the input ends or Parsl's interchange has ended."""
        while (lines := self._lines.read(_LOOK_S)) is not None and self._interchange_runs():
            for call in map(RemoteCall.model_validate_json, lines):
                future = self._kernel.submit(
                    _FUNCTIONS[call.function],
                    app_args=(call.given,),
                    executors=[LABEL],
                    cache=False,
                    ignore_for_cache=None,
                    app_kwargs={},
                )
                future.add_done_callback(partial(self._answer, call.number))

    def close(self) -> None:
        """End all workers and jobs, and send the list of jobs that did not end."""
        if self._interchange_runs():
            self._kernel.cleanup()
        else:  # which would wait for it without end
            logging.error("Parsl's interchange, which connects the workers, has ended")
        if left := self._unended():
            self._provider.cancel(left)
        self._say(Farewell(left=self._unended()))

    def _unended(self) -> list[str]:
        """Return the jobs that have neither ended nor been cancelled."""
        known = self._provider.resources.items()
        return [job for job, facts in known if not (facts["status"].terminal or "cancelled" in facts)]

    def _interchange_runs(self) -> bool:
        interchange = self._executor.interchange_proc
        return interchange is not None and interchange.poll() is None

    def _answer(self, number: int, future: Future[str]) -> None:
        error = future.exception()
        if error is None:
            self._say(RemoteResult(number=number, returned=future.result()))
        elif isinstance(error, ManagerLost | WorkerLost):
            self._say(RemoteResult(number=number, lost=_words(error)))
        else:
            self._say(RemoteResult(number=number, fault=_words(error)))

    def _say(self, message: BaseModel) -> None:
        with self._speaking, suppress(BrokenPipeError):  # if the controller is gone
            self._output.write(message.model_dump_json().encode() + b"\n")
            self._output.flush()


def _words(error: BaseException) -> str:
    return shorten(str(error), _CHARACTERS) or type(error).__name__


def main() -> None:
    """Serve the controller until its end of the pipe is closed."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s: %(message)s")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    # What Parsl and its children print must not get between the answers.
    output = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    broker = Broker(Order.model_validate_json(sys.argv[1]), LineReader(sys.stdin.fileno()), output)
    try:
        broker.serve()
    finally:
        broker.close()
    os._exit(0)  # Parsl's threads may wait for what has ended


if __name__ == "__main__":
    main()
