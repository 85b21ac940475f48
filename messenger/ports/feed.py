"""A stream of messages as several carriers of one transport share it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

from messenger.domain.messages import FrozenMessage

log = logging.getLogger(__name__)


class Feed:
    """Hands the messages of one stream to several carriers, one at a time."""

    def __init__(self, messages: AsyncIterator[FrozenMessage]) -> None:
        self._messages = messages
        self._lock = asyncio.Lock()
        self._is_over = False

    async def next(self) -> FrozenMessage | None:
        """Return the next message; None when there is none any more."""
        async with self._lock:
            if self._is_over:
                return None
            try:
                return await anext(self._messages)
            except StopAsyncIteration:
                self._is_over = True
            except Exception as error:  # noqa: BLE001 - the caller's stream broke: what is under way still gets its answer
                log.warning("message_stream_broken", extra={"error": type(error).__name__})
                self._is_over = True
            return None
