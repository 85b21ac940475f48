"""One end of a line to a mail server: commands and blocks go out, whole replies come in, each within its time."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Collection
from math import inf
from typing import Final, Self

from messenger.domain.addresses import is_loopback
from messenger.mail.replies import Incoming, NoReply, Reply, Stage, Trouble, visible
from messenger.mail.settings import SmtpSettings

BLOCK: Final = 65_536
"""Octets that are written at a time; the last of a message is held back until all others are on their way."""
MOST_UNREAD: Final = 65_536
"""Octets that wait to be read before the server is asked to pause: whoever floods us is not listened to."""


class _Ear(asyncio.Protocol):
    """What a line hears, and whether there is room for more to be said."""

    def __init__(self) -> None:
        self.incoming = Incoming()
        self._transport: asyncio.Transport | None = None
        self._is_full = self._is_crowded = self._is_lost = False
        self._waiter: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport if isinstance(transport, asyncio.Transport) else None

    def data_received(self, data: bytes) -> None:
        self.incoming.feed(data)
        if len(self.incoming) > MOST_UNREAD and self._transport is not None:
            self._transport.pause_reading()
            self._is_full = True
        self._wake()

    def eof_received(self) -> None:
        self.incoming.is_over = True
        self._wake()

    def connection_lost(self, _: Exception | None) -> None:
        self._is_lost = self.incoming.is_over = True
        self._wake()

    def pause_writing(self) -> None:
        self._is_crowded = True

    def resume_writing(self) -> None:
        self._is_crowded = False
        self._wake()

    def take(self) -> Reply | None:
        """Return the next reply, if all of it is there."""
        found = self.incoming.take()
        if self._is_full and self._transport is not None:
            self._is_full = False
            self._transport.resume_reading()
        return found

    @property
    def has_room(self) -> bool:
        """Whether more can be written.

        Raises:
            ConnectionResetError: the line is gone.
        """
        if self._is_lost:
            raise ConnectionResetError
        return not self._is_crowded

    async def change(self, end: float) -> None:
        """Wait until something has changed.

        Args:
            end: by the loop's clock.

        Raises:
            TimeoutError: until then nothing has.
        """
        loop = asyncio.get_running_loop()
        waiter = self._waiter = loop.create_future()
        alarm = loop.call_at(end, _expire, waiter)
        try:
            await waiter
        finally:
            alarm.cancel()
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


def _expire(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_exception(TimeoutError())


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
        return not (self._transport.is_closing() or self._ear.incoming.is_over or self._ear.incoming)

    async def secure(self, context: ssl.SSLContext) -> None:
        """Go on in TLS; the server has to show a certificate for its name."""
        if self._ear.incoming:
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
        end = 0.0
        try:
            while (found := self._ear.take()) is None:
                end = end or asyncio.get_running_loop().time() + waits
                await self._ear.change(end)
        except TimeoutError:
            raise Trouble(stage, None, words=f"{stage}: no whole reply within {waits:g} s", is_silence=True) from None
        except NoReply as problem:
            raise Trouble(stage, None, words=f"{stage}: {problem}") from None
        return found

    async def send(self, block: bytes, stage: Stage) -> None:
        """Send a part of a message; returns when there is room for more."""
        self._transport.write(block)
        end = 0.0
        try:
            while not self._ear.has_room:
                end = end or asyncio.get_running_loop().time() + self._settings.timeouts.block
                await self._ear.change(end)
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
