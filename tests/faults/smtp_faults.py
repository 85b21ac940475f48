"""An SMTP server that goes wrong in one of many ways, once or always, and writes down what it took responsibility for."""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from hashlib import sha256
from typing import Final, Self

import trustme

from messenger.domain.messages import Outcome

MESSAGE_ID: Final = re.compile(rb"^Message-ID: <([^>]+)>", re.MULTILINE)
EXTENSIONS: Final = ("PIPELINING", "8BITMIME", "SMTPUTF8", "SIZE 50000000", "DSN")
GOOD: Final = {
    "greeting": "220 fault.example ready", "helo": "250 fault.example", "starttls": "220 go ahead", "auth": "235 2.7.0 welcome",
    "mail": "250 2.1.0 ok", "rcpt": "250 2.1.5 ok", "data": "354 go on", "dot": "250 2.0.0 queued", "rset": "250 2.0.0 ok",
    "quit": "221 2.0.0 bye", "after": "",
}  # fmt: skip
FLOOD: Final = 10 * 2**20


class When(StrEnum):
    """How often the fault strikes."""

    FIRST = "first try"
    MIDDLE = "mid-batch"
    EVERY = "every try"


class HungUp(Exception):
    """The conversation is over."""


Act = Callable[["Conversation"], Awaitable[None]]
"""What the server does instead of what it should."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One way to go wrong.

    Args:
        at: the stage: ``listen connect greeting ehlo starttls auth mail rcpt data body dot after quit``, or ``message`` when the
            message itself is what this server cannot take.
        act: what happens there.
        outcome: what becomes of a message that is struck.
        stage: where its receipt says that it ended; by default the same as ``at``.
        code: what its receipt has as reply code.
        status: and as enhanced status.
        is_settled: nobody connects again for the rest of the batch.
        is_lost: the line is gone, so that a connection used before is replaced and nobody is struck.
        is_taken: the server has the message although we do not know.
        waits: the time limit that has to run out for us to notice; the server is silent.
        size: octets in the body of a message.
        extensions: what the server lists.
        tls: which certificate it shows, from the start or after STARTTLS; empty for a line without TLS.
        is_login: we log in.
    """

    at: str
    outcome: Outcome
    act: Act | None = None
    stage: str = ""
    code: int = 0
    status: str = ""
    is_settled: bool = False
    is_lost: bool = False
    is_taken: bool = False
    waits: str = ""
    size: int = 20
    extensions: tuple[str, ...] = EXTENSIONS
    tls: str = ""
    is_login: bool = False


@cache
def authorities() -> tuple[trustme.CA, trustme.CA]:
    """Who is trusted, and who is not."""
    return trustme.CA(), trustme.CA()


@cache
def certificate(kind: str) -> ssl.SSLContext:
    """What the server shows: ``good``, or a certificate with something wrong."""
    trusted, other = authorities()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    name = "other.example" if kind == "other" else "127.0.0.1"
    begin, end = datetime(2020, 1, 1, tzinfo=UTC), datetime(2021 if kind == "expired" else 2099, 1, 1, tzinfo=UTC)
    issued = (other if kind == "self-signed" else trusted).issue_cert(name, not_before=begin, not_after=end)
    issued.configure_cert(context)
    return context


@dataclass(slots=True)
class FaultyServer:
    """Listens on 127.0.0.1. ``heal`` ends the fault."""

    fault: Fault
    when: When
    taken: list[str] = field(default_factory=list)
    """Message-IDs of what it took responsibility for."""
    digests: list[str] = field(default_factory=list)
    """What that was, hashed."""
    commands: list[str] = field(default_factory=list)
    connections: int = 0
    open_now: int = 0
    most_open: int = 0
    flooded: int = 0
    port: int = 0
    healed: asyncio.Event = field(default_factory=asyncio.Event)
    _has_struck: bool = False
    _door: asyncio.Server | None = None
    _wall: list[socket.socket] = field(default_factory=list)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def __aenter__(self) -> Self:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        if self.fault.at == "listen" and self.when is not When.MIDDLE:
            self._shut()
        else:
            await self._listen()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.healed.set()
        self._close_door()
        for one in self._wall:
            one.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def heal(self) -> None:
        """Behave from now on."""
        self.healed.set()
        if self._door is None:
            for one in self._wall:
                one.close()
            self._wall.clear()
            await self._listen()

    async def told(self, outcome: Outcome) -> None:
        """The client has an answer: a door that was shut for one try opens."""
        if self._door is None and self.when is not When.EVERY and outcome is not Outcome.ACCEPTED:
            await self.heal()

    async def _listen(self) -> None:
        self._door = await asyncio.start_server(self._accept, "127.0.0.1", self.port, limit=2**20)

    def _close_door(self) -> None:
        if self._door is not None:
            self._door.close()
            self._door = None

    def _shut(self) -> None:
        """Refuse connections, or let nobody through to where they would be answered."""
        self._close_door()
        wall = socket.socket()
        wall.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        wall.bind(("127.0.0.1", self.port))
        self._wall.append(wall)
        if not self.fault.waits:
            return
        wall.listen(0)
        for _ in range(8):  # a full queue: the system drops what comes further
            one = socket.socket()
            one.setblocking(False)  # the name of the method says it
            one.connect_ex(("127.0.0.1", self.port))
            self._wall.append(one)

    def strikes(self, at: str) -> bool:
        """Whether the fault strikes at this stage now."""
        if self.fault.at != at or self.healed.is_set():
            return False
        if self.when is When.EVERY:
            return True
        is_time = len(self.taken) >= 2 if self.when is When.MIDDLE else True
        if self._has_struck or not is_time:
            return False
        self._has_struck = True
        return True

    def take(self, message_id: str, content: bytes) -> None:
        """Take responsibility."""
        self.taken.append(message_id)
        self.digests.append(sha256(content).hexdigest())
        if self.fault.at == "listen" and self.when is When.MIDDLE and len(self.taken) == 2 and not self.healed.is_set():
            self._shut()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        self.open_now += 1
        self.most_open = max(self.most_open, self.open_now)
        try:
            await Conversation(self, reader, writer).run()
        except (HungUp, OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self.open_now -= 1
            writer.transport.abort()
            self._tasks.discard(task)


class Conversation:
    """One line."""

    def __init__(self, server: FaultyServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.server = server
        self.reader = reader
        self.writer = writer
        self._is_hearing = True

    async def run(self) -> None:
        await self._at("connect", "")
        await self._at("greeting", GOOD["greeting"])
        while self._is_hearing:
            line = await self.reader.readuntil(b"\r\n")
            command = line.decode().rstrip("\r\n")
            self.server.commands.append(command)
            await self._obey(command.split(" ", maxsplit=1)[0].lower())

    async def _obey(self, verb: str) -> None:
        if verb == "ehlo":
            await self._at("ehlo", self._abilities())
        elif verb == "starttls":
            await self._start_tls()
        elif verb == "data":
            if await self._at("data", GOOD["data"]):
                await self._take()
        elif verb in GOOD:
            await self._at(verb, GOOD[verb])
            self._is_hearing = self._is_hearing and verb != "quit"
        else:
            await self.utter(b"500 5.5.1 what?\r\n")

    def _abilities(self) -> str:
        lines = ["fault.example", *self.server.fault.extensions, "HELP"]
        return "\r\n".join(f"250{' ' if one == 'HELP' else '-'}{one}" for one in lines)

    async def _start_tls(self) -> None:
        kind = "good"
        if self.server.strikes("starttls"):
            if self.server.fault.act is not None:
                await self.server.fault.act(self)
                return
            kind = self.server.fault.tls
        await self.utter(f"{GOOD['starttls']}\r\n".encode())
        await self.writer.start_tls(certificate(kind))

    async def _take(self) -> None:
        if self.server.strikes("body"):
            assert self.server.fault.act is not None
            await self.server.fault.act(self)
            return
        content = await self._content()
        found = MESSAGE_ID.search(content)
        name = found[1].decode() if found else "?"
        if self.server.strikes("dot"):
            if self.server.fault.is_taken:
                self.server.take(name, content)
            assert self.server.fault.act is not None
            await self.server.fault.act(self)
            return
        self.server.take(name, content)
        await self.utter(f"{GOOD['dot']}\r\n".encode())
        await self._at("after", "")

    async def _content(self) -> bytes:
        lines: list[bytes] = []
        while (line := await self.reader.readuntil(b"\r\n")) != b".\r\n":
            lines.append(line.removeprefix(b"."))
        return b"".join(lines)

    async def _at(self, stage: str, good: str) -> bool:
        """Do what this stage asks for; returns whether it was done as it should be."""
        act = self.server.fault.act
        if act is not None and self.server.strikes(stage):
            await act(self)
            return False
        if good:
            await self.utter(f"{good}\r\n".encode())
        return True

    async def utter(self, octets: bytes) -> None:
        self.writer.write(octets)
        await self.writer.drain()

    def close(self) -> None:
        """Hang up after what was said has left."""
        self._is_hearing = False
        self.writer.close()
