"""An SMTP server that goes wrong in one of many ways, once or always, and writes down what it took responsibility for."""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
import struct
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


# --- what a server may do --------------------------------------------------------------------------------------------


def say(text: str) -> Act:
    async def act(one: Conversation) -> None:
        await one.utter(text.encode("latin-1") + b"\r\n")

    return act


def say_and_close(text: str) -> Act:
    async def act(one: Conversation) -> None:
        await one.utter(text.encode("latin-1"))
        one.close()

    return act


async def drop(_: Conversation) -> None:
    raise HungUp


async def reset(one: Conversation) -> None:
    """Hang up so that the other side hears of it as an error."""
    peer = one.writer.get_extra_info("socket")
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raise HungUp


async def silence(one: Conversation) -> None:
    """Say nothing until the other side hangs up."""
    while await one.reader.read(65536):
        pass
    raise HungUp


async def deafness(one: Conversation) -> None:
    """Neither say nor hear anything until the other side hangs up."""
    one.writer.transport.pause_reading()  # type: ignore[attr-defined]  # typed as its base, always a socket's
    await one.server.healed.wait()
    raise HungUp


def flood(piece: bytes) -> Act:
    async def act(one: Conversation) -> None:
        for _ in range(FLOOD // len(piece) + 1):
            await one.utter(piece)
            one.server.flooded += len(piece)
        raise HungUp

    return act


def drip(text: str) -> Act:
    """Say something a letter at a time, for ever."""

    async def act(one: Conversation) -> None:
        while True:
            for letter in text.encode():
                await one.utter(bytes([letter]))
                await asyncio.sleep(0.02)  # slowness is the fault

    return act


def read_then(octets: int, following: Act) -> Act:
    async def act(one: Conversation) -> None:
        await one.reader.readexactly(octets)
        await following(one)

    return act


async def sip(one: Conversation) -> None:
    """Read an octet now and then."""
    while await one.reader.read(1):  # noqa: ASYNC110  # slowness is the fault
        await asyncio.sleep(0.05)
    raise HungUp


async def answer_too_late(one: Conversation) -> None:
    """Say yes when nobody listens any more."""
    while await one.reader.read(65536):
        pass
    await one.utter(b"250 2.0.0 queued\r\n")


ACCOUNT, TEMPORARY, PERMANENT, UNCERTAIN, ACCEPTED = (
    Outcome.ACCOUNT, Outcome.TEMPORARY, Outcome.PERMANENT, Outcome.UNCERTAIN, Outcome.ACCEPTED,
)  # fmt: skip
LARGE: Final = 12 * 2**20
"""More than the buffers between two sockets hold."""


def _opening() -> dict[str, Fault]:
    return {
        "connect refused": Fault(at="listen", outcome=ACCOUNT, stage="connect"),
        "connect never answered": Fault(at="listen", outcome=ACCOUNT, stage="connect", waits="connect", is_settled=True),
        "connected, then dropped": Fault(at="connect", act=drop, outcome=ACCOUNT, stage="greeting"),
        "connected, then reset": Fault(at="connect", act=reset, outcome=ACCOUNT, stage="greeting"),
        "silent banner": Fault(at="greeting", act=silence, outcome=ACCOUNT, waits="greeting", is_settled=True),
        "banner a letter at a time": Fault(at="greeting", act=drip("220-ready\r\n"), outcome=ACCOUNT, waits="greeting", is_settled=True),
        "banner 421": Fault(at="greeting", act=say_and_close("421 4.3.2 busy\r\n"), outcome=ACCOUNT, code=421, status="4.3.2"),
        "banner 554": Fault(at="greeting", act=say_and_close("554 5.7.1 you are listed\r\n"), outcome=ACCOUNT, code=554, status="5.7.1",
                            is_settled=True),
        "banner of a web server": Fault(at="greeting", act=say_and_close("HTTP/1.1 400 Bad Request\r\n\r\n"), outcome=ACCOUNT),
        "banner of 10 MB": Fault(at="greeting", act=flood(b"220 " + b"x" * 65532), outcome=ACCOUNT),
        "banner without end": Fault(at="greeting", act=flood(b"220-ready\r\n" * 1000), outcome=ACCOUNT),
        "EHLO unknown": Fault(at="ehlo", act=say("500 5.5.1 what?"), outcome=ACCEPTED),
        "EHLO not implemented": Fault(at="ehlo", act=say("502 5.5.1 not here"), outcome=ACCEPTED),
        "EHLO refused": Fault(at="ehlo", act=say("550 5.7.1 not you"), outcome=ACCOUNT, code=550, status="5.7.1", is_settled=True),
        "EHLO 421": Fault(at="ehlo", act=say_and_close("421 later\r\n"), outcome=ACCOUNT, code=421),
        "EHLO dropped": Fault(at="ehlo", act=drop, outcome=ACCOUNT),
        "EHLO silent": Fault(at="ehlo", act=silence, outcome=ACCOUNT, waits="ehlo", is_settled=True),
        "EHLO without end": Fault(at="ehlo", act=flood(b"250-SIZE\r\n" * 1000), outcome=ACCOUNT),
    }  # fmt: skip


def _abilities() -> dict[str, Fault]:
    def lacking(*words: str) -> tuple[str, ...]:
        return tuple(one for one in EXTENSIONS if one.split(" ")[0] not in words)

    return {
        "no 8BITMIME": Fault(at="message", outcome=PERMANENT, stage="mail", code=554, status="5.6.3", extensions=lacking("8BITMIME")),
        "no SMTPUTF8": Fault(at="message", outcome=PERMANENT, stage="mail", code=553, status="5.6.7", extensions=lacking("SMTPUTF8")),
        "SIZE too small": Fault(at="message", outcome=PERMANENT, stage="mail", code=552, status="5.3.4",
                                extensions=(*lacking("SIZE"), "SIZE 5000")),
    }  # fmt: skip


def _tls() -> dict[str, Fault]:
    def starttls(act: Act | None, code: int = 0, status: str = "", tls: str = "good", waits: str = "") -> Fault:
        return Fault(at="starttls", act=act, outcome=ACCOUNT, stage="tls", code=code, status=status, is_settled=True, tls=tls, waits=waits,
                     extensions=(*EXTENSIONS, "STARTTLS"))  # fmt: skip

    return {
        "STARTTLS missing": Fault(at="ehlo", act=say("250-fault.example\r\n250 PIPELINING"), outcome=ACCOUNT, stage="tls",
                                  is_settled=True, tls="good", extensions=(*EXTENSIONS, "STARTTLS")),
        "STARTTLS refused": starttls(say("502 5.5.1 no"), 502, "5.5.1"),
        "STARTTLS 454": starttls(say("454 4.7.0 later"), 454, "4.7.0"),
        "STARTTLS dropped": starttls(drop),
        "STARTTLS silent": starttls(silence, waits="tls"),
        "STARTTLS, then garbage": starttls(say("220 go ahead\r\n\x16\x03garbage")),
        "STARTTLS, then a word slipped in": starttls(say("220 go ahead\r\n250 2.0.0 queued")),
        "certificate of nobody": starttls(None, tls="self-signed"),
        "certificate for another name": starttls(None, tls="other"),
        "certificate expired": starttls(None, tls="expired"),
    }  # fmt: skip


def _login() -> dict[str, Fault]:
    def auth(act: Act, code: int = 0, status: str = "", waits: str = "", at: str = "auth") -> Fault:
        return Fault(at=at, act=act, outcome=ACCOUNT, stage="auth", code=code, status=status, is_settled=True, is_login=True,
                     waits=waits, extensions=(*EXTENSIONS, "AUTH PLAIN LOGIN"))  # fmt: skip

    return {
        "AUTH missing": auth(say("250-fault.example\r\n250 PIPELINING"), at="ehlo"),
        "AUTH 535": auth(say("535 5.7.8 wrong"), 535, "5.7.8"),
        "AUTH 454": auth(say("454 4.7.0 later"), 454, "4.7.0"),
        "AUTH asks without end": auth(say("334 \r\n334 \r\n334 \r\n334 "), 334),
        "AUTH dropped": auth(drop),
        "AUTH silent": auth(silence, waits="auth"),
    }


def _commands() -> dict[str, Fault]:
    def refused(at: str, text: str, outcome: Outcome) -> Fault:
        code, _, rest = text.partition(" ")
        return Fault(
            at=at, act=say(text), outcome=outcome, code=int(code), status=rest.split(" ")[0] if rest[1:2] == "." else ""
        )

    found = {
        "MAIL 451": refused("mail", "451 4.3.0 later", TEMPORARY),
        "MAIL 550": refused("mail", "550 5.7.1 not as this sender", ACCOUNT),
        "MAIL 552": refused("mail", "552 5.3.4 too big", PERMANENT),
        "RCPT 450": refused("rcpt", "450 4.2.1 mailbox busy", TEMPORARY),
        "RCPT 451 greylisted": refused("rcpt", "451 4.7.1 greylisted, come back in 60 seconds", TEMPORARY),
        "RCPT 452": refused("rcpt", "452 4.2.2 mailbox full", TEMPORARY),
        "RCPT 550": refused("rcpt", "550 5.1.1 nobody here", PERMANENT),
        "RCPT 551": refused("rcpt", "551 5.1.6 moved", PERMANENT),
        "RCPT 552": refused("rcpt", "552 5.5.3 too many recipients", TEMPORARY),
        "RCPT 553": refused("rcpt", "553 5.1.3 bad syntax", PERMANENT),
        "RCPT 556 null MX": refused("rcpt", "556 5.1.10 takes no mail", PERMANENT),
        "RCPT 4xx: too many a minute": refused("rcpt", "450 4.7.1 rate limit exceeded", TEMPORARY),
        "DATA 451": refused("data", "451 4.3.0 later", TEMPORARY),
        "DATA 554": refused("data", "554 5.7.1 no", PERMANENT),
        "DATA 250": Fault(
            at="data", act=say("250 2.0.0 queued"), outcome=TEMPORARY, code=250, status="2.0.0", is_lost=False
        ),
        "DATA answered twice": Fault(
            at="data", act=say("354 go on\r\n250 2.0.0 queued"), outcome=TEMPORARY, code=250, status="2.0.0"
        ),
    }
    for at in ("mail", "rcpt", "data"):
        found |= {
            f"{at.upper()} 421": Fault(at=at, act=say_and_close("421 4.3.2 closing\r\n"), outcome=TEMPORARY, code=421, status="4.3.2",
                                       is_lost=True),
            f"{at.upper()} dropped": Fault(at=at, act=drop, outcome=TEMPORARY, is_lost=True),
            f"{at.upper()} reset": Fault(at=at, act=reset, outcome=TEMPORARY, is_lost=True),
            f"{at.upper()} silent": Fault(at=at, act=silence, outcome=TEMPORARY, is_lost=True, waits=at),
            f"{at.upper()} a letter at a time": Fault(at=at, act=drip("250-ok\r\n"), outcome=TEMPORARY, is_lost=True, waits=at),
            f"{at.upper()} garbage": Fault(at=at, act=say("\x00\x1b[31m<html>"), outcome=TEMPORARY, is_lost=True),
        }  # fmt: skip
    return found


def _content() -> dict[str, Fault]:
    def body(act: Act, size: int, **more: int | str | bool) -> Fault:
        is_small = size < 65_000
        outcome, stage = (UNCERTAIN, "end_of_data") if is_small else (TEMPORARY, "data")
        return Fault(at="body", act=act, outcome=outcome, stage=stage, size=size, is_lost=not is_small, **more)  # type: ignore[arg-type]  # by name

    return {
        "dropped after the first octet": body(read_then(1, drop), 20),
        "reset in the middle of a large message": body(read_then(200_000, reset), LARGE),
        "dropped in the middle of a large message": body(read_then(200_000, drop), LARGE),
        "421 in the middle of a large message": body(read_then(200_000, say_and_close("421 4.3.2 closing\r\n")), LARGE),
        "never reads a large message": body(deafness, LARGE, waits="block"),
        "reads a large message an octet at a time": body(sip, LARGE, waits="block"),
    }


def _end() -> dict[str, Fault]:
    def refused(code: int, status: str, outcome: Outcome) -> Fault:
        return Fault(
            at="dot", act=say(f"{code} {status} no"), outcome=outcome, stage="end_of_data", code=code, status=status
        )

    def unclear(act: Act, *, waits: str = "", is_taken: bool = False) -> Fault:
        return Fault(at="dot", act=act, outcome=UNCERTAIN, stage="end_of_data", waits=waits, is_taken=is_taken)

    return {
        "dot 451": refused(451, "4.3.0", TEMPORARY),
        "dot 452": refused(452, "4.3.1", TEMPORARY),
        "dot 550": refused(550, "5.7.1", PERMANENT),
        "dot 552": refused(552, "5.3.4", PERMANENT),
        "dot 554": refused(554, "5.6.0", PERMANENT),
        "dot 421": Fault(at="dot", act=say_and_close("421 4.3.2 closing\r\n"), outcome=TEMPORARY, stage="end_of_data", code=421,
                         status="4.3.2"),
        "taken, then dropped": unclear(drop, is_taken=True),
        "taken, then reset": unclear(reset, is_taken=True),
        "taken, then silence": unclear(silence, is_taken=True, waits="end_of_data"),
        "taken, then garbage": unclear(say("all right"), is_taken=True),
        "taken, then half a reply": unclear(say_and_close("250 2.0.0 que"), is_taken=True),
        "taken, then half a reply and silence": unclear(_half_and_silence, is_taken=True, waits="end_of_data"),
        "taken, then a reply of 10 MB": unclear(flood(b"250 " + b"x" * 65532), is_taken=True),
        "taken, then a reply without end": unclear(flood(b"250-ok\r\n" * 1000), is_taken=True),
        "taken, then a reply a letter at a time": unclear(drip("250-ok\r\n"), is_taken=True, waits="end_of_data"),
        "taken, and said so too late": unclear(answer_too_late, is_taken=True, waits="end_of_data"),
        "354 again": Fault(at="dot", act=say("354 go on"), outcome=UNCERTAIN, stage="end_of_data", code=354, is_taken=True),
    }  # fmt: skip


async def _half_and_silence(one: Conversation) -> None:
    await one.utter(b"250 2.0.0 que")
    await silence(one)


def _between() -> dict[str, Fault]:
    return {
        "250, then dropped": Fault(at="after", act=drop, outcome=ACCEPTED),
        "250, then reset": Fault(at="after", act=reset, outcome=ACCEPTED),
        "250, then 421 unasked": Fault(at="after", act=say_and_close("421 4.4.2 idle too long\r\n"), outcome=ACCEPTED),
        "250, then chatter unasked": Fault(at="after", act=say("250 2.0.0 by the way"), outcome=ACCEPTED),
        "QUIT dropped": Fault(at="quit", act=drop, outcome=ACCEPTED),
        "QUIT silent": Fault(at="quit", act=silence, outcome=ACCEPTED),
    }  # fmt: skip


FAULTS: Final = _opening() | _abilities() | _tls() | _login() | _commands() | _content() | _end() | _between()


# --- the server -------------------------------------------------------------------------------------------------------


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
