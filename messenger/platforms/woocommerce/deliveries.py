"""What WooCommerce posts: the whole order, whenever anything about it was changed. Source: docs/sources.md, S29."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Final

from messenger.domain.events import ORDER_TYPES
from messenger.errors import EventError
from messenger.platforms.reading import (
    Fields,
    amount,
    body_of,
    inner,
    instant,
    listed,
    needed_instant,
    sections,
    short_digest,
    text,
)
from messenger.ports.deliveries import Delivery, IfNew, NotForUs, Told

TYPES: Final[Mapping[str, str]] = {
    "on-hold": "order.payment_pending",
    "processing": "order.paid",
    "completed": "order.shipped",
    "cancelled": "order.cancelled",
}
"""What a status tells; ``completed`` is what shops set when the parcel has left. All others, and a shop's own, change no state."""
DATES: Final[Mapping[str, str]] = {"processing": "date_paid_gmt", "completed": "date_completed_gmt"}
"""When that was, for the statuses whose date the order keeps; of an open one whose date it does not keep, when it was placed, so
that an old order which somebody edits sets off nothing."""
CLOSED: Final = frozenset({"completed", "cancelled"})
SAYS: Final[Mapping[str, str]] = {"order.paid": "paid_at", "order.shipped": "shipped_at"}
STATUSES: Final = frozenset(ORDER_TYPES) - {"order.updated"}
PARCELS: Final = "_wc_shipment_tracking_items"
"""Where the two most used plug-ins for tracking numbers keep them; others keep them elsewhere."""
LANGUAGES: Final = frozenset({"wpml_language", "_order_language"})


def read(delivery: Delivery) -> Iterator[Told]:
    """Yield what a delivery tells.

    Raises:
        NotForUs: of another topic.
        EventError: it cannot be read.
    """
    topic = delivery.headers.get("x-wc-webhook-topic", "")
    if topic == "order.deleted":
        yield from _deleted(body_of(delivery.body), delivery)
    elif topic in {"order.created", "order.updated", "order.restored"}:
        yield from _order(body_of(delivery.body))
    else:
        raise NotForUs(topic or "no topic")


def _order(body: Fields) -> Iterator[Told]:
    number = text(body, "number", "id")
    if not number:
        raise EventError("number", "the order has no number")
    at = needed_instant(body, "date_modified_gmt", "date_created_gmt", naive_is_utc=True)
    placed_at = needed_instant(body, "date_created_gmt", naive_is_utc=True)

    def told(name: str, type_: str, time: str, data: dict[str, object]) -> dict[str, object]:
        return {"id": f"order/{number}/{name}", "type": type_, "time": time, "subject": number, "data": data}

    yield told("placed", "order.placed", placed_at, sections(order={"placed_at": placed_at}))
    data = sections(order=_order_fields(body), buyer=_buyer(body))
    yield told(f"updated/{at}/{short_digest(data)}", "order.updated", at, data)
    yield from _status(body, at if text(body, "status") in CLOSED else placed_at, told)
    for refund in listed(body, "refunds"):
        money = {"amount": amount(text(refund, "total")).lstrip("-"), "currency": text(body, "currency")}
        name = f"refund/{text(refund, 'id')}"
        yield IfNew(document=told(name, "refund.issued", at, sections(refund=money)))
    for index, parcel in enumerate(_parcels(body)):
        yield from _parcel(parcel, f"parcel/{text(parcel, 'tracking_id') or index}", at, told)


def _status(
    body: Fields, at: str, told: Callable[[str, str, str, dict[str, object]], dict[str, object]]
) -> Iterator[Told]:
    """What its status tells, when it is another than before: any edit of the order says all of it again."""
    status = text(body, "status")
    type_ = TYPES.get(status, "")
    if not type_:
        return
    since = instant(text(body, DATES.get(status, "")), naive_is_utc=True) or at
    data = sections(order={SAYS[type_]: since}) if type_ in SAYS else {}
    yield IfNew(document=told(f"{status}/{since}", type_, since, data), among=STATUSES - {"order.placed"})


def _order_fields(body: Fields) -> Fields:
    return {
        "platform_status": text(body, "status"),
        "total": amount(text(body, "total")),
        "currency": text(body, "currency"),
        "payment_method": text(body, "payment_method_title"),
        "shipping_method": next((text(one, "method_title") for one in listed(body, "shipping_lines")), ""),
        "items": [_item(one) for one in listed(body, "line_items")],
    }


def _item(line: Fields) -> dict[str, object]:
    told = {
        "title": text(line, "name") or "?", "sku": text(line, "sku"), "quantity": line.get("quantity"),
        "price": amount(text(line, "price")),
    }  # fmt: skip
    return {name: value for name, value in told.items() if value not in ("", None)}


def _buyer(body: Fields) -> Fields:
    billing = inner(body, "billing")
    there = next((one for one in (inner(body, "shipping"), billing) if text(one, "country")), billing)
    customer = text(body, "customer_id")
    return {
        "id": "" if customer == "0" else customer,  # a guest
        "name": f"{text(there, 'first_name')} {text(there, 'last_name')}".strip(),
        "email": text(billing, "email"),
        "phone": text(there, "phone") or text(billing, "phone"),
        "language": next((text(one, "value") for one in _notes(body) if text(one, "key") in LANGUAGES), ""),
        "country": text(there, "country"),
        "region": text(there, "state"),
        "city": text(there, "city"),
        "postcode": text(there, "postcode"),
    }


def _notes(body: Fields) -> Iterator[Fields]:
    yield from listed(body, "meta_data")


def _parcels(body: Fields) -> list[Fields]:
    return [parcel for note in _notes(body) if text(note, "key") == PARCELS for parcel in listed(note, "value")]


def _parcel(
    parcel: Fields, name: str, at: str, told: Callable[[str, str, str, dict[str, object]], dict[str, object]]
) -> Iterator[Told]:
    number = text(parcel, "tracking_number")
    if not number:
        return
    data = sections(
        shipment={
            "number": number,
            "carrier": text(parcel, "tracking_provider", "custom_tracking_provider"),
            "tracking_url": text(parcel, "custom_tracking_link", "tracking_link"),
        }
    )
    left = text(parcel, "date_shipped")
    time = datetime.fromtimestamp(int(left), UTC).isoformat().replace("+00:00", "Z") if _is_epoch(left) else at
    yield IfNew(document=told(f"{name}/{short_digest(data)}", "shipment.updated", time, data))


def _is_epoch(value: str) -> bool:
    return value.isascii() and value.isdigit() and len(value) <= 10


def _deleted(body: Fields, delivery: Delivery) -> Iterator[Told]:
    """An order that was thrown away: the body holds its id alone, which is its number unless a plug-in gives others."""
    number = text(body, "number", "id")
    if not number:
        raise EventError("id", "the order has no number")
    at = delivery.received_at.isoformat().replace("+00:00", "Z")
    yield {
        "id": f"order/{number}/deleted/{at}", "type": "order.cancelled", "time": at, "subject": number,
        "data": sections(order={"end_reason": "deleted"}),
    }  # fmt: skip
