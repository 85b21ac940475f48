"""One end of a line to a mail server: commands and blocks go out, whole replies come in, each within its time."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Collection
from math import inf
from typing import Final, Self

from messenger.domain.addresses import is_loopback
from messenger.mail.replies import LINE_LIMIT, NoReply, Reply, Stage, Trouble, read_reply, visible
from messenger.mail.settings import SmtpSettings

BLOCK: Final = 65_536
"""Octets that are written at a time; the last of a message is held back until all others are on their way."""


class _Reader(asyncio.StreamReader):
    """Counts what was read, so that it can be told from what nobody has asked for."""

    taken = 0

    async def readuntil(self, separator: bytes = b"\n") -> bytes:  # type: ignore[override]  # nobody here asks for more
        line = await super().readuntil(separator)
        self.taken += len(line)
        return line


class _Ear(asyncio.Protocol):
    """What a line hears, and whether there is room for more to be said."""

    def __init__(self) -> None:
        self.reader = _Reader(limit=LINE_LIMIT, loop=asyncio.get_running_loop())
        self._came = 0
        self._is_lost = False
        self._room = asyncio.Event()
        self._room.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.reader.set_transport(transport)

    def data_received(self, data: bytes) -> None:
        self._came += len(data)
        self.reader.feed_data(data)

    def eof_received(self) -> None:
        self.reader.feed_eof()

    def connection_lost(self, exc: Exception | None) -> None:
        self._is_lost = True
        self._room.set()
        if exc is None:
            self.reader.feed_eof()
        else:
            self.reader.set_exception(exc)

    def pause_writing(self) -> None:
        self._room.clear()

    def resume_writing(self) -> None:
        self._room.set()

    @property
    def has_unread(self) -> bool:
        return self._came > self.reader.taken

    async def room(self) -> None:
        """Wait until more can be written.

        Raises:
            ConnectionResetError: the line is gone.
        """
        await self._room.wait()
        if self._is_lost:
            raise ConnectionResetError


class Line:
    """An open line. Whatever goes wrong on it is a ``Trouble`` of the stage at which it went wrong."""

    def __init__(self, ear: _Ear, transport: asyncio.Transport, settings: SmtpSettings) -> None:
        self._ear = ear
        self._transport = transport
        self._settings = settings

    @classmethod
    async def connect(cls, settings: SmtpSettings) -> Self:
        """Return a line to the server; nothing has been said yet."""
        ear = _Ear()
        waits = settings.timeouts.connect
        try:
            async with asyncio.timeout(waits):
                loop = asyncio.get_running_loop()
                transport, _ = await loop.create_connection(lambda: ear, settings.host.strip("[]"), settings.port)
        except TimeoutError:
            words = f"connect: no answer from {settings.host} within {waits:g} s"
            raise Trouble(Stage.CONNECT, None, words=words, is_silence=True) from None
        except (OSError, UnicodeError) as error:
            raise Trouble(Stage.CONNECT, None, words=f"connect: {visible(str(error))}") from error
        return cls(ear, transport, settings)

    @property
    def own_address(self) -> str:
        """The address of our end."""
        found = self._transport.get_extra_info("sockname")
        return str(found[0]) if found else "127.0.0.1"

    @property
    def is_protected(self) -> bool:
        """Whether nobody on the way can listen: TLS, or it does not leave this machine."""
        found = self._transport.get_extra_info("peername")
        there = str(found[0]) if found else self._settings.host
        return self._transport.get_extra_info("ssl_object") is not None or is_loopback(there)

    @property
    def is_quiet(self) -> bool:
        """Whether it is open and nothing came that nobody has asked for."""
        return not (self._transport.is_closing() or self._ear.reader.at_eof() or self._ear.has_unread)

    async def secure(self, context: ssl.SSLContext) -> None:
        """Go on in TLS; the server has to show a certificate for its name."""
        if self._ear.has_unread:
            raise Trouble(
                Stage.TLS, None, words="TLS: the server, or somebody on the way, spoke on before the line was protected"
            )
        ear = _Ear()
        try:
            transport = await asyncio.get_running_loop().start_tls(
                self._transport,
                ear,
                context,
                server_hostname=self._settings.host.strip("[]"),
                ssl_handshake_timeout=self._settings.timeouts.tls,
            )
        except ssl.SSLCertVerificationError as error:
            raise _tls_trouble(f"the server's certificate is not accepted: {error.verify_message}") from error
        except (OSError, ValueError) as error:  # ValueError: a name that no certificate can have
            raise _tls_trouble(str(error) or type(error).__name__) from error
        if transport is None:
            raise _tls_trouble("the line broke")
        ear.connection_made(transport)
        self._ear, self._transport = ear, transport

    def say(self, *commands: str) -> None:
        """Send commands in one packet."""
        octets = in_lines(commands)
        if not self._transport.is_closing():
            self._transport.write(octets)

    async def reply(self, stage: Stage, *, within: float = inf) -> Reply:
        """Return the next reply; all of it has to come within the time of the stage, or a shorter one."""
        waits = min(within, self._settings.timeouts.at(stage))
        try:
            async with asyncio.timeout(waits):
                return await read_reply(self._ear.reader)
        except TimeoutError:
            raise Trouble(stage, None, words=f"{stage}: no whole reply within {waits:g} s", is_silence=True) from None
        except NoReply as problem:
            raise Trouble(stage, None, words=f"{stage}: {problem}") from None

    async def send(self, block: bytes, stage: Stage) -> None:
        """Send a part of a message; returns when there is room for more."""
        try:
            async with asyncio.timeout(self._settings.timeouts.block):
                self._transport.write(block)
                await self._ear.room()
        except TimeoutError:
            raise Trouble(
                stage, None, words=f"{stage}: the server did not take the message in time", is_silence=True
            ) from None
        except OSError:
            raise Trouble(stage, None, words=f"{stage}: the line broke before a reply") from None

    def abort(self) -> None:
        """Hang up at once."""
        self._transport.abort()


def in_lines(commands: Collection[str]) -> bytes:
    """Return commands as they go over the line, one after another.

    Raises:
        ValueError: one of them would be more than one line.
    """
    if not all(command.isprintable() for command in commands):
        raise ValueError("a command holds something that cannot stand in one line")
    return "".join(f"{command}\r\n" for command in commands).encode()


def _tls_trouble(words: str) -> Trouble:
    return Trouble(Stage.TLS, None, words=f"TLS: {visible(words)}")
