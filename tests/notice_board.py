"""A real HTTP server on 127.0.0.1 that keeps what is posted to it: what a chat service would get."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class NoticeBoard(ThreadingHTTPServer):
    """Answers with ``status``; ``posted`` holds the documents."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.posted: list[dict[str, Any]] = []  # Any: whatever JSON holds
        self.status = 200

    @property
    def url(self) -> str:
        """Its address for apprise, with a secret in it."""
        return f"json://canary-user:canary-s3cret@127.0.0.1:{self.server_port}/canary-path"


class _Handler(BaseHTTPRequestHandler):
    server: NoticeBoard

    def do_POST(self) -> None:  # the library's name
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.server.status == 200:
            self.server.posted.append(json.loads(body))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the library's name
        pass


@contextmanager
def notice_board() -> Iterator[NoticeBoard]:
    with NoticeBoard() as board:
        thread = threading.Thread(target=board.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield board
        finally:
            board.shutdown()
            thread.join()
