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
"""By name; each is an ordinary ``Order``."""
