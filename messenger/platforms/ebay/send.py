"""Messages to eBay's buyers: sent into their conversation, and looked for where nobody knows whether they arrived."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from typing import Final

from messenger.domain.messages import LOOK, FrozenMessage, Outcome, Receipt
from messenger.errors import SourceAway, SourceShut
from messenger.platforms.calling import Carrying, Send
from messenger.platforms.ebay.client import Client, TooMuch
from messenger.platforms.ebay.failures import CallFailed, Trouble
from messenger.platforms.ebay.looking import is_there
from messenger.platforms.ebay.policy import forbidden
from messenger.ports import Clock, Committing, Done, NotNow

AN_HOUR: Final = timedelta(hours=1)
A_DAY: Final = timedelta(days=1)
BLOCKED: Final = 100.0
"""Seconds for which eBay answers nothing after too many calls, where it does not say how long."""
GONE: Final = "DELETE"
AUTH, CALL, SEND = "auth", "call", "send"
"""How far a message came: the login, what is asked before, the message itself."""


class EbayTransport:
    """Carries texts to eBay's buyers; implements ``ports.Transport`` and ``ports.Verifier``.

    Args:
        name: of the transport.
        client: makes the calls.
        clock: tells the time.
        hands: messages at the same time.
        close: gives up what the client keeps open.
    """

    def __init__(self, name: str, client: Client, clock: Clock, *, hands: int, close: Callable[[], None]) -> None:
        self.name = name
        self._client = client
        self._clock = clock
        self._carrying = Carrying(name, self._prepare, hands=hands)
        self._close = close
        self._capped: dict[str, datetime] = {}
        """When eBay last had enough messages for a buyer."""

    async def carry(self, messages: AsyncIterator[FrozenMessage], *, committing: Committing, done: Done) -> None:
        """Carry every message of the stream; return when the stream has ended and each message has its answer."""
        await self._carrying.carry(messages, committing=committing, done=done)

    async def verify(self, message: FrozenMessage) -> bool | None:
        """Return whether eBay shows the message; None where that cannot be said."""
        try:
            return await asyncio.to_thread(is_there, self._client, message)
        except (CallFailed, SourceAway, SourceShut) as error:
            raise NotNow(self._before(error, LOOK)) from error

    async def close(self) -> None:
        """Give up what is kept between calls."""
        await asyncio.to_thread(self._close)

    def _prepare(self, message: FrozenMessage) -> Receipt | Send:
        problem = forbidden(message, self._clock.now())
        if problem:
            return Receipt(outcome=Outcome.PERMANENT, reply=f"not sent: {problem}")
        try:
            conversation = self._conversation_with(message.recipient)
        except (CallFailed, SourceAway, SourceShut) as error:
            return self._before(error, CALL)
        return lambda: self._send(message, conversation)

    def _conversation_with(self, username: str) -> str:
        """The conversation with a buyer in which something was said last; empty when none is seen to be with this buyer.

        eBay has been seen to give those of others when it did not know the name: nobody may get what is meant for another.
        """
        try:
            there = self._client.conversations(username=username)
            found = [one for one in there if one.is_with(username) and one.status != GONE]
        except TooMuch:
            return ""
        newest = max(
            found, key=lambda one: one.latest.at.timestamp() if one.latest and one.latest.at else 0.0, default=None
        )
        return newest.id if newest is not None else ""

    def _send(self, message: FrozenMessage, conversation: str) -> Receipt:
        try:
            id_ = self._client.send(message.text, conversation=conversation, username=message.recipient)
        except CallFailed as error:
            return self._refused(error, message.recipient)
        except (SourceAway, SourceShut) as error:
            return self._before(error, SEND)
        return Receipt(outcome=Outcome.ACCEPTED, reply=f"eBay has it: {id_}" if id_ else "eBay has it", code=200)

    def _refused(self, error: CallFailed, username: str) -> Receipt:
        """What it means when the message itself was not taken, or perhaps was."""
        if error.may_have_worked:
            return _receipt(error, Outcome.UNCERTAIN, SEND)
        if error.trouble is Trouble.REQUEST:
            return _receipt(error, Outcome.PERMANENT, SEND)
        if error.trouble is Trouble.CAPPED:
            return _receipt(error, Outcome.TEMPORARY, SEND, retry_after=self._pause_for(username).total_seconds())
        return self._before(error, SEND)

    def _pause_for(self, username: str) -> timedelta:
        """An hour when eBay has had enough for the first time, the next day when it still has."""
        now = self._clock.now()
        self._capped = {name: at for name, at in self._capped.items() if now - at < 2 * A_DAY}
        pause = A_DAY if username in self._capped else AN_HOUR
        self._capped[username] = now
        return pause

    def _before(self, error: CallFailed | SourceAway | SourceShut, stage: str) -> Receipt:
        """What it means when eBay could not be asked, so that nothing was sent: nothing is wrong with the message."""
        if isinstance(error, SourceShut):
            return Receipt(outcome=Outcome.ACCOUNT, reply=str(error)[:500], stage=stage if stage == LOOK else AUTH)
        if isinstance(error, SourceAway):
            return Receipt(outcome=Outcome.ACCOUNT, reply=str(error)[:500], stage=stage)
        if error.trouble in {Trouble.LOGIN, Trouble.PERMISSION}:
            return _receipt(error, Outcome.ACCOUNT, stage if stage == LOOK else AUTH)
        if error.trouble is Trouble.THROTTLED:
            return _receipt(error, Outcome.ACCOUNT, stage, retry_after=max(BLOCKED, error.retry_after or 0.0))
        if error.trouble is Trouble.PASSING:
            return _receipt(error, Outcome.ACCOUNT, stage)
        return _receipt(error, Outcome.TEMPORARY, stage)


def _receipt(error: CallFailed, outcome: Outcome, stage: str, *, retry_after: float | None = None) -> Receipt:
    return Receipt(
        outcome=outcome, reply=str(error)[:500], code=error.status, stage=stage, status=error.code, retry_after=retry_after
    )  # fmt: skip
