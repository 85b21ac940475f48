"""Carrying messages by a platform's calls: each is prepared, marked as leaving and sent, a few at the same time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable

from messenger.domain.messages import FrozenMessage, Key, Outcome, Receipt
from messenger.ports import Committing, Done, Feed

log = logging.getLogger(__name__)

Send = Callable[[], Receipt]
"""Makes the one call by which the platform takes a message; what it raises leaves it open whether it has."""
Prepare = Callable[[FrozenMessage], Receipt | Send]
"""Does what can be done before; returns how a message ended that cannot leave. Both block, and are run in threads."""


class Carrying:
    """Carries the messages of a stream as ``ports.Transport`` promises.

    Args:
        name: of the transport.
        prepare: of the platform.
        hands: messages that are dealt with at the same time.
    """

    def __init__(self, name: str, prepare: Prepare, *, hands: int) -> None:
        self._name = name
        self._prepare = prepare
        self._hands = hands

    async def carry(self, messages: AsyncIterator[FrozenMessage], *, committing: Committing, done: Done) -> None:
        """Carry every message of the stream; return when the stream has ended and each message has its answer."""
        feed = Feed(messages)

        async def deal() -> None:
            while (message := await feed.next()) is not None:
                answer = await self._answer(message, committing)
                if answer is not None:
                    await self._tell(message.key, answer, done)

        async with asyncio.TaskGroup() as group:
            for _ in range(self._hands):
                group.create_task(deal())

    async def _answer(self, message: FrozenMessage, committing: Committing) -> Receipt | None:
        """How it ended; None when the caller no longer wants it sent."""
        try:
            ready = await asyncio.to_thread(self._prepare, message)
        except Exception as error:  # noqa: BLE001 - one answer per message, whatever happens
            return self._broken(message, error, Outcome.TEMPORARY)
        if isinstance(ready, Receipt):
            return ready
        if not await self._may_commit(message.key, committing):
            return None
        try:
            return await asyncio.to_thread(ready)
        except Exception as error:  # noqa: BLE001 - the same; here it may have been sent
            return self._broken(message, error, Outcome.UNCERTAIN)

    def _broken(self, message: FrozenMessage, error: Exception, outcome: Outcome) -> Receipt:
        name = type(error).__name__
        log.warning("call_broken", extra={"transport": self._name, "key": str(message.key), "error": name})
        return Receipt(outcome=outcome, reply=f"the program failed ({name})")

    async def _may_commit(self, key: Key, committing: Committing) -> bool:
        try:
            return await committing(key)
        except Exception as error:  # noqa: BLE001 - without a durable mark nothing may be sent; the claim's lease runs out
            log.warning("commit_point_broken", extra={"key": str(key), "error": type(error).__name__})
            return False

    async def _tell(self, key: Key, answer: Receipt, done: Done) -> None:
        try:
            await done(key, answer)
        except Exception as error:  # noqa: BLE001 - one answer that cannot be written must not stop the others
            extra = {"key": str(key), "outcome": answer.outcome, "error": type(error).__name__}
            log.warning("answer_not_recorded", extra=extra)
