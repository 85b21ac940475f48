"""Serving a small platform: JSON over HTTP, in a thread of its own."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

Json = dict[str, Any]  # Any: JSON


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request.

    Args:
        query: of the address, and of the body where that is a form.
        body: what the body holds as JSON; None where it is none.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    query: Mapping[str, str] = field(default_factory=dict)
    body: Any = None  # Any: JSON


class NoAnswer(Exception):
    """The line breaks before anything is answered."""


@contextmanager
def served(answer: Callable[[Call], tuple[int, object]]) -> Iterator[str]:
    """Yield the address at which calls are answered, one after the other."""
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        timeout = 30

        def _take(self) -> None:
            raw = self.rfile.read(int(self.headers.get("content-length", "0")))
            try:
                with lock:
                    status, told = answer(_call(self.command, self.path, dict(self.headers.items()), raw))
            except NoAnswer:
                self.close_connection = True
                return
            body = json.dumps(told).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = _take  # noqa: N815  # the names that the base calls

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base's signature
            """Write nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def _call(method: str, path: str, headers: Mapping[str, str], raw: bytes) -> Call:
    url = urlsplit(path)
    small = {name.lower(): value for name, value in headers.items()}
    query = dict(parse_qsl(url.query))
    if small.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return Call(method=method, path=url.path, headers=small, query=query | dict(parse_qsl(raw.decode())))
    return Call(method=method, path=url.path, headers=small, query=query, body=json.loads(raw) if raw else None)
