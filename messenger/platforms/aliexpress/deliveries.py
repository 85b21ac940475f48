"""What the platform posts: only hints that an order has changed; the order is read again by whoever polls the shop.

Source: docs/sources.md, S41.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from messenger.errors import EventError
from messenger.platforms.reading import Fields, body_of, inner, text
from messenger.ports import Hint
from messenger.ports.deliveries import Delivery, NotForUs, Told

KINDS: Final[Mapping[str, str]] = {
    "0": "trade order, or a test of the console",
    "18": "logistics",
    "51": "payment of a dropshipped order",
    "53": "status of a dropshipped order",
}
"""Types of a push that may name an order; the others are kept and mean nothing to us."""
TOPIC: Final = "aliexpress_order_"
"""How topics of the older message centre begin that are about an order."""
ORDER: Final = ("orderId", "order_id", "trade_order_id", "tradeOrderId", "parent_order_id")
MOST_DIGITS: Final = 24


def read(delivery: Delivery) -> Iterator[Told]:
    """Yield a hint at the order that a push is about.

    Raises:
        NotForUs: it is about no order: of a kind that nobody knows, or a test.
        EventError: it cannot be read, or names an order that can be none.
    """
    body = body_of(delivery.body)
    kind = text(body, "message_type", "topic")
    if kind not in KINDS and not kind.startswith(TOPIC):
        raise NotForUs(f"push of type {kind[:60]}" if kind else "push without a type")
    number = _number(body)
    if not number:
        raise NotForUs(f"push of type {kind[:60]} that names no order")
    if not number.isdecimal() or len(number) > MOST_DIGITS:
        raise EventError("data.orderId", f"is no order number: {number[:40]!r}")
    yield Hint(source=delivery.source, ref=number)


def _number(body: Fields) -> str:
    """The order's number, as text, wherever this kind of push has it."""
    return text(inner(body, "data", "content"), *ORDER) or text(body, *ORDER)
