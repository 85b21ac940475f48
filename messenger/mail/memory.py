"""A transport that only remembers: for tests and rehearsals. It keeps every promise of the port."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator
from typing import Final

from messenger.domain.messages import FrozenMessage, Outcome, Receipt
from messenger.ports import Committing, Done

REPLIES: Final = {
    Outcome.ACCEPTED: (250, "250 2.0.0 kept in memory"),
    Outcome.TEMPORARY: (451, "451 4.3.0 try again later"),
    Outcome.PERMANENT: (550, "550 5.1.1 no such mailbox"),
    Outcome.UNCERTAIN: (0, "the line broke before a reply"),
    Outcome.ACCOUNT: (535, "535 5.7.8 authentication failed"),
}


class MemoryTransport:
    """Keeps what it is given; answers as scripted, ``accepted`` when nothing is scripted.

    Args:
        name: of the transport.
    """

    def __init__(self, name: str = "memory") -> None:
        self.name = name
        self.sent: list[FrozenMessage] = []
        self.lost: list[FrozenMessage] = []
        """Messages whose fate was scripted to be uncertain."""
        self._next: deque[Outcome] = deque()
        self._by_recipient: dict[str, Outcome] = {}

    def answer(self, *outcomes: Outcome) -> None:
        """Answer the next messages with these outcomes, one each."""
        self._next.extend(outcomes)

    def answer_for(self, recipient: str, outcome: Outcome) -> None:
        """Answer every message to this address with this outcome."""
        self._by_recipient[recipient] = outcome

    async def carry(self, messages: AsyncIterator[FrozenMessage], *, committing: Committing, done: Done) -> None:
        """Take every message of the stream; return when each has its answer."""
        async for message in messages:
            if not await committing(message.key):
                continue
            outcome = self._by_recipient.get(message.recipient) or (
                self._next.popleft() if self._next else Outcome.ACCEPTED
            )
            if outcome is Outcome.ACCEPTED:
                self.sent.append(message)
            elif outcome is Outcome.UNCERTAIN:
                self.lost.append(message)
            code, reply = REPLIES[outcome]
            await done(message.key, Receipt(outcome=outcome, reply=reply, code=code))

    async def close(self) -> None:
        """Nothing is kept open."""
