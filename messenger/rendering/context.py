"""From an order to everything a message about it may speak about."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime

from messenger.domain.facts import shipment_in_focus
from messenger.domain.orders import Buyer, Item, Order, Shipment
from messenger.domain.shops import Shop
from messenger.rendering.names import clean, spoken_name
from messenger.rendering.shape import KINDS, SHAPE, attribute_of, spoken
from messenger.rendering.words import (
    NO_OCCASION,
    BuyerWords,
    ClosureWords,
    DeadlineWords,
    DisputeWords,
    ItemWords,
    LaneWords,
    Links,
    Occasion,
    OrderWords,
    RefundWords,
    ReviewWords,
    ShipmentWords,
    ShopWords,
    Words,
)  # fmt: skip

__all__ = [
    "KINDS",
    "NO_OCCASION",
    "SHAPE",
    "ClosureWords",
    "DeadlineWords",
    "ItemWords",
    "LaneWords",
    "Links",
    "Occasion",
    "Words",
    "attribute_of",
    "clean",
    "spoken",
    "spoken_name",
    "words_for",
]


def words_for(
    order: Order,
    *,
    shipment_id: str | None,
    shop: Shop,
    now: datetime,
    greetings: Mapping[str, str],
    unsubscribe: str = "",
    occasion: Occasion = NO_OCCASION,
    along: Sequence[tuple[Order, str | None]] = (),
) -> Words:
    """Return everything a message about this order may speak about, as of ``now``.

    Args:
        order: whose message it is.
        shipment_id: the parcel it is about; None for the one that moved last.
        shop: who writes.
        now: aware, UTC.
        greetings: the locale's phrases.
        unsubscribe: where to hear no more.
        occasion: what the rule adds to what the order tells.
        along: orders, and their parcels, whose messages go out together with this one.
    """
    shipment = shipment_in_focus(order, shipment_id)
    name = spoken_name(order.buyer.name)
    pattern = greetings.get("greeting_named" if name else "greeting_plain", "{name},")
    shipped_at = _when(order, order.shipped_at, "order.shipped")
    told = _order(order, shipped_at, now)
    parcel = _shipment(shipment, shipped_at, now) if shipment else None
    return Words(
        greeting=pattern.replace("{name}", name or ""),
        shop=ShopWords(id=shop.id, name=shop.name, url=shop.url or None),
        order=told,
        buyer=_buyer(order.buyer, name),
        shipment=parcel,
        shipments=_parcels(order, shipment, now, along)
        if along
        else tuple(
            parcel if one is shipment and parcel else _shipment(one, shipped_at, now) for one in order.shipments
        ),
        orders=(told, *_others(order, now, along)),
        dispute=DisputeWords(id=_line(found.id), reason=_line(found.reason), answer_by=found.answer_by)
        if (found := order.open_dispute)
        else None,
        review=ReviewWords(stars=order.review.stars, text=_line(order.review.text)) if order.review else None,
        refund=_refund(order),
        links=Links(
            tracking=(shipment.tracking_url or "") if shipment else "",
            order=order.url or "",
            survey=shop.survey_url,
            unsubscribe=unsubscribe,
        ),
        deadline=occasion.deadline,
        lane=occasion.lane,
        closure=occasion.closure,
    )


def _parcels(
    order: Order, shipment: Shipment | None, now: datetime, along: Sequence[tuple[Order, str | None]]
) -> tuple[ShipmentWords, ...]:
    """The parcels that messages are about which go out together, each once."""
    meant = [(order, shipment), *((other, shipment_in_focus(other, id_)) for other, id_ in along)]
    unique = {(one.number, parcel.id): (one, parcel) for one, parcel in meant if parcel is not None}
    return tuple(_shipment(parcel, _when(one, one.shipped_at, "order.shipped"), now) for one, parcel in unique.values())


def _others(order: Order, now: datetime, along: Sequence[tuple[Order, str | None]]) -> tuple[OrderWords, ...]:
    unique = {one.number: one for one, _ in along if one.number != order.number}
    return tuple(_order(one, _when(one, one.shipped_at, "order.shipped"), now) for one in unique.values())


def _line(text: str | None) -> str | None:
    return clean(text or "") or None


def _buyer(buyer: Buyer, name: str | None) -> BuyerWords:
    first = name.split()[0] if name and re.fullmatch(r"[^\W\d_]+( [\w.'’-]+)*", name) else name
    return BuyerWords(
        name=name, first_name=first, country=buyer.country, city=_line(buyer.city), language=buyer.language
    )


def _when(order: Order, told: datetime | None, type_: str) -> datetime | None:
    """The time the platform told, else the time of the event itself."""
    return told or next((one.at for one in order.history if one.type == type_), None)


def _order(order: Order, shipped_at: datetime | None, now: datetime) -> OrderWords:
    paid_at = _when(order, order.paid_at, "order.paid")
    return OrderWords(
        number=clean(order.number), placed_at=_when(order, order.placed_at, "order.placed"), paid_at=paid_at, shipped_at=shipped_at,
        received_at=_when(order, order.received_at, "order.received"),
        completed_at=_when(order, order.completed_at, "order.completed"), pay_by=order.pay_by, ship_by=order.ship_by,
        deliver_by=order.deliver_by, dispute_by=order.dispute_by, review_by=order.review_by, total=order.total,
        currency=order.currency, payment_method=_line(order.payment_method), shipping_method=_line(order.shipping_method), url=order.url,
        late=order.is_late(now), days_since_paid=_days(paid_at, now), items=_items(order.items),
    )  # fmt: skip


def _items(told: Sequence[Item]) -> tuple[ItemWords, ...]:
    return tuple(
        ItemWords(title=clean(one.title), sku=_line(one.sku), quantity=one.quantity, price=one.price) for one in told
    )


def _shipment(one: Shipment, shipped_at: datetime | None, now: datetime) -> ShipmentWords:
    return ShipmentWords(
        number=clean(one.number) if one.number else None, carrier=clean(one.carrier or "") or None, method=_line(one.method),
        state=str(one.state), state_since=one.state_since, moved_at=one.moved_at, delivered_at=one.delivered_at,
        place=clean(one.place or "") or None, reason=_line(one.reason), eta_from=one.eta_from, eta_to=one.eta_to,
        hold_until=one.hold_until, tracking_url=one.tracking_url,
        last_mile_number=clean(one.last_mile.number) if one.last_mile else None,
        previous_number=clean(one.previous_number) if one.previous_number else None, items=_items(one.items),
        last_mile_carrier=(clean(one.last_mile.carrier) or None) if one.last_mile else None,
        days_in_state=_days(one.state_since, now), days_since_moved=_days(one.moved_at, now), days_since_shipped=_days(shipped_at, now),
    )  # fmt: skip


def _refund(order: Order) -> RefundWords | None:
    if not order.refunds:
        return None
    newest = order.refunds[-1]
    return RefundWords(
        amount=newest.amount, currency=newest.currency, method=_line(newest.method), expected_by=newest.expected_by
    )


def _days(since: datetime | None, now: datetime) -> int | None:
    return None if since is None else max(0, (now - since).days)
