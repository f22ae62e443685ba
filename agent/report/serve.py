"""HTTP server of the report on the loopback interface; renders again when the ledger has grown."""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock
from typing import Any

from agent.report.page import Report
from memory.ledger import Ledger
from stoichloop.errors import StoichloopError
from stoichloop.foreign_text import one_line

HOST = "127.0.0.1"
_FRESH_S = 5.0  # shortest time between two renderings
_CONNECTIONS = 32  # at once; further ones are closed
_REQUEST_S = 10.0  # in which a client must have sent its request
_SEND_S = 60.0  # in which a client must have taken the page


class ReportServer(ThreadingHTTPServer):
    """Serves the page at `/`, and at `/at` the time when that page was rendered.

    Clients that are slow or many hold neither threads nor memory: connections are limited in number and in time.
    """

    daemon_threads = True

    def __init__(self, report: Report, port: int) -> None:
        """Listen on `port`, or on any free port for 0; raise `StoichloopError` if the port is taken."""
        self._report, self._lock, self._page, self._at, self._written = report, Lock(), "", 0.0, -1.0
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

    def current(self) -> tuple[str, float]:
        """Return the page and the time of its rendering; render again if the ledger has changed."""
        campaign = self._report.campaign
        with self._lock, Ledger(campaign.ledger_path, readonly=True) as ledger:
            written, stale = campaign.last_written, time.time() - self._at > _FRESH_S
            if self._written < 0 or (stale and written != self._written):
                self._at, self._written = time.time(), written
                self._page = self._report.html(ledger, follow=self._at)
            return self._page, self._at


class _Handler(BaseHTTPRequestHandler):
    server: ReportServer
    timeout = _SEND_S

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        self.server.asking.pop(self.connection, None)
        # Against DNS rebinding: a foreign name that resolves to this machine would let another site read the page.
        host = self.headers.get("Host", "").partition(":")[0]
        answers: dict[str, Callable[[], tuple[str, str]]] = {
            "/": lambda: ("text/html; charset=utf-8", self.server.current()[0]),
            "/at": lambda: ("text/plain; charset=utf-8", repr(self.server.current()[1])),
        }
        answer = answers.get(self.path)
        if host not in (HOST, "localhost") or answer is None:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        try:
            kind, text = answer()
        except Exception as error:  # a page that cannot be drawn now; the ledger may grow
            self.send_error(HTTPStatus.SERVICE_UNAVAILABLE, explain=one_line(f"{type(error).__name__}: {error}"))
            return
        body = text.encode()
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing: the terminal belongs to the user."""
