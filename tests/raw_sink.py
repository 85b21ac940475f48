"""A mail server that writes down every octet of a message as it came over the line, dots still doubled. Real, on 127.0.0.1."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import Final, Self

END: Final = b"\r\n.\r\n"


@dataclass(frozen=True)
class Received:
    """One mail: envelope, and what stood between DATA and the final dot, with the line end before that dot."""

    sender: str
    recipients: tuple[str, ...]
    wire: bytes

    @property
    def content(self) -> bytes:
        """The message without the doubled dots. Source: RFC 5321, 4.5.2."""
        return re.sub(rb"(^|\r\n)\.", rb"\1", self.wire)


class RawSink:
    def __init__(self) -> None:
        self.received: list[Received] = []
        self.commands: list[bytes] = []
        self.port = 0
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._converse, "127.0.0.1", 0, limit=2**24)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._talk(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()
            self._tasks.discard(task)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sender = b""
        recipients: list[str] = []
        writer.write(b"220 sink.example\r\n")
        while line := await reader.readuntil(b"\r\n"):
            command = line.rstrip(b"\r\n")
            self.commands.append(command)
            verb = command.split(b" ")[0].upper()
            if verb == b"MAIL":
                sender, recipients = _path(command), []
            elif verb == b"RCPT":
                recipients.append(_path(command).decode())
            elif verb == b"DATA":
                writer.write(b"354 go on\r\n")
                wire = (await reader.readuntil(END)).removesuffix(b".\r\n")
                self.received.append(Received(sender.decode(), tuple(recipients), wire))
            writer.write(b"250-sink.example\r\n250 PIPELINING\r\n" if verb == b"EHLO" else b"250 ok\r\n")


def _path(command: bytes) -> bytes:
    return command[command.index(b"<") + 1 : command.rindex(b">")]
