"""Messages to buyers by the platform's old calls; implements ``ports.Transport`` and ``ports.Verifier``.

Where the platform does not let us, nothing is lost: the message waits, and people at the desk take over.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Final

from messenger.domain.messages import LOOK, FrozenMessage, Outcome, Receipt
from messenger.errors import SourceAway, SourceShut
from messenger.platforms.aliexpress.client import midnight_in_beijing
from messenger.platforms.aliexpress.failures import UNKNOWN_METHOD, CallFailed, Trouble
from messenger.platforms.aliexpress.messages import DOOR, Words, is_there, send
from messenger.platforms.aliexpress.session import Session
from messenger.platforms.calling import Carrying, Send
from messenger.ports import Committing, Done, NotNow

AUTH, SAY = "auth", "send"
"""How far a message came: the login, the message itself."""
TAKEN_OVER: Final = 30.0
"""Seconds after which a message that the platform does not take looks for another way."""


class AliExpressTransport:
    """Carries texts to buyers, into the conversation of their order.

    Args:
        name: of the transport.
        session: makes the calls.
        hands: messages at the same time.
        close: gives up what the calls keep open.
    """

    def __init__(self, name: str, session: Session, *, hands: int, close: Callable[[], None]) -> None:
        self.name = name
        self._session = session
        self._carrying = Carrying(name, self._prepare, hands=hands)
        self._close = close

    async def carry(self, messages: AsyncIterator[FrozenMessage], *, committing: Committing, done: Done) -> None:
        """Carry every message of the stream; return when the stream has ended and each message has its answer."""
        await self._carrying.carry(messages, committing=committing, done=done)

    async def verify(self, message: FrozenMessage) -> bool | None:
        """Return whether the order's conversation shows the message; None where that cannot be said."""
        try:
            return await asyncio.to_thread(is_there, self._session, self._words(message))
        except CallFailed as error:
            raise NotNow(_receipt(error, Outcome.ACCOUNT, LOOK)) from error
        except (SourceAway, SourceShut) as error:
            raise NotNow(Receipt(outcome=Outcome.ACCOUNT, reply=str(error)[:500], stage=LOOK)) from error

    async def close(self) -> None:
        """Give up what is kept between calls."""
        await asyncio.to_thread(self._close)

    def _prepare(self, message: FrozenMessage) -> Receipt | Send:
        shut = self._session.shut_doors().get(DOOR)
        if shut is not None:
            return _taken_over(shut)
        try:
            self._session.login.access()
        except (SourceAway, SourceShut) as error:
            return Receipt(outcome=Outcome.ACCOUNT, reply=str(error)[:500], stage=AUTH)
        return lambda: self._say(message)

    def _say(self, message: FrozenMessage) -> Receipt:
        try:
            send(self._session, self._words(message))
        except CallFailed as error:
            return self._refused(error)
        except (SourceAway, SourceShut) as error:
            return Receipt(outcome=Outcome.ACCOUNT, reply=str(error)[:500], stage=AUTH)
        return Receipt(outcome=Outcome.ACCEPTED, reply="AliExpress has it", code=200)

    def _refused(self, error: CallFailed) -> Receipt:
        if error.may_have_worked:
            return _receipt(error, Outcome.UNCERTAIN, SAY)
        if error.trouble is Trouble.PERMISSION or error.code in UNKNOWN_METHOD:
            return _taken_over(str(self._session.shut(DOOR, error)))
        match error.trouble:
            case Trouble.DATA:
                return _receipt(error, Outcome.PERMANENT, SAY)
            case Trouble.SPENT:
                return _receipt(error, Outcome.ACCOUNT, SAY, retry_after=self._until_tomorrow())
            case _:
                return _receipt(error, Outcome.ACCOUNT, SAY, retry_after=error.again_after)

    def _words(self, message: FrozenMessage) -> Words:
        """What is said, and where: an order's conversation has the order's number."""
        order = dict(message.about).get("Order") or message.key.scope.partition("/")[0]
        kept = self._session.login.vault.credentials(self._session.login.account)
        return Words(
            order=order, buyer=message.recipient, seller=kept.holder if kept is not None else "", text=message.text
        )

    def _until_tomorrow(self) -> float:
        now = self._session.client.clock.now()
        return (midnight_in_beijing(now) - now).total_seconds()


def _taken_over(why: str) -> Receipt:
    """Not sent, and nothing wrong with it: next time the desk has it."""
    reply = f"AliExpress does not let us write, the desk does it: {why}"
    return Receipt(outcome=Outcome.TEMPORARY, reply=reply[:500], retry_after=TAKEN_OVER, stage=AUTH)


def _receipt(error: CallFailed, outcome: Outcome, stage: str, *, retry_after: float | None = None) -> Receipt:
    return Receipt(outcome=outcome, reply=str(error)[:500], stage=stage, status=error.code, retry_after=retry_after)
