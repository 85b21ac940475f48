"""The clock, and the ways out: what carries a finished message."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from typing import Protocol, runtime_checkable

from messenger.domain.messages import FrozenMessage, Key, Letter, Receipt


class Clock(Protocol):
    """Tells the time. Nothing else in messenger asks the system for it."""

    def now(self) -> datetime:
        """Return the present instant; aware, UTC."""
        ...


Committing = Callable[[Key], Awaitable[bool]]
"""Asked just before the first byte that could commit the other side; False means: do not send, drop the message."""

Done = Callable[[Key, Receipt], Awaitable[None]]
"""Told exactly once how each message ended."""


class Transport(Protocol):
    """Carries frozen messages to their recipients.

    Before the first byte that could commit the other side the transport awaits ``committing(key)``
    and drops the message when the answer is False. Each other message ends in exactly one ``done`` call;
    nothing else leaves this method but its own cancellation.
    """

    name: str

    async def carry(self, messages: AsyncIterator[FrozenMessage], *, committing: Committing, done: Done) -> None:
        """Carry every message of the stream; return when the stream has ended and each message has its answer."""
        ...

    async def close(self) -> None:
        """Give up what is kept between calls, such as idle connections; within a second, and nothing leaves it.

        A transport that was closed can still be used: it begins anew.
        """
        ...


class NotNow(Exception):
    """A message cannot be looked for at present; ``receipt`` says why, as if it had been tried."""

    def __init__(self, receipt: Receipt) -> None:
        super().__init__(receipt.reply)
        self.receipt = receipt


@runtime_checkable
class Verifier(Protocol):
    """A transport that can be asked whether the other side has a message that was perhaps sent."""

    async def verify(self, message: FrozenMessage) -> bool | None:
        """Return whether it is there, or None where that cannot be said.

        False makes it leave once more, so it has to be certain.

        Raises:
            NotNow: the other side cannot be asked at present.
        """
        ...


class Composer(Protocol):
    """Turns a letter into the bytes that leave."""

    def seal(self, letter: Letter) -> Letter:
        """Return the letter with everything that has to be made only once, such as a signature.

        Asked before a letter is frozen, never again: ``compose`` of a sealed letter does not depend on keys.

        Raises:
            MessageRefused: as ``compose``.
        """
        ...

    def compose(self, letter: Letter) -> FrozenMessage:
        """Return the finished message; the same letter always gives the same bytes.

        Raises:
            MessageRefused: an address or a header would not survive the way.
        """
        ...
