"""A real SMTP server on 127.0.0.1 that can be told to misbehave at any stage. Keeps every message it said yes to."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

DROP: Final = "<drop>"
"""Hang up without a word."""
SILENT: Final = "<silent>"
"""Say nothing until the client hangs up."""
CONTENT_DROP: Final = "<drop while content comes>"

Script = Mapping[str, str | list[str]]
"""What to say at a stage (``greeting ehlo starttls auth mail rcpt data end_of_data after quit rset``) instead of yes.

A list is used up one by one; then the server behaves.
"""
GOOD: Final = {
    "greeting": "220 test.example ready",
    "starttls": "220 go ahead",
    "auth": "235 2.7.0 welcome",
    "mail": "250 2.1.0 ok",
    "rcpt": "250 2.1.5 ok",
    "data": "354 go on",
    "end_of_data": "250 2.0.0 queued as 1",
    "after": "",
    "rset": "250 2.0.0 ok",
    "quit": "221 2.0.0 bye",
    "noop": "250 2.0.0 ok",
}

CHALLENGES: Final = {
    "LOGIN": ("VXNlcm5hbWU6", "UGFzc3dvcmQ6"),
    "CRAM-MD5": ("PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+",),  # RFC 2195, 2
}


class _HungUp(Exception):
    pass


@dataclass(frozen=True)
class Mail:
    """One message the server has; ``is_taken`` tells whether it said yes to it."""

    sender: str
    recipient: str
    content: bytes
    is_taken: bool


class SmtpServer:
    def __init__(
        self,
        script: Script | None = None,
        *,
        recipients: Mapping[str, str] | None = None,
        extensions: tuple[str, ...] = ("PIPELINING", "8BITMIME"),
        tls: ssl.SSLContext | None = None,
        is_implicit_tls: bool = False,
        host: str = "127.0.0.1",
    ) -> None:
        self._host = host
        self._script = {stage: list(say) if isinstance(say, list) else say for stage, say in (script or {}).items()}
        self._recipients = recipients or {}
        self._extensions = extensions
        self._tls = tls
        self._is_implicit_tls = is_implicit_tls
        self.mails: list[Mail] = []
        self.commands: list[str] = []
        self.logins: list[list[str]] = []
        """What came to AUTH, line by line."""
        self.connections = 0
        self.open_now = self.most_open = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.port = 0

    @property
    def taken(self) -> list[Mail]:
        return [mail for mail in self.mails if mail.is_taken]

    async def __aenter__(self) -> Self:
        context = self._tls if self._is_implicit_tls else None
        self._server = await asyncio.start_server(self._accept, self._host, 0, ssl=context, limit=2**20)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        self.open_now += 1
        self.most_open = max(self.most_open, self.open_now)
        try:
            await _Conversation(self, reader, writer).run()
        except (_HungUp, OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()
            self.open_now -= 1
            self._tasks.discard(task)

    async def hang_up(self) -> None:
        """Hang up on everybody, and wait until that has happened."""
        tasks = set(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def line(self, stage: str, *, recipient: str = "") -> str:
        if stage == "rcpt" and recipient in self._recipients:
            return self._recipients[recipient]
        say = self._script.get(stage)
        if isinstance(say, list):
            return say.pop(0) if say else self.good(stage)
        return self.good(stage) if say is None else say

    def good(self, stage: str) -> str:
        return GOOD.get(stage) or ("" if stage == "after" else "250-test.example\r\n" + self._ehlo())

    def _ehlo(self) -> str:
        names = [*self._extensions, "HELP"]
        return "\r\n".join(f"250{'-' if name != 'HELP' else ' '}{name}" for name in names)

    @property
    def tls(self) -> ssl.SSLContext | None:
        return self._tls


class _Conversation:
    def __init__(self, server: SmtpServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._server = server
        self._reader = reader
        self._writer = writer
        self._sender = self._recipient = ""

    async def run(self) -> None:
        await self._say("greeting")
        while line := await self._reader.readuntil(b"\r\n"):
            command = line.decode().strip()
            self._server.commands.append(command)
            await self._obey(command)

    async def _obey(self, command: str) -> None:
        verb = command.split(" ", maxsplit=1)[0].upper()
        if verb == "MAIL":
            self._sender = command[command.index("<") + 1 : command.index(">")]
            await self._say("mail")
        elif verb == "RCPT":
            self._recipient = command[command.index("<") + 1 : command.index(">")]
            await self._say("rcpt", recipient=self._recipient)
        elif verb == "DATA":
            if (await self._say("data")).startswith("354"):
                await self._take()
        elif verb == "STARTTLS":
            if (await self._say("starttls")).startswith("220"):
                assert self._server.tls is not None
                await self._writer.start_tls(self._server.tls)
        elif verb == "AUTH":
            await self._login(command)
        elif verb == "QUIT":
            await self._say("quit")
            raise _HungUp
        else:
            await self._say(verb.lower())

    async def _login(self, command: str) -> None:
        """Ask on, as the mechanism wants it; ``auth`` says what is answered at the end."""
        said = [command.partition(" ")[2]]
        self._server.logins.append(said)
        mechanism = command.split(" ")[1].upper()
        for question in CHALLENGES.get(mechanism, ()):
            self._writer.write(f"334 {question}\r\n".encode())
            said.append((await self._reader.readuntil(b"\r\n")).decode().rstrip("\r\n"))
        await self._say("auth")

    async def _take(self) -> None:
        if self._server.line("content") == CONTENT_DROP:
            await self._reader.readexactly(1)
            raise _HungUp
        lines: list[bytes] = []
        while (line := await self._reader.readuntil(b"\r\n")) != b".\r\n":
            lines.append(line[1:] if line.startswith(b".") else line)
        say = self._server.line("end_of_data")
        self._server.mails.append(Mail(self._sender, self._recipient, b"".join(lines), say.startswith("2")))
        await self._utter(say)
        await self._say("after")

    async def _say(self, stage: str, *, recipient: str = "") -> str:
        line = self._server.line(stage, recipient=recipient)
        await self._utter(line)
        return line

    async def _utter(self, line: str) -> None:
        if line == DROP:
            raise _HungUp
        if line == SILENT:
            while await self._reader.read(65536):
                pass
            raise _HungUp
        if line:
            self._writer.write(line.encode("utf-8", "surrogateescape") + b"\r\n")
            await self._writer.drain()
