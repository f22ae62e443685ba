"""A server on this machine that speaks OpenAI's chat completions and plays what a test has written down."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Scene = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class ModelServer:
    """Plays one scene a request, in order. `requests` holds what it was sent, `keys` the keys."""

    address: str
    scenes: list[Scene]
    requests: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)

    def prompt(self, number: int) -> str:
        """Return all text of a request."""
        return "\n".join(str(message["content"]) for message in self.requests[number]["messages"])


def says(text: str | None, *, tokens_in: int = 1000, tokens_out: int = 50, ends: str = "stop", **more: Any) -> Scene:
    """Return a scene that gives an answer, which ends for a reason and may hold more than a text."""
    content = {
        "id": "1",
        "object": "chat.completion",
        "created": 1,
        "model": "played",
        "choices": [{"index": 0, "finish_reason": ends, "message": {"role": "assistant", "content": text, **more}}],
        "usage": {
            "prompt_tokens": tokens_in,
            "completion_tokens": tokens_out,
            "total_tokens": tokens_in + tokens_out,
        },
    }
    return lambda handler: _send(handler, 200, json.dumps(content))


def answers(**content: Any) -> Scene:
    """Return a scene that gives an answer of the asked form."""
    return says(json.dumps(content))


def fails(status: int, **headers: str) -> Scene:
    """Return a scene that gives an error with the key in it."""
    return lambda handler: _send(
        handler, status, json.dumps({"error": {"message": f"refused {handler.headers['Authorization']}"}}), headers
    )


def sends(body: str, status: int = 200, **headers: str) -> Scene:
    """Return a scene that sends a response as it is given."""
    return lambda handler: _send(handler, status, body, headers)


def babbles(handler: BaseHTTPRequestHandler) -> None:
    """Something that is no answer of a model server."""
    _send(handler, 200, "<html>Welcome</html>")


def stalls(handler: BaseHTTPRequestHandler) -> None:
    """No answer for longer than a test waits."""
    time.sleep(2.5)
    handler.close_connection = True


def drops(handler: BaseHTTPRequestHandler) -> None:
    """Close the connection."""
    handler.close_connection = True


@contextmanager
def serving(*scenes: Scene) -> Iterator[ModelServer]:
    """Run the server; any request after the last scene is an error."""
    server: ModelServer

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            server.requests.append(body)
            server.keys.append(self.headers["Authorization"])
            assert self.path == "/v1/chat/completions"
            (server.scenes.pop(0) if server.scenes else fails(400))(self)

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listener:
        server = ModelServer(f"played@http://127.0.0.1:{listener.server_port}/v1", list(scenes))
        thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            listener.shutdown()
            thread.join()


def _send(handler: BaseHTTPRequestHandler, status: int, body: str, headers: dict[str, str] | None = None) -> None:
    handler.send_response(status)
    for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body.encode())
