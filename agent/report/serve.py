"""HTTP server of the report on the loopback interface; renders again when the ledger has grown."""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock
from typing import Any

from agent.base.untrusted import tail_of
from agent.executor.artifacts import PRINTED
from agent.report.page import Report
from memory.ledger import Ledger
from stoichloop.errors import StoichloopError
from stoichloop.foreign_text import one_line, visible

HOST = "127.0.0.1"
_FRESH_S = 5.0  # shortest time between two renderings
_CONNECTIONS = 32  # at once; further ones are closed
_REQUEST_S = 10.0  # in which a client must have sent its request
_SEND_S = 60.0  # in which a client must have taken the page
_OUTPUT_BYTES = 1_000_000  # of a trial's output


@dataclass
class _Served:
    """The page of a campaign as it was rendered last. `written` is the state of the ledger then, `at` the time."""

    open: Callable[[], Report]
    report: Report | None = None
    page: str = ""
    at: float = 0.0
    written: float = -1.0


class ReportServer(ThreadingHTTPServer):
    """Serves the page at `/`, and at `/at` the time when that page was rendered; of another campaign at `/NAME/`.

    Below a page are the outputs of that campaign's trials, to which it links.

    Clients that are slow or many hold neither threads nor memory: connections are limited in number and in time.
    """

    daemon_threads = True

    def __init__(self, report: Report, port: int, others: Mapping[str, Callable[[], Report]] | None = None) -> None:
        """Listen on `port`, or on any free port for 0; raise `StoichloopError` if the port is taken.

        `others` opens the reports of further campaigns, by name, when they are asked for.
        """
        self._lock, self._served = Lock(), {"/": _Served(lambda: report)}
        self._served |= {f"/{name}/": _Served(opening) for name, opening in (others or {}).items()}
        own = report.campaign.settings.name
        self._campaigns = {own: "/", **{name: f"/{name}/" for name in others or {}}}
        self._open: set[Any] = set()
        self.asking: dict[Any, float] = {}  # connections that have sent no request yet, since when
        try:
            super().__init__((HOST, port), _Handler)
        except OSError as error:
            raise StoichloopError(f"--port {port}: cannot listen: {error.strerror}; choose another port") from error

    @property
    def address(self) -> str:
        """The URL of the page."""
        return f"http://{HOST}:{self.server_address[1]}/"

    @property
    def connections(self) -> int:
        """Number of open connections."""
        return len(self._open)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer a connection in a thread of its own, or close it if there are too many."""
        if self.connections >= _CONNECTIONS:
            self.shutdown_request(request)
            return
        self._open.add(request)
        self.asking[request] = time.monotonic()
        super().process_request(request, client_address)

    def service_actions(self) -> None:
        """Close connections on which no request has come; called about twice a second."""
        for request, since in list(self.asking.items()):
            if time.monotonic() - since > _REQUEST_S:
                with suppress(OSError):  # its thread has closed it meanwhile
                    request.shutdown(socket.SHUT_RDWR)

    def shutdown_request(self, request: Any) -> None:
        """Close a connection and forget it."""
        self._open.discard(request)
        self.asking.pop(request, None)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print the traceback of a defect; a client that has left is none."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)

    def current(self, path: str) -> tuple[str, float] | None:
        """Return the page at a path and the time of its rendering; render again if the ledger has changed.

        Return None where there is no page.
        """
        served = self._served.get(path)
        if served is None:
            return None
        with self._lock:
            report = served.report = served.report or served.open()
            with Ledger(report.campaign.ledger_path, readonly=True) as ledger:
                written, stale = report.campaign.last_written, time.time() - served.at > _FRESH_S
                if served.written < 0 or (stale and written != served.written):
                    served.at, served.written = time.time(), written
                    served.page = report.html(ledger, follow=served.at, campaigns=self._campaigns)
        return served.page, served.at

    def output(self, path: str) -> str | None:
        """Return the end of a trial's output at the address that its page links to, None where there is none."""
        place, _, folder = path.removesuffix(f"/{PRINTED}").rpartition("/experiments/")
        served = self._served.get(f"{place}/")
        if served is None or served.report is None:
            return None
        campaign = served.report.campaign
        with Ledger(campaign.ledger_path, readonly=True) as ledger:
            experiment = ledger.experiment(folder.partition("/")[0])
        known = {trial.folder for trial in experiment.all_trials} if experiment else set()
        wanted = f"experiments/{folder}"
        return tail_of(campaign.folder / wanted / PRINTED, _OUTPUT_BYTES) if wanted in known else None


class _Handler(BaseHTTPRequestHandler):
    server: ReportServer
    timeout = _SEND_S

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        self.server.asking.pop(self.connection, None)
        # Against DNS rebinding: a foreign name that resolves to this machine would let another site read the page.
        host = self.headers.get("Host", "").partition(":")[0]
        folder, _, name = self.path.rpartition("/")
        local = host in (HOST, "localhost")
        try:
            output = self.server.output(self.path) if local and name == PRINTED else None
            found = self.server.current(f"{folder}/") if local and name in ("", "at") else None
        except Exception as error:  # a page that cannot be drawn now; the ledger may grow
            self.send_error(HTTPStatus.SERVICE_UNAVAILABLE, explain=one_line(f"{type(error).__name__}: {error}"))
            return
        if output is not None:
            self._send("plain", visible(output))
        elif found is not None:
            self._send(*(("plain", repr(found[1])) if name else ("html", found[0])))
        else:
            self.send_error(HTTPStatus.NOT_FOUND)

    def _send(self, kind: str, text: str) -> None:
        body = text.encode()
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", f"text/{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing: the terminal belongs to the user."""
