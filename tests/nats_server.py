"""A real NATS server with JetStream on this machine, in a folder of its own."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import subprocess
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import nats
import pytest
from nats.js import JetStreamContext
from nats.js.errors import NotFoundError

PROGRAM: Final = shutil.which("nats-server") or shutil.which("nats-server", path="/usr/sbin:/usr/local/bin")
needs_nats = pytest.mark.skipif(PROGRAM is None, reason="needs nats-server (Debian: apt-get install nats-server)")
STREAM: Final = "ORDERS"


@dataclass(slots=True)
class Nats:
    """The server, started and stopped as often as a test likes; what lies in its streams stays."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it is."""
        return f"nats://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it; returns once it answers."""
        assert PROGRAM is not None
        words = [PROGRAM, "-a", "127.0.0.1", "-p", str(self.port), "-js", "-sd", str(self.folder)]
        self.process = subprocess.Popen(words, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            try:
                self.process.wait(0.05)
            except subprocess.TimeoutExpired:
                continue
            raise AssertionError("nats-server ended at once")
        raise AssertionError("nats-server did not answer within ten seconds")

    def kill(self) -> None:
        """End it as by kill -9."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def asked(self, work: Callable[[JetStreamContext], Coroutine[Any, Any, Any]]) -> Any:  # Any: whatever work returns
        """Return what ``work`` returns about the streams."""

        async def ask() -> Any:  # Any: as above
            line = await nats.connect(self.url)
            try:
                return await work(line.jetstream())
            finally:
                await line.close()

        return asyncio.run(ask())

    def make_stream(self) -> None:
        """Make the stream of orders."""
        self.asked(lambda streams: streams.add_stream(name=STREAM, subjects=["orders.>"]))

    def publish(self, *bodies: object, headers: Mapping[str, str] | None = None) -> None:
        """Put messages into it."""

        async def put(streams: JetStreamContext) -> None:
            for one in bodies:
                raw = one if isinstance(one, bytes) else json.dumps(one).encode()
                await streams.publish("orders.all", raw, headers=dict(headers) if headers else None)

        self.asked(put)

    def left(self, durable: str = "messenger") -> tuple[int, int]:
        """Return how many messages were not given out yet, and how many were not acknowledged; -1 when nobody listens yet."""
        try:
            found = self.asked(lambda streams: streams.consumer_info(STREAM, durable))
        except NotFoundError:
            return -1, -1
        return found.num_pending, found.num_ack_pending


@contextmanager
def nats_server(folder: Path) -> Iterator[Nats]:
    """Yield a server that is running, with an empty stream."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    made = Nats(folder, port)
    made.start()
    try:
        made.make_stream()
        yield made
    finally:
        made.kill()
