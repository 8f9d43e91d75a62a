"""What the tests share: the client, and a server that answers each connection as a test says."""

from __future__ import annotations

import contextlib
import json
import socket
import sys
import threading
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Tuple

SKILL = Path(__file__).resolve().parents[2] / "skill"
sys.path.insert(0, str(SKILL / "scripts"))
sys.dont_write_bytecode = True

Behaviour = Callable[[socket.socket], None]


class Request:
    """A request as it was read from a socket."""

    def __init__(self, head: bytes, body: bytes) -> None:
        line, *lines = head.decode("latin-1").split("\r\n")
        self.method, self.path, _ = line.split(" ")
        self.headers: Dict[str, str] = {
            name.lower(): value for name, _, value in (each.partition(": ") for each in lines)
        }
        self.json: Any = json.loads(body) if body else None


class FaultServer:
    """Reads one request a connection and lets the next behaviour answer it; the last one answers the rest."""

    def __init__(self, *behaviours: Behaviour) -> None:
        self.requests: List[Request] = []
        self._behaviours = behaviours
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = "http://127.0.0.1:%d" % self._listening.getsockname()[1]
        self._connections: List[socket.socket] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            self._connections.append(connection)
            with contextlib.suppress(OSError):
                request = read_request(connection)
                if request is None:
                    return
                self.requests.append(request)
                self._behaviours[min(len(self.requests), len(self._behaviours)) - 1](connection)

    def __enter__(self) -> FaultServer:
        return self

    def __exit__(self, *_: object) -> None:
        # What accepts is only woken by a connection.
        with contextlib.suppress(OSError):
            socket.create_connection(self._listening.getsockname(), timeout=1).close()
        self._thread.join(5)
        for each in [self._listening, *self._connections]:
            each.close()


def read_request(connection: socket.socket) -> Any:
    """The next request, or None when the connection is closed without one."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            return None
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    request = Request(head, b"")
    while len(body) < int(request.headers.get("content-length", "0")):
        body += connection.recv(65536)
    return Request(head, body)


def hang_up(connection: socket.socket) -> None:
    """Closes without an answer."""
    connection.close()


def say_nothing(_: socket.socket) -> None:
    """Leaves the connection open, and never answers."""


def raw(*chunks: bytes) -> Behaviour:
    """Sends just these bytes and closes."""

    def send(connection: socket.socket) -> None:
        for chunk in chunks:
            connection.sendall(chunk)
        connection.close()

    return send


def answer(status: int, body: Any, *headers: Tuple[str, str]) -> Behaviour:
    """Answers with JSON, or with a text as it is."""
    data = (body if isinstance(body, str) else json.dumps(body)).encode()
    kind = "text/html" if isinstance(body, str) else "application/json"
    given = [("Content-Type", kind), ("Content-Length", str(len(data))), *headers]
    lines = "".join("%s: %s\r\n" % header for header in given)
    return raw(("HTTP/1.1 %d Whatever\r\n%s\r\n" % (status, lines)).encode() + data)


def refusal(status: int, code: str, retryable: bool, *headers: Tuple[str, str], **more: Any) -> Behaviour:
    """Answers with the error of an orchestrator."""
    error = {"code": code, "message": "No.", "action": "Wait.", "retryable": retryable, **more}
    return answer(status, {"error": error}, *headers)


def events(*chunks: bytes) -> Behaviour:
    """Answers with a stream of these bytes, then closes."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    return raw(head, *(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks))


@contextlib.contextmanager
def environment(**variables: str) -> Iterator[None]:
    """Sets environment variables for as long as it is open."""
    import os

    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
