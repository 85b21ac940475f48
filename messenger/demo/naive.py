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
    """What is wrong with a message at the moment it is sent."""

    IN_DISPUTE = "in_dispute"
    AFTER_DELIVERY = "after_delivery"
    AFTER_END = "after_end"


@dataclass(frozen=True, slots=True, kw_only=True)
class NaiveMessage:
    """A message as the timer sends it.

    ``because`` names the event that scheduled it; ``why_wrong`` says what was no longer true at ``at``.
    """

    order: str
    template: str
    at: datetime
    because: str
    why_wrong: tuple[Wrong, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistakes:
    """How many messages were sent, and how many should not have been; one may be wrong in several ways."""

    messages: int
    wrong: int
    at_night: int
    in_dispute: int
    after_delivery: int
    after_end: int


def naive_messages(events: Sequence[Event]) -> list[NaiveMessage]:
    """Return everything that the timer would send, by time, and what was no longer true when it did.

    Args:
        events: in any order; those that name no order schedule nothing.
    """
    by_order: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        if event.order is not None:
            by_order[event.order].append(event)
    found = [
        NaiveMessage(
            order=order,
            template=template,
            at=at,
            because=event.ref,
            why_wrong=_why_wrong(template, _order_at(at, told)),
        )
        for order, told in by_order.items()
        for event in told
        for template, delay in JOBS.get(event.type, ())
        for at in (event.time + delay,)
    ]
    return sorted(found, key=lambda one: (one.at, one.order, one.template))


def count_mistakes(messages: Iterable[NaiveMessage], zone_of: Callable[[str], ZoneInfo]) -> Mistakes:
    """Return how many of the messages should not have been sent.

    Args:
        messages: as ``naive_messages`` returns them.
        zone_of: the zone of an order's buyer, by the order's number; outside 8 to 21 o'clock there it is night.
    """
    sent = list(messages)
    night = [is_night(message.at, zone_of(message.order)) for message in sent]

    def counted(wrong: Wrong) -> int:
        return sum(wrong in message.why_wrong for message in sent)

    return Mistakes(
        messages=len(sent),
        wrong=sum(dark or bool(message.why_wrong) for message, dark in zip(sent, night, strict=True)),
        at_night=sum(night),
        in_dispute=counted(Wrong.IN_DISPUTE),
        after_delivery=counted(Wrong.AFTER_DELIVERY),
        after_end=counted(Wrong.AFTER_END),
    )


def is_night(at: datetime, zone: ZoneInfo) -> bool:
    """Return whether it is before 8 or from 21 o'clock in the zone."""
    return not OPENS <= at.astimezone(zone).hour < CLOSES


def _order_at(at: datetime, events: Iterable[Event]) -> Order:
    return fold(event for event in events if event.time <= at)


def _why_wrong(template: str, order: Order) -> tuple[Wrong, ...]:
    """What the order, as it stood when the message was sent, says against it."""
    found = {
        Wrong.IN_DISPUTE: order.open_dispute is not None,
        Wrong.AFTER_DELIVERY: template not in AFTER_ARRIVAL and order.all_delivered,
        Wrong.AFTER_END: order.status is OrderStatus.CANCELLED or bool(order.refunds),
    }
    return tuple(wrong for wrong, holds in found.items() if holds)
