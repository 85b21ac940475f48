"""One conversation with one mail server, and how far it has come.

``aiosmtplib`` opens the line: connection, TLS, login. After that its transport is ours, because it raises the same
error before and after the server took responsibility, and cannot send MAIL and RCPT in one packet (RFC 2920).
"""

from __future__ import annotations

import asyncio
import ssl
from typing import Final, cast

import aiosmtplib

from messenger.mail.replies import LINE_LIMIT, START_INPUT, Reply, Stage, Trouble, read_reply
from messenger.mail.settings import Security, SmtpSettings, Timeouts

FAREWELL: Final = 1.0
"""Seconds a server may take to say goodbye."""


class Session:
    """An open line that has been greeted, secured and logged in."""

    def __init__(self, *, transport: asyncio.Transport, extensions: frozenset[str], timeouts: Timeouts) -> None:
        loop = asyncio.get_running_loop()
        self._reader = asyncio.StreamReader(limit=LINE_LIMIT, loop=loop)
        protocol = asyncio.StreamReaderProtocol(self._reader, loop=loop)
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        self._writer = asyncio.StreamWriter(transport, protocol, self._reader, loop)
        self._transport = transport
        self._extensions = extensions
        self._timeouts = timeouts
        self.stage = Stage.AUTH
        self.carried = 0

    @property
    def speaks_utf8(self) -> bool:
        """Whether the server takes addresses beyond ASCII (RFC 6531)."""
        return "smtputf8" in self._extensions

    async def offer(self, *, sender: str, recipient: str) -> None:
        """Say who writes to whom; in one packet where the server lists PIPELINING.

        Raises:
            Trouble: the server does not want it, or the line broke.
        """
        self.carried += 1
        is_utf8 = not recipient.isascii() or not sender.isascii()
        mail = f"MAIL FROM:<{sender}>{' SMTPUTF8' if is_utf8 else ''}"
        rcpt = f"RCPT TO:<{recipient}>"
        self.stage = Stage.MAIL
        if "pipelining" in self._extensions:
            self._write(mail, rcpt)
            first = await self._reply()
            self.stage = Stage.RCPT
            second = await self._reply() if first is not None else None
            _expect(Stage.MAIL, first if second is not None else first and _unless_refused(first))
            _expect(Stage.RCPT, second)
            return
        self._write(mail)
        _expect(Stage.MAIL, await self._reply())
        self.stage = Stage.RCPT
        self._write(rcpt)
        _expect(Stage.RCPT, await self._reply())

    async def hand_over(self, content: bytes) -> Reply:
        """Send the message; returns the server's yes.

        Args:
            content: CRLF line ends; dots are stuffed here.

        Raises:
            Trouble: with stage ``end_of_data`` and no reply its fate is unknown.
        """
        self.stage = Stage.DATA
        self._write("DATA")
        start = await self._reply()
        if start is None or start.code != START_INPUT:
            raise Trouble(Stage.DATA, start, words=_NO_REPLY)
        self.stage = Stage.END_OF_DATA
        reply = await self._reply(after=stuffed(content))
        if reply is None or not reply.is_positive:
            raise Trouble(Stage.END_OF_DATA, reply, words=_NO_REPLY)
        self.stage = Stage.AUTH
        return reply

    async def reset(self) -> bool:
        """Drop the message under way; returns whether the line can be used on."""
        self.stage = Stage.MAIL
        self._write("RSET")
        reply = await self._reply()
        return reply is not None and reply.is_positive

    async def close(self) -> None:
        """Say goodbye, and hang up after a second at most."""
        try:
            async with asyncio.timeout(FAREWELL):
                self._write("QUIT")
                await read_reply(self._reader)
                self._writer.close()
                await self._writer.wait_closed()
        except (OSError, TimeoutError):
            pass  # goodbye is a courtesy: every message had its answer before
        finally:
            self.abort()

    def abort(self) -> None:
        """Hang up at once."""
        self._transport.abort()

    def _write(self, *commands: str) -> None:
        if not self._transport.is_closing():
            self._writer.write("".join(f"{command}\r\n" for command in commands).encode())

    async def _reply(self, *, after: bytes = b"") -> Reply | None:
        """Write ``after`` and wait for a reply; None when the line breaks, falls silent or talks nonsense."""
        try:
            async with asyncio.timeout(self._timeouts.at(self.stage)):
                if after:
                    self._writer.write(after)
                    await self._writer.drain()
                return await read_reply(self._reader)
        except (OSError, TimeoutError):
            return None


_NO_REPLY: Final = "the line broke before a reply"


def stuffed(content: bytes) -> bytes:
    """Return the message as it goes over the line, with dots doubled and the end marked. Source: RFC 5321, 4.5.2."""
    content = content.replace(b"\r\n.", b"\r\n..")
    return (
        (b"." if content.startswith(b".") else b"")
        + content
        + (b".\r\n" if content.endswith(b"\r\n") else b"\r\n.\r\n")
    )


def _expect(stage: Stage, reply: Reply | None) -> None:
    if reply is None or not reply.is_positive:
        raise Trouble(stage, reply, words=_NO_REPLY)


def _unless_refused(first: Reply) -> Reply | None:
    """With the second of two replies missing, the first counts only as far as it says no."""
    return first if first.is_refusal else None


async def open_session(settings: SmtpSettings) -> Session:
    """Connect, secure and log in.

    Raises:
        Trouble: the server cannot be reached, is not who it should be, or does not want us.
    """
    client = aiosmtplib.SMTP(
        hostname=settings.host,
        port=settings.port,
        local_hostname=settings.local_hostname or None,
        use_tls=settings.security is Security.TLS,
        start_tls=False,
        tls_context=settings.context(),
    )
    progress = [Stage.CONNECT]
    try:
        transport = await _set_up(client, settings, progress)
    except BaseException as error:
        if client.transport is not None:
            cast("asyncio.Transport", client.transport).abort()  # typed as its base, always a socket's or TLS's
        client.close()
        if isinstance(error, Exception):
            raise _trouble(progress[0], error) from error
        raise
    return Session(transport=transport, extensions=frozenset(client.esmtp_extensions), timeouts=settings.timeouts)


async def _set_up(client: aiosmtplib.SMTP, settings: SmtpSettings, progress: list[Stage]) -> asyncio.Transport:
    waits = settings.timeouts
    await client.connect(timeout=waits.connect)
    progress[0] = Stage.EHLO
    await client.ehlo(timeout=waits.ehlo)
    if settings.security is Security.STARTTLS:
        progress[0] = Stage.TLS
        await client.starttls(timeout=waits.connect)
        progress[0] = Stage.EHLO
        await client.ehlo(timeout=waits.ehlo)
    if settings.username:
        progress[0] = Stage.AUTH
        await client.login(settings.username, settings.password, timeout=waits.auth)
    transport = client.protocol.transport if client.protocol else None
    if transport is None or transport.is_closing():
        raise aiosmtplib.SMTPServerDisconnected("Connection lost")
    return cast("asyncio.Transport", transport)  # typed as its base, always a socket's or TLS's


def _trouble(stage: Stage, error: Exception) -> Trouble:
    if isinstance(error, aiosmtplib.SMTPConnectResponseError):
        stage = Stage.GREETING
    if isinstance(error, aiosmtplib.SMTPResponseException):
        is_reply = 200 <= error.code <= 599
        reply = Reply(error.code, " ".join(error.message.splitlines())) if is_reply else None
        return Trouble(stage, reply, words=f"{stage}: not a reply")
    if isinstance(_tls_failure(error), ssl.SSLError):
        return Trouble(Stage.TLS, None, words=f"TLS: {_tls_failure(error)}", is_account=True)
    is_line = isinstance(
        error, OSError | aiosmtplib.SMTPConnectError | aiosmtplib.SMTPServerDisconnected | aiosmtplib.SMTPTimeoutError
    )
    words = (
        f"{stage}: {error}"
        if isinstance(error, aiosmtplib.SMTPException | OSError)
        else f"{stage}: {type(error).__name__}"
    )
    return Trouble(stage, None, words=words, is_account=not is_line and stage in {Stage.TLS, Stage.AUTH})


def _tls_failure(error: BaseException) -> ssl.SSLError | None:
    """Return the TLS failure behind an error, unless it is only a line that broke during the handshake."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLError):
            return None if isinstance(seen, ssl.SSLEOFError | ssl.SSLZeroReturnError) else seen
        seen = seen.__cause__
    return None
