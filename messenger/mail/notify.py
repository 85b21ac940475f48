"""Telling people of alerts by mail: one plain letter each, beside the outbox of buyers."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from messenger.domain.messages import FrozenMessage, Key, Letter, Outcome, Receipt
from messenger.errors import MessageRefused, NotTold
from messenger.mail.headers import split_mailbox
from messenger.ports import Bulletin, Composer, Transport

LONGEST: Final = 240.0
"""Seconds that all of it may take."""
RULE: Final = "alerts"
NO_ANSWER: Final = "the mail server did not answer in time"


@dataclass(slots=True, kw_only=True)
class MailNotifier:
    """Mails bulletins.

    Args:
        recipients: bare addresses.
        sender: ``Name <address>``.
        transport: the name of the transport it leaves by.
        open_transport: makes one of its own, so that it never waits behind mail to buyers.
        find_composer: returns what makes the finished mails; it may raise ConfigurationError for a key that cannot be used.
    """

    recipients: Sequence[str]
    sender: str
    transport: str
    open_transport: Callable[[], Transport]
    find_composer: Callable[[], Composer]
    name: str = "mail"

    def notify(self, bulletin: Bulletin, *, at: datetime) -> None:
        """Mail a bulletin to everybody; told is who got it, and one is enough.

        Raises:
            NotTold: nobody's mail was accepted.
            ConfigurationError: a key, or the login, cannot be used.
        """
        composer = self.find_composer()
        try:
            mails = [composer.compose(composer.seal(one)) for one in self._letters(bulletin, at)]
        except MessageRefused as error:
            raise NotTold(str(error)) from error
        try:
            receipts = asyncio.run(self._carry(mails))
        except TimeoutError:
            raise NotTold(NO_ANSWER) from None
        if not any(one.outcome is Outcome.ACCEPTED for one in receipts):
            raise NotTold(next((one.reply for one in receipts if one.reply), NO_ANSWER))

    async def _carry(self, mails: Sequence[FrozenMessage]) -> list[Receipt]:
        transport, receipts = self.open_transport(), list[Receipt]()

        async def stream() -> AsyncIterator[FrozenMessage]:
            for one in mails:
                yield one

        async def committing(_: Key) -> bool:
            return True

        async def done(_: Key, receipt: Receipt) -> None:
            receipts.append(receipt)

        try:
            async with asyncio.timeout(LONGEST):
                await transport.carry(stream(), committing=committing, done=done)
        finally:
            await transport.close()
        return receipts

    def _letters(self, bulletin: Bulletin, at: datetime) -> list[Letter]:
        _, address = split_mailbox(self.sender)
        id_, domain = uuid.uuid4().hex, address.rpartition("@")[2]
        return [
            Letter(
                key=Key("", RULE, id_, number),
                sender=self.sender,
                recipient=recipient,
                recipient_name="",
                subject=bulletin.subject,
                text=bulletin.text,
                html="",
                platform_text="",
                locale=bulletin.language,
                message_id=f"{id_}.{number}@{domain}",
                date=at,
            )
            for number, recipient in enumerate(self.recipients, start=1)
        ]
