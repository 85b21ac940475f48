"""How long buyers were left without a word: by what their platform told them, and with what would have been written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

from messenger.domain.orders import Order
from messenger.domain.reaching import buyer_of

OrderName = tuple[str, str]
"""Shop and number."""
TOO_LONG: Final = timedelta(days=10)
HEARD: Final = frozenset({
    "order.paid", "order.partly_shipped", "order.shipped", "order.received", "order.completed", "order.cancelled", "order.delivered",
    "message.answered",
})  # fmt: skip
"""What platforms tell a buyer by themselves."""
OVER: Final = frozenset({"order.received", "order.completed", "order.cancelled", "order.delivered"})
"""After this nobody waits for anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A time in which a buyer who had paid heard nothing."""

    start: datetime
    end: datetime

    @property
    def length(self) -> timedelta:
        """How long it was."""
        return self.end - self.start


@dataclass(frozen=True, slots=True, kw_only=True)
class Quiet:
    """How it was for all buyers of some orders, and how it would have been.

    Args:
        until: the last instant the orders tell of; who still waits then has waited until then.
        buyers: who paid for anything.
        unheard: those who heard nothing for ``TOO_LONG``.
        written_to: of these, those who would have got a message in that time.
        still_unheard: those who would have heard nothing for ``TOO_LONG`` even so.
        longest: the longest time anybody waited; None when nobody paid.
        longest_of: whose order that was.
    """

    until: datetime | None
    buyers: int
    unheard: int
    written_to: int
    still_unheard: int
    longest: Gap | None
    longest_of: OrderName | None


def quiet(orders: Mapping[OrderName, Order], told: Mapping[OrderName, Sequence[datetime]]) -> Quiet:
    """Return how long the buyers of these orders were left without a word.

    Args:
        orders: by shop and number.
        told: when which order's buyer would have got a message.
    """
    until = max((one.at for order in orders.values() for one in order.history), default=None)
    tally = _Tally()
    if until is not None:
        for name, order in sorted(orders.items()):
            tally.count(name, order, until=until, messages=told.get(name, ()))
    longest, longest_of = tally.longest or (None, None)
    return Quiet(
        until=until, buyers=len(tally.buyers), unheard=len(tally.unheard), written_to=len(tally.written_to),
        still_unheard=len(tally.still_unheard), longest=longest, longest_of=longest_of,
    )  # fmt: skip


@dataclass(slots=True)
class _Tally:
    """Buyers, counted once each, however many orders they have."""

    buyers: set[OrderName] = field(default_factory=set)
    unheard: set[OrderName] = field(default_factory=set)
    written_to: set[OrderName] = field(default_factory=set)
    still_unheard: set[OrderName] = field(default_factory=set)
    longest: tuple[Gap, OrderName] | None = None

    def count(self, name: OrderName, order: Order, *, until: datetime, messages: Sequence[datetime]) -> None:
        found, buyer = gaps(order, until), (order.shop, buyer_of(order))
        if not found:
            return
        self.buyers.add(buyer)
        widest = max(found, key=lambda one: one.length)
        if self.longest is None or widest.length > self.longest[0].length:
            self.longest = widest, name
        long = [gap for gap in found if gap.length >= TOO_LONG]
        if not long:
            return
        self.unheard.add(buyer)
        if any(gap.start < at < gap.end for gap in long for at in messages):
            self.written_to.add(buyer)
        if any(gap.length >= TOO_LONG for gap in gaps(order, until, messages)):
            self.still_unheard.add(buyer)


def gaps(order: Order, until: datetime, messages: Iterable[datetime] = ()) -> list[Gap]:
    """Return the times between what a buyer heard, from the payment until the order was over; none for an unpaid one."""
    paid = order.settled_at
    if paid is None or paid > until:
        return []
    over = min((one.at for one in order.history if one.type in OVER and one.at >= paid), default=until)
    heard = {one.at for one in order.history if one.type in HEARD and paid <= one.at <= over}
    heard |= {at for at in messages if paid < at < over}
    return [Gap(start=one, end=other) for one, other in pairwise(sorted({paid, *heard, over}))]
