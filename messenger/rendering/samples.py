"""Sample orders, for previews and checks: an ordinary one, and those that texts stumble over."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from messenger.domain.events import parse_event
from messenger.domain.folding import fold
from messenger.domain.orders import Order

SAMPLE_NOW: Final = datetime(2026, 3, 22, 10, 30, tzinfo=UTC)


def _order(
    *,
    number: str,
    buyer: dict[str, Any],
    items: list[dict[str, Any]],
    parcel: str = "LP00123456789CN",
    more: tuple[tuple[str, str, dict[str, Any]], ...] = (),
) -> Order:
    """A whole life, from payment to delivery; texts take from it what they speak about."""
    shipment = {
        "number": parcel,
        "carrier": "China Post",
        "method": "epacket",
        "tracking_url": f"https://t.17track.net/en#nums={parcel}",
        "items": items,
    }
    facts: list[tuple[str, str, dict[str, Any]]] = [
        ("order.paid", "2026-03-01T09:12:00Z", {"buyer": buyer, "order": {
            "total": "38.70", "currency": "USD", "items": items, "ship_by": "2026-03-05T16:00:00Z",
            "deliver_by": "2026-04-15T16:00:00Z", "review_by": "2026-04-20T16:00:00Z", "shipping_method": "epacket",
            "url": f"https://shop.example/orders/{number}"}}),
        ("order.shipped", "2026-03-04T11:00:00Z", {"shipment": shipment | {"eta_from": "2026-03-18", "eta_to": "2026-03-28"}}),
        ("shipment.in_transit", "2026-03-08T03:00:00Z", {"shipment": {"number": parcel}}),
        ("shipment.import_customs", "2026-03-11T08:00:00Z", {"shipment": {"number": parcel, "place": "Madrid"}}),
        *more,
    ]  # fmt: skip
    return fold(
        parse_event(
            {
                "specversion": "1.0", "id": f"{number}-{index}", "source": "samples", "type": type_, "time": at, "subject": number,
                "data": {"shop": "toys", **sections},
            }
        )
        for index, (type_, at, sections) in enumerate(facts)
    )  # fmt: skip


_PUZZLE: Final = {"title": "Wooden puzzle “Solar system”", "sku": "PZ-9", "quantity": 1, "price": "38.70"}

SAMPLES: Final[dict[str, Order]] = {
    "typical": _order(
        number="8134567890123456",
        buyer={
            "name": "María López",
            "email": "maria@example.com",
            "country": "ES",
            "language": "es",
            "city": "Madrid",
            "timezone": "Europe/Madrid",
        },
        items=[_PUZZLE],
    ),
    "long-name": _order(
        number="8134567890123457",
        buyer={
            "name": "Владислав-Константин Александрович Рождественский-Преображенский",
            "email": "vk@example.com",
            "country": "RU",
            "language": "ru",
        },
        items=[{"title": "Набор деревянных развивающих игрушек " * 4, "quantity": 21, "price": "1.05"}],
    ),
    "hostile": _order(
        number="8134567890123458",
        buyer={
            "name": "<script>alert(1)</script> {{ 7*7 }} **x**\r\nBcc: x@y.example",
            "email": "h@example.com",
            "country": "US",
            "language": "en",
        },
        items=[{"title": "<img src=x onerror=alert(1)> [a](javascript:1)", "quantity": 2}],
    ),
    "no-name": _order(
        number="8134567890123459",
        buyer={"email": "nobody@example.com", "country": "MX", "language": "es"},
        items=[_PUZZLE, _PUZZLE],
    ),
    "two-parcels": _order(
        number="8134567890123460",
        buyer={"name": "JOÃO SILVA", "email": "joao@example.com", "country": "BR", "language": "pt-BR"},
        items=[_PUZZLE],
        more=(
            (
                "shipment.delivered",
                "2026-03-20T12:00:00Z",
                {"shipment": {"number": "LP00987654321CN", "carrier": "China Post"}},
            ),
        ),
    ),
    "minimal": fold(
        [
            parse_event(
                {
                    "specversion": "1.0",
                    "id": "minimal",
                    "source": "samples",
                    "type": "order.placed",
                    "time": "2026-03-21T09:00:00Z",
                    "subject": "8134567890123461",
                    "data": {"shop": "toys"},
                }
            )
        ]
    ),
}
"""By name; each is an ordinary ``Order``. More are added below: one for each turn that an order can take."""


def _turn(number: str, buyer: dict[str, Any], *facts: tuple[str, str, dict[str, Any]]) -> Order:
    """An order from what happened to it; the first fact also tells its buyer and what was bought."""
    (type_, at, sections), *others = facts
    bought = {"total": "38.70", "currency": "USD", "items": [_PUZZLE], "url": f"https://shop.example/orders/{number}"}
    first = (type_, at, sections | {"buyer": buyer, "order": bought | sections.get("order", {})})
    return fold(
        parse_event(
            {
                "specversion": "1.0", "id": f"{number}-{index}", "source": "samples", "type": one, "time": when, "subject": number,
                "data": {"shop": "toys", **told},
            }
        )
        for index, (one, when, told) in enumerate((first, *others))
    )  # fmt: skip


def _parcel(number: str, **more: Any) -> dict[str, Any]:  # Any: JSON, as an event tells it
    return {"shipment": {"number": number, **more}}


def _sent(parcel: str, *, paid: str, shipped: str, **dates: str) -> tuple[tuple[str, str, dict[str, Any]], ...]:
    """Paid and handed to the carrier, as most turns begin."""
    told = {"carrier": "China Post", "method": "epacket", "tracking_url": f"https://t.17track.net/en#nums={parcel}"}
    return (
        ("order.paid", f"{paid}T09:12:00Z", {"order": {"shipping_method": "epacket", **dates}}),
        ("order.shipped", f"{shipped}T11:00:00Z", _parcel(parcel, **told)),
    )


_ANNA: Final = {"name": "Anna Kowalska", "country": "PL", "language": "pl", "timezone": "Europe/Warsaw"}
_JAMES: Final = {"name": "james wilson", "country": "GB", "language": "en", "timezone": "Europe/London"}
_OLGA: Final = {"name": "Ольга Смирнова", "country": "RU", "language": "ru", "timezone": "Europe/Moscow"}
_LUCIA: Final = {"name": "Lucía Hernández", "country": "MX", "language": "es", "timezone": "America/Mexico_City"}
_PEDRO: Final = {"name": "Pedro Souza", "country": "BR", "language": "pt-BR", "timezone": "America/Sao_Paulo"}

_ON_TIME: Final = {"ship_by": "2026-03-24T16:00:00Z", "deliver_by": "2026-04-28T16:00:00Z"}
_LAST_MILE: Final = {"number": "PK0012345678901", "carrier": "Poczta Polska"}
_ARRIVED: Final = (
    *_sent("LP00555000111CN", paid="2026-02-10", shipped="2026-02-12", ship_by="2026-02-14T16:00:00Z",
           deliver_by="2026-03-26T16:00:00Z", review_by="2026-04-13T16:00:00Z"),
    ("shipment.in_transit", "2026-02-16T03:00:00Z", _parcel("LP00555000111CN")),
    ("shipment.delivered", "2026-03-14T12:40:00Z", _parcel("LP00555000111CN", place="Kraków")),
)  # fmt: skip

SAMPLES.update({
    "unpaid": _turn("8134567890123470", _LUCIA, (
        "order.placed", "2026-03-21T15:00:00Z", {"order": {"pay_by": "2026-04-10T15:00:00Z", "payment_method": "OXXO"}})),
    "payment-review": _turn(
        "8134567890123471", _ANNA, ("order.placed", "2026-03-21T15:00:00Z", {}),
        ("order.payment_review", "2026-03-22T08:00:00Z", {})),
    "paid": _turn("8134567890123472", _JAMES, ("order.paid", "2026-03-21T09:12:00Z", {"order": {
        "ship_by": "2026-03-26T16:00:00Z", "deliver_by": "2026-05-05T16:00:00Z", "items": [_PUZZLE, {"title": "Abacus", "quantity": 2}]}})),
    "not-sent": _turn("8134567890123473", _OLGA, (
        "order.paid", "2026-03-14T09:12:00Z", {"order": {"ship_by": "2026-03-20T16:00:00Z", "deliver_by": "2026-05-05T16:00:00Z"}})),
    "cancel-requested": _turn(
        "8134567890123474", _JAMES, ("order.paid", "2026-03-20T09:12:00Z", {"order": {"ship_by": "2026-03-26T16:00:00Z"}}),
        ("order.cancel_requested", "2026-03-21T19:30:00Z", {})),
    "cancelled": _turn(
        "8134567890123475", _ANNA, ("order.placed", "2026-03-01T15:00:00Z", {"order": {"pay_by": "2026-03-21T15:00:00Z"}}),
        ("order.cancelled", "2026-03-21T15:00:00Z", {"order": {"end_reason": "pay_timeout"}})),
    "partly-shipped": _turn(
        "8134567890123476", _PEDRO, ("order.paid", "2026-03-17T09:12:00Z", {"order": _ON_TIME}),
        ("order.partly_shipped", "2026-03-20T11:00:00Z", _parcel(
            "LP00555000222CN", carrier="China Post", tracking_url="https://t.17track.net/en#nums=LP00555000222CN"))),
    "no-scan": _turn("8134567890123477", _OLGA, *_sent("LP00555000333CN", paid="2026-03-14", shipped="2026-03-16", **_ON_TIME)),
    "renumbered": _turn(
        "8134567890123478", _LUCIA, *_sent("LP00555000444CN", paid="2026-03-10", shipped="2026-03-12", **_ON_TIME),
        ("shipment.updated", "2026-03-21T05:00:00Z", _parcel(
            "RX555000444DE", previous_number="LP00555000444CN", carrier="Deutsche Post"))),
    "departed": _turn(
        "8134567890123479", _PEDRO, *_sent("LP00555000555CN", paid="2026-03-10", shipped="2026-03-12", **_ON_TIME),
        ("shipment.departed_origin", "2026-03-20T21:00:00Z", _parcel("LP00555000555CN", eta_from="2026-04-01", eta_to="2026-04-10"))),
    "customs-action": _turn(
        "8134567890123480", _PEDRO, *_sent("LP00555000666CN", paid="2026-03-01", shipped="2026-03-04", **_ON_TIME),
        ("shipment.import_customs", "2026-03-16T08:00:00Z", _parcel("LP00555000666CN", place="Curitiba")),
        ("shipment.customs_action_needed", "2026-03-21T08:00:00Z", _parcel("LP00555000666CN", reason="duty"))),
    "overdue": _turn(
        "8134567890123481", _OLGA, *_sent("LP00555000777CN", paid="2026-01-20", shipped="2026-01-22",
                                          ship_by="2026-01-25T16:00:00Z", deliver_by="2026-03-10T16:00:00Z"),
        ("shipment.in_transit", "2026-02-01T08:00:00Z", _parcel("LP00555000777CN"))),
    "out-for-delivery": _turn(
        "8134567890123482", _ANNA, *_sent("LP00555000888CN", paid="2026-03-01", shipped="2026-03-04", **_ON_TIME),
        ("shipment.out_for_delivery", "2026-03-22T07:00:00Z", _parcel("LP00555000888CN", last_mile=_LAST_MILE))),
    "pickup": _turn(
        "8134567890123483", _ANNA, *_sent("LP00555000999CN", paid="2026-03-01", shipped="2026-03-04", **_ON_TIME),
        ("shipment.available_for_pickup", "2026-03-21T13:00:00Z", _parcel(
            "LP00555000999CN", place="Kraków 1", hold_until="2026-03-28T22:00:00Z", last_mile=_LAST_MILE))),
    "delivery-failed": _turn(
        "8134567890123484", _JAMES, *_sent("LP00556000111CN", paid="2026-03-01", shipped="2026-03-04", **_ON_TIME),
        ("shipment.delivery_failed", "2026-03-21T14:20:00Z", _parcel("LP00556000111CN", reason="nobody at home"))),
    "returning": _turn(
        "8134567890123485", _JAMES, *_sent("LP00556000222CN", paid="2026-02-20", shipped="2026-02-22", **_ON_TIME),
        ("shipment.delivery_failed", "2026-03-14T14:20:00Z", _parcel("LP00556000222CN")),
        ("shipment.returning", "2026-03-21T06:00:00Z", _parcel("LP00556000222CN"))),
    "lost": _turn(
        "8134567890123486", _LUCIA, *_sent("LP00556000333CN", paid="2026-01-20", shipped="2026-01-22",
                                           ship_by="2026-01-25T16:00:00Z", deliver_by="2026-03-20T16:00:00Z"),
        ("shipment.in_transit", "2026-01-30T08:00:00Z", _parcel("LP00556000333CN")),
        ("shipment.exception", "2026-03-20T08:00:00Z", _parcel("LP00556000333CN", reason="lost"))),
    "delivered": _turn("8134567890123487", _ANNA, *_ARRIVED),
    "completed": _turn(
        "8134567890123488", _ANNA, *_ARRIVED, ("order.received", "2026-03-16T18:00:00Z", {}),
        ("order.completed", "2026-03-17T18:00:00Z", {})),
    "review-good": _turn(
        "8134567890123489", _ANNA, *_ARRIVED,
        ("review.posted", "2026-03-19T18:00:00Z", {"review": {"stars": 5, "text": "My son loves it."}})),
    "review-bad": _turn(
        "8134567890123490", _ANNA, *_ARRIVED,
        ("review.posted", "2026-03-19T18:00:00Z", {"review": {"stars": 2, "text": "Two pieces are missing."}})),
    "dispute": _turn(
        "8134567890123491", _OLGA, *_ARRIVED,
        ("dispute.opened", "2026-03-20T18:00:00Z", {"dispute": {
            "id": "d-1", "reason": "not as described", "answer_by": "2026-03-25T18:00:00Z"}})),
    "refund": _turn(
        "8134567890123492", _PEDRO, *_ARRIVED,
        ("refund.issued", "2026-03-21T18:00:00Z", {"refund": {
            "amount": "12.50", "currency": "USD", "method": "card", "expected_by": "2026-03-31T15:00:00Z"}})),
    "refund-bare": _turn("8134567890123493", _JAMES, *_ARRIVED, ("refund.issued", "2026-03-21T18:00:00Z", {})),
    "bare-parcel": fold(parse_event(
        {"specversion": "1.0", "id": f"bare-{index}", "source": "samples", "type": type_, "time": at, "subject": "8134567890123494",
         "data": {"shop": "toys", **_parcel("00340434161094027318")}})
        for index, (type_, at) in enumerate((("order.shipped", "2026-03-20T11:00:00Z"), ("shipment.delivered", "2026-03-21T16:00:00Z")))),
})  # fmt: skip
