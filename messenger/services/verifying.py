"""Verifying: what was perhaps sent is looked for on the platform, and leaves once more only when it is not there."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from datetime import datetime

from messenger.domain.messages import LOOK, Doubt, FrozenMessage, Outcome, PlannedMessage, Reason, Receipt
from messenger.domain.rules import Uncertain
from messenger.domain.shops import UncertainPolicy
from messenger.ports import Committing, Done, NotNow, Transport, Verifier

log = logging.getLogger(__name__)


def doubt_of(message: PlannedMessage, policy: UncertainPolicy, now: datetime) -> Doubt:
    """Return what has to be asked about a message that was perhaps sent.

    A copy that was surely not taken (``Reason.RETRY``) does not count as sent again; what is pointless by now is only
    looked for.
    """
    if policy.then is not Uncertain.VERIFY:
        return Doubt.NONE
    was_sent_again = message.resent and message.reason is not Reason.RETRY
    return Doubt.LAST if was_sent_again or now >= message.expires_at else Doubt.LOOK


def looking_back(transport: Transport) -> Transport:
    """Return the transport as one that looks first for what was perhaps sent, where it can be asked."""
    return Verifying(transport, transport) if isinstance(transport, Verifier) else transport


class Verifying:
    """A transport before which messages in doubt are looked for; implements ``ports.Transport``.

    Args:
        transport: carries what is not there.
        verifier: knows what is.
    """

    def __init__(self, transport: Transport, verifier: Verifier) -> None:
        self.name = transport.name
        self._transport = transport
        self._verifier = verifier

    async def carry(self, messages: AsyncIterator[FrozenMessage], *, committing: Committing, done: Done) -> None:
        """Carry every message of the stream that has not arrived; return when each has its answer."""
        await self._transport.carry(self._missing(messages, done), committing=committing, done=done)

    async def close(self) -> None:
        """Give up what is kept between calls."""
        await self._transport.close()

    async def _missing(self, messages: AsyncIterator[FrozenMessage], done: Done) -> AsyncIterator[FrozenMessage]:
        async for message in messages:
            answer = None if message.doubt is Doubt.NONE else await self._looked_for(message)
            if answer is None:
                yield message
            else:
                await done(message.key, answer)

    async def _looked_for(self, message: FrozenMessage) -> Receipt | None:
        """How a look for a message ended; None when it is not there and may leave."""
        try:
            is_there = await self._verifier.verify(message)
        except NotNow as problem:
            return problem.receipt
        except Exception as error:  # noqa: BLE001 - whatever happens, nothing leaves that was not looked for
            log.warning("look_broken", extra={"key": str(message.key), "error": type(error).__name__})
            return Receipt(outcome=Outcome.TEMPORARY, reply=f"not looked for: {type(error).__name__}", stage=LOOK)
        if is_there:
            return Receipt(outcome=Outcome.ACCEPTED, reply="found there: an earlier try had arrived", stage=LOOK)
        if is_there is None:
            return Receipt(outcome=Outcome.UNCERTAIN, reply="it cannot be said whether it is there", stage=LOOK)
        if message.doubt is Doubt.LAST:
            return Receipt(outcome=Outcome.UNCERTAIN, reply="not there, and not sent once more by itself", stage=LOOK)
        return None
