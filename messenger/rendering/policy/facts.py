"""What a judgement needs to know beside the words: about the order, the channel and the template."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from messenger.domain.messages import Category
from messenger.rendering.allowances import allowed_ids
from messenger.rendering.compile import Compiled
from messenger.rendering.context import Words


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known about one message.

    Args:
        channel: ``email`` or ``platform``.
        now: when it leaves; aware, UTC.
        order_number: what has to be named.
        numbers: every number that the text may hold without being somebody's telephone: of orders, parcels.
        tracking: the numbers of the order's parcels.
        told: what others wrote and the text may repeat: titles, names, places.
        buyer_language: BCP 47 tag; None when it is not known.
        is_delivered: delivery is recorded for what the message is about.
        asked_before: a review of this order was asked for already.
        category: of the rule.
        unsubscribe: the address with which to hear no more; empty when there is none.
        moments: when the order was placed, completed, received, where known.
        promises: what the file declares.
        allowed: rules that a comment in the file silences.
    """

    channel: str
    now: datetime
    order_number: str = ""
    numbers: tuple[str, ...] = ()
    tracking: tuple[str, ...] = ()
    told: tuple[str, ...] = ()
    buyer_language: str | None = None
    is_delivered: bool = False
    asked_before: bool = False
    category: Category = Category.TRANSACTIONAL
    unsubscribe: str = ""
    moments: Mapping[str, datetime] = field(default_factory=dict)
    promises: frozenset[str] = frozenset()
    allowed: frozenset[str] = frozenset()


def facts_of(
    words: Words,
    compiled: Compiled,
    *,
    channel: str,
    now: datetime,
    category: Category,
    language: str | None,
    asked_before: bool = False,
) -> Facts:
    """Return what is known about a message from what its text could speak of."""
    order, shipment = words.order, words.shipment
    parcels = [one for one in (shipment, *words.shipments) if one is not None]
    tracking = tuple(dict.fromkeys(one.number for one in parcels if one.number))
    others = [one for parcel in parcels for one in (parcel.last_mile_number, parcel.previous_number) if one]
    moments = {"placed_at": order.placed_at, "completed_at": order.completed_at, "received_at": order.received_at}
    return Facts(
        channel=channel, now=now, order_number=order.number, tracking=tracking, told=_told(words), buyer_language=language,
        numbers=tuple(dict.fromkeys((*(one.number for one in words.orders), order.number, *tracking, *others))),
        is_delivered=any(one.delivered_at is not None for one in ([shipment] if shipment else parcels)) or order.received_at is not None,
        asked_before=asked_before, category=category, unsubscribe=words.links.unsubscribe,
        moments={name: at for name, at in moments.items() if at is not None},
        promises=frozenset(compiled.promises), allowed=allowed_ids(compiled.allowances),
    )  # fmt: skip


def _told(words: Words) -> tuple[str, ...]:
    """What others wrote, the longest first: a name within a title goes with the title."""
    parcels = [one for one in (words.shipment, *words.shipments) if one is not None]
    found = {item.title for order in (words.order, *words.orders) for item in order.items}
    found |= {text for parcel in parcels for text in (parcel.place, parcel.reason, parcel.carrier) if text}
    found |= {text for text in (words.buyer.name, words.buyer.first_name, words.buyer.city) if text}
    found |= {words.review.text} if words.review is not None and words.review.text else set()
    return tuple(sorted((one for one in found if len(one) > 1), key=len, reverse=True))
