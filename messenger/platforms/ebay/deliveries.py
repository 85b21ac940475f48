"""What eBay posts: so far, that somebody's account is closed. Source: docs/sources.md, S29 and S50."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from messenger.errors import EventError
from messenger.platforms.reading import body_of, inner, text
from messenger.ports.deliveries import Delivery, ForAPerson, NotForUs, Told

CLOSED: Final = "MARKETPLACE_ACCOUNT_DELETION"

OrdersOf = Callable[[Sequence[str]], Sequence[str]]
"""Returns the numbers of the orders of buyers with one of these ids."""


def read(delivery: Delivery, *, orders_of: OrdersOf) -> Iterator[Told]:
    """Yield what a delivery tells.

    eBay tells every program of everybody who leaves, thousands a day: who never bought here is nobody's business.

    Raises:
        ForAPerson: somebody who bought here has left, so that their data has to be erased.
        NotForUs: of another topic.
        EventError: it cannot be read.
    """
    body = body_of(delivery.body)
    topic = text(inner(body, "metadata"), "topic")
    if topic != CLOSED:
        raise NotForUs(topic or "no topic")
    told = inner(inner(body, "notification"), "data")
    ids = [one for name in ("userId", "username", "eiasToken") if (one := text(told, name))]
    if not ids:
        raise EventError("notification.data", "names nobody: userId and username are missing")
    orders = orders_of(ids)
    if orders:
        raise ForAPerson(f"a buyer closed the account at eBay: erase what is kept of {_listed(orders)}")
    yield from ()


def _listed(orders: Sequence[str]) -> str:
    first = ", ".join(orders[:5])
    more = f" and {len(orders) - 5} more" if len(orders) > 5 else ""
    return f"{'orders' if len(orders) > 1 else 'order'} {first}{more}"
