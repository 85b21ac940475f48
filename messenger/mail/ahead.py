"""What a connection carries next: messages of a stream, each fetched while the one before it is on the wire."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass

from messenger.domain.messages import FrozenMessage
from messenger.mail.envelope import Envelope
from messenger.mail.session import Session


@dataclass(slots=True)
class Passage:
    """One message on its way."""

    message: FrozenMessage
    envelope: Envelope
    is_committed: bool | None = None
    """What the caller said when it was asked; None before."""
    committed_at: float = 0.0
    """When it said so, by the loop's clock."""
    announced_on: Session | None = None
    """Where it was announced together with the message before it."""


class Ahead:
    """What one connection carries next: while a message is on the wire the one after it passes its commit point.

    So it can be announced together with the first one's last octets, and the commit points of all connections share
    transactions. Only where the server is quick: a message that has to wait for long is not yet promised to it.
    """

    def __init__(self, fetch: Callable[[bool], Awaitable[Passage | None]]) -> None:
        self._fetch = fetch
        self._fetching: asyncio.Task[Passage | None] | None = None
        self._telling: asyncio.Task[None] | None = None
        """Writes down how the last message ended."""

    async def next(self) -> Passage | None:
        """Return the next message; None when there is none any more."""
        fetching, self._fetching = self._fetching, None
        return await (fetching if fetching is not None else self._fetch(False))  # noqa: FBT003  # not beyond its commit point

    def begin(self) -> None:
        """Let the next message pass its commit point, meanwhile."""
        if self._fetching is None:
            self._fetching = asyncio.ensure_future(self._fetch(True))  # noqa: FBT003  # beyond its commit point

    def take(self, session: Session) -> Passage | None:
        """Return the next message if it is there by now and can be announced."""
        if self._fetching is None or not self._fetching.done() or (found := self._fetching.result()) is None:
            return None
        if not session.can_announce(found.envelope):
            return None
        self._fetching, found.announced_on = None, session
        return found

    def put_back(self, passage: Passage) -> None:
        """Take back a message that was taken and could not be announced: it is the next one again."""
        passage.announced_on = None
        self._fetching = asyncio.ensure_future(_itself(passage))

    def tell(self, writing: Coroutine[None, None, None]) -> None:
        """Write down meanwhile how the present message ended."""
        self._telling = asyncio.ensure_future(writing)

    async def told(self) -> None:
        """Wait until that is done. Only then may the server be given the next one: a crash leaves one in doubt, not two."""
        if self._telling is not None:
            telling, self._telling = self._telling, None
            await telling

    async def close(self) -> None:
        """Let go; what is known is handed on to whoever writes it down."""
        await asyncio.sleep(0)
        for task in (self._fetching, self._telling):
            if task is not None:
                task.cancel()


async def _itself(passage: Passage) -> Passage:
    return passage
