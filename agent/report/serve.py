"""HTTP server of the report on the loopback interface; renders again when the ledger has grown."""

from __future__ import annotations

import time
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock

from agent.report.page import Report
from memory.ledger import Ledger
from stoichloop.errors import StoichloopError

HOST = "127.0.0.1"
_FRESH_S = 5.0  # shortest time between two renderings


class ReportServer(ThreadingHTTPServer):
    """Serves the page at `/`, and at `/at` the time when that page was rendered."""

    daemon_threads = True

    def __init__(self, report: Report, port: int) -> None:
        """Listen on `port`, or on any free port for 0; raise `StoichloopError` if the port is taken."""
        self._report, self._lock, self._page, self._at, self._written = report, Lock(), "", 0.0, -1.0
        try:
            super().__init__((HOST, port), _Handler)
        except OSError as error:
            raise StoichloopError(f"--port {port}: cannot listen: {error.strerror}; choose another port") from error

    @property
    def address(self) -> str:
        """The URL of the page."""
        return f"http://{HOST}:{self.server_address[1]}/"

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

    def do_GET(self) -> None:
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
        kind, text = answer()
        body = text.encode()
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing: the terminal belongs to the user."""
