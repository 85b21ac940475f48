"""A mailbox on this machine: takes every mail, delivers none. For the tutorial, rehearsals and previews."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import re
import weakref
from dataclasses import dataclass
from datetime import datetime
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from aiosmtpd.smtp import SMTP

from messenger.ports import Clock

SIZE_LIMIT: Final = 32 * 1024 * 1024
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxMessage:
    """One mail of the inbox, as a list shows it.

    Args:
        path: the ``.eml`` file.
        subject: decoded.
        sender: the From header, decoded.
        to: the To header, decoded.
        date: the Date header as a time, None when there is none that can be read.
        locale: Content-Language, or empty.
        message_id: without angle brackets, or empty.
    """

    path: Path
    subject: str
    sender: str
    to: str
    date: datetime | None
    locale: str
    message_id: str

    def bodies(self) -> dict[str, str]:
        """Return the bodies by subtype, ``plain`` and ``html``, LF line ends."""
        return {
            part.get_content_subtype(): str(part.get_content()).replace("\r\n", "\n")
            for part in _parsed(self.path).walk()
            if part.get_content_maintype() == "text"
        }


class LocalInbox:
    """An SMTP server in the running event loop that writes each mail into a folder, whole or not at all.

    Args:
        folder: where ``.eml`` files go; made when missing.
        clock: names the files.
        host: a loopback address; nothing else is accepted.
        port: 0 for any free one; see ``port`` once started.
    """

    def __init__(self, folder: Path, *, clock: Clock, host: str = "127.0.0.1", port: int = 0) -> None:
        if host != "localhost" and not ipaddress.ip_address(host).is_loopback:
            raise ValueError(f"the inbox listens on this machine only (127.0.0.1 or ::1), got {host!r}")
        self.folder = folder
        self.host = host
        self.port = port
        self._clock = clock
        self._sequence = 0
        self._server: asyncio.Server | None = None
        self._sessions: weakref.WeakSet[Any] = weakref.WeakSet()  # Any: aiosmtpd is not annotated

    async def start(self) -> None:
        """Begin to listen.

        Raises:
            OSError: the port is taken.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        self._server = await asyncio.get_running_loop().create_server(self._session, self.host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening and hang up; mails that were answered are on disk."""
        if self._server is None:
            return
        self._server.close()
        for session in list(self._sessions):
            if session.transport is not None:
                session.transport.abort()
        await self._server.wait_closed()
        self._server = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def messages(self) -> list[InboxMessage]:
        """Return what has come, oldest first."""
        return [listed(path) for path in sorted(self.folder.glob("*.eml"))]

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: ARG002, N802 - aiosmtpd's name
        """Write the mail down, then say yes. ``Any``: aiosmtpd is not annotated."""
        path = self.folder / self._name(envelope.content)
        await asyncio.to_thread(_write, path, envelope.content)
        return f"250 2.0.0 kept as {path.name}"

    def _session(self) -> asyncio.Protocol:
        session = SMTP(
            self,
            hostname="localhost",
            ident="messenger inbox",
            data_size_limit=SIZE_LIMIT,
            enable_SMTPUTF8=True,
            loop=asyncio.get_running_loop(),
        )
        self._sessions.add(session)
        found: asyncio.Protocol = session
        return found

    def _name(self, content: bytes) -> str:
        self._sequence += 1
        message_id = str(
            BytesParser(policy=policy.compat32).parsebytes(content, headersonly=True)["Message-ID"] or "none"
        )
        label = _UNSAFE.sub("", message_id.partition("@")[0]).strip(".")[:12] or "none"
        return f"{self._clock.now():%Y%m%dT%H%M%SZ}-{self._sequence:05d}-{label}.eml"


def _write(path: Path, content: bytes) -> None:
    unfinished = path.with_suffix(".tmp")
    with unfinished.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _parsed(path: Path) -> EmailMessage:
    with path.open("rb") as file:
        return BytesParser(EmailMessage, policy=policy.default).parse(file)


def listed(path: Path) -> InboxMessage:
    """Return one ``.eml`` file as a list shows it."""
    mail = _parsed(path)
    date = mail["Date"]
    return InboxMessage(
        path=path,
        subject=str(mail["Subject"] or ""),
        sender=str(mail["From"] or ""),
        to=str(mail["To"] or ""),
        date=date.datetime if date is not None else None,
        locale=str(mail["Content-Language"] or ""),
        message_id=str(mail["Message-ID"] or "").strip().strip("<>"),
    )
