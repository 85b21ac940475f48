"""A mail server and the lines to it, in memory. What goes wrong is decided by chance; what was accepted is written down."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final

from tests.simulation.loop import SimulatedLoop
from tests.simulation.whose import running

MESSAGE_ID: Final = re.compile(rb"^Message-ID: <([^>]+)>", re.MULTILINE)
TO: Final = re.compile(rb"^RCPT TO:<([^>]+)>", re.IGNORECASE)


class Fault(StrEnum):
    """What may go wrong at one command."""

    DROP = "drop"  # the line breaks before the server has done anything
    LATER = "later"  # 451
    NO = "no"  # 550
    BUSY = "busy"  # 421 and the line is closed
    SILENCE = "silence"  # never an answer
    NONSENSE = "nonsense"
    SLOW = "slow"  # two minutes
    DONE_AND_GONE = "done_and_gone"  # it was done, and the line breaks before the answer


AT: Final = {
    "connect": (Fault.DROP, Fault.SILENCE, Fault.BUSY, Fault.NONSENSE),
    "EHLO": (Fault.DROP, Fault.BUSY, Fault.SLOW),
    "MAIL": (Fault.DROP, Fault.LATER, Fault.BUSY, Fault.SILENCE),
    "RCPT": (Fault.DROP, Fault.LATER, Fault.NO, Fault.BUSY, Fault.SLOW),
    "DATA": (Fault.DROP, Fault.LATER, Fault.NO, Fault.NONSENSE),
    ".": (
        Fault.DROP,
        Fault.LATER,
        Fault.NO,
        Fault.BUSY,
        Fault.SILENCE,
        Fault.NONSENSE,
        Fault.SLOW,
        Fault.DONE_AND_GONE,
    ),
}
"""Which faults there are at which command."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A message for which the server took responsibility."""

    at: float
    message_id: str
    recipient: str
    digest: str


@dataclass(slots=True)
class Post:
    """The mail server. ``trouble`` is how likely a fault is at each command, from 0 to 1."""

    chance: random.Random
    trouble: float = 0.0
    is_down: bool = False
    accepted: list[Accepted] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)
    connections: int = 0

    async def connect(
        self, loop: SimulatedLoop, factory: Callable[[], asyncio.BaseProtocol]
    ) -> tuple[asyncio.Transport, asyncio.BaseProtocol]:
        """Answer a connection; see ``loop.Network``."""
        self.connections += 1
        await asyncio.sleep(self.chance.uniform(0.0, 0.05))
        fault = self.fault("connect")
        if self.is_down or fault is Fault.DROP:
            raise ConnectionRefusedError("connection refused")
        protocol = factory()
        line = Line(loop, protocol)
        line.server = _Conversation(self, line)
        if (whose := running.get()) is not None:
            whose.lines.append(line)
        protocol.connection_made(line)
        line.server.greet(fault)
        return line, protocol

    def fault(self, command: str) -> Fault | None:
        """Decide what goes wrong now."""
        if self.chance.random() >= self.trouble:
            return None
        return self.chance.choice(AT[command])


class Line(asyncio.Transport):
    """Our end of a line; bytes arrive in order, each a little later than it was sent."""

    def __init__(self, loop: SimulatedLoop, protocol: asyncio.BaseProtocol) -> None:
        super().__init__()
        self._loop = loop
        self._protocol: Any = protocol  # Any: asyncio's protocols have no common data_received
        self._arrives = 0.0
        self.is_open = True
        self.server: _Conversation | None = None

    def get_protocol(self) -> asyncio.BaseProtocol:
        """Return who listens at our end."""
        found: asyncio.BaseProtocol = self._protocol
        return found

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Let somebody else listen."""
        self._protocol = protocol

    def is_closing(self) -> bool:
        """Return whether the line is down."""
        return not self.is_open

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send bytes to the server."""
        if self.is_open:
            sent = bytes(data)
            self._later(lambda: self._arrive(sent))

    def close(self) -> None:
        """Hang up."""
        self.abort()

    def abort(self) -> None:
        """Hang up at once."""
        if self.is_open:
            self.is_open = False
            self._loop.call_soon(self._protocol.connection_lost, None)

    def pause_reading(self) -> None:
        """Nothing is ever too much here."""

    def resume_reading(self) -> None:
        """As above."""

    def is_reading(self) -> bool:
        """Always."""
        return True

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """There is no buffer."""

    def get_write_buffer_size(self) -> int:
        """There is no buffer."""
        return 0

    def cut(self) -> None:
        """The line breaks: our end notices after a moment, the server hears no more."""
        self.server = None
        self._later(self.abort)

    def answer(self, data: bytes, *, after: float = 0.0) -> None:
        """The server says something."""
        self._later(lambda: self.is_open and self._protocol.data_received(data), after=after)

    def _arrive(self, data: bytes) -> None:
        if self.server is not None:
            self.server.feed(data)

    def _later(self, do: Callable[[], object], *, after: float = 0.0) -> None:
        """In the order in which things were sent, whichever way."""
        self._arrives = max(self._arrives, self._loop.time()) + 0.001 + after
        self._loop.call_at(self._arrives, do)


@dataclass(slots=True)
class _Conversation:
    """The server's side of one line."""

    post: Post
    line: Line
    recipient: str = ""
    waiting: bytes = b""
    in_data: bool = False

    def greet(self, fault: Fault | None) -> None:
        if fault is Fault.SILENCE:
            self.line.server = None
        elif fault is Fault.BUSY:
            self._close(b"421 try later\r\n")
        else:
            self.line.answer(b"who is there?\r\n" if fault is Fault.NONSENSE else b"220 post ready\r\n")

    def feed(self, data: bytes) -> None:
        self.waiting += data
        while self.line.server is self and (found := self._next()) is not None:
            if self.in_data:
                self._message(found)
            else:
                self._command(found)

    def _next(self) -> bytes | None:
        end = b"\r\n.\r\n" if self.in_data else b"\r\n"
        found, mark, rest = self.waiting.partition(end)
        if not mark:
            return None
        self.waiting = rest
        return found

    def _command(self, line: bytes) -> None:
        word = line[:4].upper().decode("ascii", "replace").strip()
        fault = self.post.fault(word) if word in AT else None
        if fault is not None and self._goes_wrong(fault):
            return
        if word == "EHLO":
            self._say(b"250-post\r\n250-PIPELINING\r\n250 8BITMIME\r\n", fault)
        elif word == "RCPT":
            to = TO.match(line)
            self.recipient = to[1].decode() if to else ""
            self._say(b"250 ok\r\n", fault)
        elif word == "DATA":
            self.in_data = True
            self._say(b"354 go on\r\n", fault)
        elif word == "QUIT":
            self._close(b"221 bye\r\n")
        else:
            self._say(b"250 ok\r\n", fault)

    def _message(self, content: bytes) -> None:
        self.in_data = False
        fault = self.post.fault(".")
        name = MESSAGE_ID.search(content)
        message_id = name[1].decode() if name else ""
        if fault is not None and fault is not Fault.DONE_AND_GONE and self._goes_wrong(fault):
            if fault is Fault.NO:
                self.post.refused.add(message_id)
            return
        now = self.line._loop.time()
        self.post.accepted.append(Accepted(now, message_id, self.recipient, sha256(content).hexdigest()))
        if fault is Fault.DONE_AND_GONE:
            self.line.cut()
        else:
            self._say(b"250 queued\r\n", fault)

    def _goes_wrong(self, fault: Fault) -> bool:
        """Let it go wrong; returns whether that was all."""
        if fault is Fault.DROP:
            self.line.cut()
        elif fault is Fault.SILENCE:
            self.line.server = None
        elif fault is Fault.BUSY:
            self._close(b"421 closing\r\n")
        elif fault is Fault.LATER:
            self._say(b"451 4.3.0 later\r\n", None)
        elif fault is Fault.NO:
            self._say(b"550 5.7.0 no\r\n", None)
        elif fault is Fault.NONSENSE:
            self._say(b"lorem ipsum\r\n", None)
        else:
            return False
        return True

    def _say(self, words: bytes, fault: Fault | None) -> None:
        self.line.answer(words, after=120.0 if fault is Fault.SLOW else 0.0)

    def _close(self, words: bytes) -> None:
        self.line.answer(words)
        self.line.cut()
