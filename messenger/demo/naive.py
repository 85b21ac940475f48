"""The plain timer that the demo compares messenger with: one job per message, set when an event comes in.

This is how such messages are often sent: an event schedules jobs at fixed delays, and a job that was scheduled is run.
Nothing looks at the order again, at the buyer's clock, or at what has been said already.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from messenger.domain.events import Event
from messenger.domain.folding import fold
from messenger.domain.orders import Order, OrderStatus

JOBS: Final[Mapping[str, tuple[tuple[str, timedelta], ...]]] = {
    "order.shipped": (("shipped", timedelta(days=1)),),
    "shipment.import_customs": (
        ("customs-arrived", timedelta(0)),
        ("customs-delay", timedelta(days=5)),
        ("customs-delay", timedelta(days=10)),
    ),
    "shipment.delivered": (("delivered", timedelta(days=1)), ("review-request", timedelta(days=5))),
}
"""What an event schedules: a template, and how long after the event it is sent."""

AFTER_ARRIVAL: Final = frozenset({"delivered", "review-request"})
"""Templates that still make sense when the parcels have arrived."""
OPENS: Final = 8
CLOSES: Final = 21


class Wrong(StrEnum):
    """What is wrong with a message at the moment it is sent; the words complete "of these messages, so many …"."""

    AT_NIGHT = "came at night, before 8 or after 21 o'clock on the buyer's clock"
    IN_DISPUTE = "went to a buyer who had a dispute open"
    AFTER_DELIVERY = "spoke of a parcel on its way that had arrived"
    AFTER_END = "came after the order was cancelled or refunded"


@dataclass(frozen=True, slots=True, kw_only=True)
class NaiveMessage:
    """A message as the timer sends it; ``because`` names the event that scheduled it."""

    order: str
    template: str
    at: datetime
    because: str


def naive_messages(events: Sequence[Event]) -> list[NaiveMessage]:
    """Return everything that the timer would send, by time.

    Args:
        events: in any order; those that name no order schedule nothing.
    """
    found = [
        NaiveMessage(order=event.order, template=template, at=event.time + delay, because=event.ref)
        for event in events
        if event.order is not None
        for template, delay in JOBS.get(event.type, ())
    ]
    return sorted(found, key=lambda one: (one.at, one.order, one.template))


def count_mistakes(
    messages: Iterable[NaiveMessage], events: Iterable[Event], *, zone_of: Callable[[str], ZoneInfo]
) -> dict[Wrong, int]:
    """Return how many of the messages were wrong in each way; one message may be wrong in several.

    Args:
        messages: as ``naive_messages`` returns them.
        events: those that the messages were scheduled by.
        zone_of: the zone of an order's buyer, by the order's number.
    """
    by_order: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        by_order[event.order or ""].append(event)
    counts = dict.fromkeys(Wrong, 0)
    for message in messages:
        order = fold(event for event in by_order[message.order] if event.time <= message.at)
        for wrong in why_wrong(message, order, zone_of(message.order)):
            counts[wrong] += 1
    return counts


def why_wrong(message: NaiveMessage, order: Order, zone: ZoneInfo) -> tuple[Wrong, ...]:
    """Return what speaks against a message, by the order as it stood when it was sent."""
    found = {
        Wrong.AT_NIGHT: is_night(message.at, zone),
        Wrong.IN_DISPUTE: order.open_dispute is not None,
        Wrong.AFTER_DELIVERY: message.template not in AFTER_ARRIVAL and order.all_delivered,
        Wrong.AFTER_END: order.status is OrderStatus.CANCELLED or bool(order.refunds),
    }
    return tuple(wrong for wrong, holds in found.items() if holds)


def is_night(at: datetime, zone: ZoneInfo) -> bool:
    """Return whether it is before 8 or from 21 o'clock in the zone."""
    return not OPENS <= at.astimezone(zone).hour < CLOSES
