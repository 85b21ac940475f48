"""Preview: what a buyer would get, from a sample or a real order. Uses the writing of production."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from messenger.domain.messages import Category, Key, Letter, PlannedMessage
from messenger.domain.orders import Order
from messenger.domain.shops import Shop
from messenger.errors import UsageError
from messenger.services.home import Home
from messenger.services.preparing import Postman, Unwritable, Written


@dataclass(frozen=True, slots=True)
class Preview:
    """The use case behind ``messenger preview``."""

    home: Home

    def template(
        self, name: str, *, locale: str | None, order: Order, shop: Shop, channel: str, at: datetime
    ) -> Written:
        """Return the message as it would be written.

        Args:
            name: of the template.
            locale: BCP 47 tag to write in; None follows the buyer's own.
            order: a real or sample order.
            shop: who writes.
            channel: ``email`` or ``platform``.
            at: aware, UTC: the text is as of this instant.

        Raises:
            UsageError: there is no such template, or the order lacks something the text needs.
        """
        row = PlannedMessage(
            key=Key(order.shop, name, order.number, 1), order=order.number, template=name, category=self._category(name),
            trigger="preview", trigger_at=at, shipment=None, wanted_at=at, due_at=at, expires_at=at, stale_at=at,
        )  # fmt: skip
        postman = Postman(self.home, b"preview")
        recipient = order.buyer.email or "buyer@example.com"
        written = postman.compose(
            row, order=order, shop=shop, channel=channel, recipient=recipient, now=at, locale=locale
        )
        if isinstance(written, Unwritable):
            raise UsageError(written.why)
        return written

    def _category(self, template: str) -> Category:
        return next(
            (rule.category for rule in self.home.schedule.rules if rule.template == template), Category.TRANSACTIONAL
        )


def headers_of(letter: Letter) -> list[tuple[str, str]]:
    """Return what a mail program shows above the text."""
    name = f"{letter.recipient_name} <{letter.recipient}>" if letter.recipient_name else letter.recipient
    return [("From", letter.sender), ("To", name), ("Subject", letter.subject), ("Language", letter.locale)]
