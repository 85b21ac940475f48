"""What Shopify posts: orders, parcels and their movements. Source: docs/sources.md, S29.

What is told is taken from the body, which is signed; the topic, which is not, says how to read it, and when an order was paid:
its body does not. One that is paid when it is first heard of was so when it was placed, so that an old order which somebody
edits sets off nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Final

from messenger.domain.events import SHIPMENT_TYPES
from messenger.errors import EventError
from messenger.platforms.reading import (
    Fields,
    amount,
    body_of,
    each,
    inner,
    instant,
    listed,
    needed_instant,
    sections,
    short_digest,
    text,
)
from messenger.ports.deliveries import Delivery, ForAPerson, IfNew, NotForUs, Told

PRIVACY: Final = frozenset({"customers/data_request", "customers/redact", "shop/redact"})
PAID: Final = frozenset({"paid", "partially_refunded", "refunded"})
STATES: Final[Mapping[str, str]] = {
    "label_printed": "info_received",
    "label_purchased": "info_received",
    "confirmed": "info_received",
    "carrier_picked_up": "picked_up",
    "in_transit": "in_transit",
    "delayed": "exception",
    "out_for_delivery": "out_for_delivery",
    "attempted_delivery": "delivery_failed",
    "ready_for_pickup": "available_for_pickup",
    "delivered": "delivered",
    "failure": "exception",
}
REASONS: Final[Mapping[str, str]] = {"delayed": "delayed"}
PARCEL: Final = frozenset(SHIPMENT_TYPES) - {"shipment.updated"}


def read(delivery: Delivery) -> Iterator[Told]:
    """Yield what a delivery tells.

    Raises:
        NotForUs: of another topic; a refund is told by ``orders/updated`` as well, with the order's number.
        ForAPerson: a buyer or a shop wants data to be told or erased.
        EventError: it cannot be read.
    """
    topic = delivery.headers.get("x-shopify-topic") or delivery.headers.get("shopify-topic") or ""
    body = body_of(delivery.body)
    if topic in PRIVACY:
        raise ForAPerson(f"{topic}: {_whom(body)}")
    reader = _READERS.get(topic)
    if reader is None:
        raise NotForUs(topic or "no topic")
    yield from reader(body, topic)


def _order(body: Fields, topic: str) -> Iterator[Told]:
    number, id_ = text(body, "name", "order_number"), text(body, "id")
    if not (number and id_):
        raise EventError("name", "the order has no number")
    at = needed_instant(body, "updated_at")
    placed_at = needed_instant(body, "created_at")

    def told(name: str, type_: str, time: str, data: dict[str, object]) -> dict[str, object]:
        return {"id": f"order/{id_}/{name}", "type": type_, "time": time, "subject": number, "data": data}

    yield told("placed", "order.placed", placed_at, sections(order={"placed_at": placed_at}))
    data = sections(order=_order_fields(body), buyer=_buyer(body))
    yield told(f"updated/{at}/{short_digest(data)}", "order.updated", at, data)
    if text(body, "financial_status") in PAID:
        paid_at = at if topic == "orders/paid" else placed_at
        paid = told("paid", "order.paid", paid_at, sections(order={"paid_at": paid_at}))
        yield IfNew(document=paid, among=frozenset({"order.paid"}))
    if cancelled_at := instant(text(body, "cancelled_at")):
        why = sections(order={"end_reason": text(body, "cancel_reason")})
        yield told(f"cancelled/{cancelled_at}", "order.cancelled", cancelled_at, why)
    yield from _shipped(body, told)
    for refund in listed(body, "refunds"):
        yield from _refund(refund, number)
    for one in listed(body, "fulfillments"):
        yield from _parcel(one, number)


def _order_fields(body: Fields) -> Fields:
    return {
        "platform_status": "/".join(filter(None, (text(body, "financial_status"), text(body, "fulfillment_status")))),
        "total": amount(text(body, "current_total_price", "total_price")),
        "currency": text(body, "currency"),
        "payment_method": next(each(body.get("payment_gateway_names")), ""),
        "shipping_method": next((text(one, "title") for one in listed(body, "shipping_lines")), ""),
        "url": text(body, "order_status_url"),
        "items": _items(body),
    }


def _items(body: Fields) -> list[dict[str, object]]:
    return [
        {
            name: value
            for name, value in {
                "title": text(one, "title", "name") or "?", "sku": text(one, "sku"), "quantity": one.get("quantity"),
                "price": amount(text(one, "price")),
            }.items()
            if value not in ("", None)
        }
        for one in listed(body, "line_items")
    ]  # fmt: skip


def _buyer(body: Fields) -> Fields:
    customer = inner(body, "customer")
    there = inner(body, "shipping_address", "billing_address")
    name = text(there, "name") or f"{text(customer, 'first_name')} {text(customer, 'last_name')}".strip()
    return {
        "id": text(customer, "id"),
        "name": name,
        "email": text(body, "email", "contact_email") or text(customer, "email"),
        "phone": text(body, "phone") or text(there, "phone") or text(customer, "phone"),
        "language": text(body, "customer_locale"),
        "country": text(there, "country_code"),
        "region": text(there, "province_code", "province"),
        "city": text(there, "city"),
        "postcode": text(there, "zip"),
    }


def _shipped(body: Fields, told: Callable[[str, str, str, dict[str, object]], dict[str, object]]) -> Iterator[Told]:
    status = text(body, "fulfillment_status")
    type_ = {"fulfilled": "order.shipped", "partial": "order.partly_shipped"}.get(status)
    if type_ is None:
        return
    left = [
        at for one in listed(body, "fulfillments")
        if text(one, "status") != "cancelled" and (at := instant(text(one, "created_at")))
    ]  # fmt: skip
    if not left:
        return
    at = max(left)
    yield told(f"{status}/{at}", type_, at, sections(order={"shipped_at": at}))


def _refund(refund: Fields, number: str) -> Iterator[Told]:
    """Money that went back; one that is still on its way is told again when it has."""
    paid = [
        one
        for one in listed(refund, "transactions")
        if (text(one, "kind"), text(one, "status")) == ("refund", "success")
    ]
    total = sum(Decimal(amount(text(one, "amount")) or 0) for one in paid)
    at = instant(text(refund, "processed_at", "created_at"))
    if not (paid and at and total):
        return
    data = sections(refund={"amount": amount(total), "currency": text(paid[0], "currency")})
    id_ = f"refund/{text(refund, 'id')}"
    yield IfNew(document={"id": id_, "type": "refund.issued", "time": at, "subject": number, "data": data})


def _parcel_alone(body: Fields, _: str) -> Iterator[Told]:
    """One parcel. Its name is the order's with a count: ``#1001.1``."""
    yield from _parcel(body, text(body, "name").rpartition(".")[0])


def _parcel(body: Fields, number: str) -> Iterator[Told]:
    id_, at = text(body, "id"), needed_instant(body, "updated_at", "created_at")
    numbers = [*each(body.get("tracking_numbers")), *each(body.get("tracking_number"))]
    links = [*each(body.get("tracking_urls")), *each(body.get("tracking_url"))]
    if not id_:
        raise EventError("id", "the parcel has no name")
    if not number or text(body, "status") in {"cancelled", "error", "failure"}:
        return
    parcel = {
        "id": id_, "number": next(iter(numbers), ""), "carrier": text(body, "tracking_company"),
        "tracking_url": next(iter(links), ""), "items": _items(body),
    }  # fmt: skip
    data = sections(shipment=parcel)
    name = f"fulfillment/{id_}"
    yield {
        "id": f"{name}/updated/{at}/{short_digest(data)}", "type": "shipment.updated", "time": at, "subject": number, "data": data,
    }  # fmt: skip
    status = text(body, "shipment_status")
    if status in STATES:
        moved = sections(shipment={"id": id_, "state": STATES[status], "reason": REASONS.get(status, ""), "at": at})
        document = {
            "id": f"{name}/{status}/{at}", "type": f"shipment.{STATES[status]}", "time": at, "subject": number, "data": moved,
        }  # fmt: skip
        yield IfNew(document=document, among=PARCEL)


def _movement(body: Fields, _: str) -> Iterator[Told]:
    """One movement of a parcel, which it names as its order does; the order is found by that."""
    status, id_ = text(body, "status"), text(body, "fulfillment_id")
    at = needed_instant(body, "happened_at", "created_at")
    if status not in STATES:
        raise NotForUs(f"fulfillment event {status[:40]!r}")
    if not id_:
        raise EventError("fulfillment_id", "is missing: it names the parcel")
    place = ", ".join(filter(None, (text(body, "city"), text(body, "country"))))
    parcel = {"id": id_, "state": STATES[status], "reason": REASONS.get(status, ""), "at": at, "place": place}
    yield {
        "id": f"fulfillment_event/{text(body, 'id') or f'{id_}/{status}/{at}'}", "type": f"shipment.{STATES[status]}", "time": at,
        "data": sections(shipment=parcel),
    }  # fmt: skip


def _whom(body: Fields) -> str:
    """Whose data is meant, without an address."""
    customer = text(inner(body, "customer"), "id")
    orders = body.get("orders_to_redact") or body.get("orders_requested")
    numbers = ", ".join(str(one) for one in orders[:20]) if isinstance(orders, list) else ""
    told = [f"customer {customer}" if customer else "", f"orders {numbers}" if numbers else ""]
    return "; ".join(filter(None, told)) or "the whole shop"


_READERS: Final[Mapping[str, Callable[[Fields, str], Iterator[Told]]]] = {
    **dict.fromkeys(
        ("orders/create", "orders/paid", "orders/updated", "orders/fulfilled", "orders/partially_fulfilled",
         "orders/cancelled"), _order),
    **dict.fromkeys(("fulfillments/create", "fulfillments/update"), _parcel_alone),
    "fulfillment_events/create": _movement,
}  # fmt: skip
