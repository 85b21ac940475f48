"""A line to a database that can be cut, slowed down and lose what is said, on command or by a seed.

It stands between the program and a real PostgreSQL, and knows nothing of what is said over it.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import struct
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

Answer = TypeVar("Answer")

CHUNK: Final = 4096
LINGER: Final = struct.pack("ii", 1, 0)
"""Close by a reset: nothing that is still on its way arrives."""


@dataclass(slots=True, eq=False)
class Pair:
    """One connection: of the program to us, and of us to the database."""

    near: asyncio.StreamWriter
    far: asyncio.StreamWriter

    def end(self, *, reset: bool) -> None:
        """Close both sides, by a reset or in order."""
        for writer in (self.near, self.far):
            sock = writer.get_extra_info("socket")
            if reset and sock is not None:
                with contextlib.suppress(OSError):
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER)
            with contextlib.suppress(OSError, RuntimeError):
                writer.transport.abort() if reset else writer.close()


@dataclass(slots=True)
class Proxy:
    """The line. What is set counts for every byte from then on; every method may be called from any thread.

    Args:
        host: of the database.
        port: of the database.
        chance: decides what goes wrong by itself.
    """

    host: str
    port: int
    chance: random.Random
    delay: float = 0.0
    """Seconds that each portion takes longer."""
    is_silent: bool = False
    """What is said is lost, both ways; nobody is told."""
    trouble: float = 0.0
    """With this probability a portion is not passed on whole: it is cut off in the middle, or late."""
    at: int = 0
    """Where the program connects."""
    cuts: int = 0
    """Connections that were broken, by command or by chance."""
    _pairs: set[Pair] = field(default_factory=set)
    _server: asyncio.Server | None = None
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)

    # --- on command ---------------------------------------------------------------------------------------------

    def cut(self, *, reset: bool = True) -> int:
        """Break every connection at this moment; returns how many there were."""
        return self._do(self._cut(reset=reset))

    def refuse(self) -> None:
        """Let nobody connect any more, and break what is there."""
        self._do(self._refuse())

    def accept(self) -> None:
        """Let everybody connect again, at the same place."""
        self._do(self._listen())

    def point_at(self, port: int) -> None:
        """Lead new connections to another port."""
        self.port = port

    # --- within its own thread ----------------------------------------------------------------------------------

    def run(self, ready: threading.Event) -> None:
        """Serve until ``stop``; in a thread of its own."""
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._listen())
        self._loop.call_soon(ready.set)
        self._loop.run_forever()
        self._loop.run_until_complete(self._refuse())
        left = asyncio.all_tasks(self._loop)
        for task in left:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        self._loop.close()

    def stop(self) -> None:
        """End it."""
        self._loop.call_soon_threadsafe(self._loop.stop)

    def _do(self, work: Coroutine[Any, Any, Answer]) -> Answer:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=30)

    async def _listen(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.at)
            self.at = self._server.sockets[0].getsockname()[1]

    async def _refuse(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        await self._cut(reset=True)

    async def _cut(self, *, reset: bool) -> int:
        pairs = list(self._pairs)
        for pair in pairs:
            pair.end(reset=reset)
        self.cuts += len(pairs)
        return len(pairs)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far = await asyncio.open_connection(self.host, self.port)
        except OSError:
            writer.transport.abort()
            return
        pair = Pair(writer, far)
        self._pairs.add(pair)
        try:
            there, back = self._pass(pair, reader, far), self._pass(pair, far_reader, writer)
            ways = [asyncio.ensure_future(there), asyncio.ensure_future(back)]
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
        finally:
            self._pairs.discard(pair)
            pair.end(reset=False)

    async def _pass(self, pair: Pair, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while portion := await reader.read(CHUNK):
                if self.delay:
                    await asyncio.sleep(self.delay)
                if self.is_silent:
                    continue
                if self.trouble and self.chance.random() < self.trouble:
                    if self.chance.random() < 0.5:
                        await asyncio.sleep(self.chance.uniform(0.0, 0.3))
                    else:
                        writer.write(portion[: self.chance.randrange(len(portion))])
                        pair.end(reset=self.chance.random() < 0.5)
                        self.cuts += 1
                        return
                writer.write(portion)
                await writer.drain()


@contextmanager
def proxy(host: str, port: int, *, seed: int = 1) -> Iterator[Proxy]:
    """Yield a line to the database at this place."""
    line, ready = Proxy(host, port, random.Random(seed)), threading.Event()
    thread = threading.Thread(target=line.run, args=(ready,), name="database-proxy", daemon=True)
    thread.start()
    assert ready.wait(30)
    try:
        yield line
    finally:
        line.stop()
        thread.join(timeout=30)
