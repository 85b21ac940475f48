"""What AfterShip posts: where a parcel is. Source: docs/sources.md, S29."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Final

from messenger.errors import EventError
from messenger.platforms.reading import Fields, body_of, inner, instant, listed, sections, short_digest, text
from messenger.ports.deliveries import Delivery, NotForUs, Told

EVENTS: Final = frozenset({"tracking_update", "edd_revise", "tracking_pending_time"})
TAGS: Final[Mapping[str, str]] = {
    "Pending": "unknown",
    "InfoReceived": "info_received",
    "InTransit": "in_transit",
    "OutForDelivery": "out_for_delivery",
    "AttemptFail": "delivery_failed",
    "Delivered": "delivered",
    "AvailableForPickup": "available_for_pickup",
    "Exception": "exception",
    "Expired": "expired",
}
SUBTAGS: Final[Mapping[str, str]] = {
    "InTransit_002": "picked_up",
    "InTransit_004": "arrived_destination",
    "InTransit_005": "customs_released",
    "InTransit_006": "import_customs",
    **dict.fromkeys(("Exception_004", "Exception_006"), "customs_action_needed"),
    **dict.fromkeys(
        ("Exception_002", "Exception_003", "Exception_007", "Exception_008", "Exception_009"), "delivery_failed"
    ),
    "Exception_010": "returning",
    "Exception_011": "returned",
}
"""Where a subtag says more than its tag."""
REASONS: Final[Mapping[str, str]] = {
    "Exception_003": "refused",
    "Exception_005": "delayed",
    "Exception_007": "bad_address",
    "Exception_012": "damaged",
    "Exception_013": "lost",
}


def read(delivery: Delivery) -> Iterator[Told]:
    """Yield what a delivery tells.

    Raises:
        NotForUs: of another kind.
        EventError: it cannot be read.
    """
    body = body_of(delivery.body)
    event, parcel = text(body, "event"), inner(body, "msg")
    if event not in EVENTS:
        raise NotForUs(event or "no event")
    number = text(parcel, "tracking_number")
    if not number:
        raise EventError("msg.tracking_number", "is missing: it names the parcel")
    at = _sent_at(body, delivery)
    yield from _news(parcel, number, at)
    points = listed(parcel, "checkpoints")
    for point in points:
        yield from _movement(point, parcel, number, at)
    if not points:
        yield from _movement(parcel, parcel, number, at)


def state_of(tag: str, subtag: str) -> str:
    """Return the neutral state; empty for words that we do not know."""
    return SUBTAGS.get(subtag) or TAGS.get(tag) or TAGS.get(subtag.partition("_")[0], "")


def _news(parcel: Fields, number: str, at: datetime) -> Iterator[Told]:
    """What is told of the parcel beside its movements."""
    eta = inner(
        parcel, "latest_estimated_delivery", "aftership_estimated_delivery_date", "courier_estimated_delivery_date"
    )
    day, until = (
        _day(text(eta, "datetime", "estimated_delivery_date") or text(parcel, "expected_delivery")),
        text(eta, "datetime_max", "estimated_delivery_date_max"),
    )
    fields = {
        "number": number, "carrier": text(parcel, "slug"), "eta_from": _day(text(eta, "datetime_min")) or day,
        "eta_to": _day(until) or day, "checked_at": _written(at),
    }  # fmt: skip
    data = sections(shipment=fields)
    yield _document(
        f"updated/{_written(at)}/{short_digest(data)}", "shipment.updated", _written(at), number, parcel, data
    )


def _movement(point: Fields, parcel: Fields, number: str, latest: datetime) -> Iterator[Told]:
    subtag = text(point, "subtag")
    state = state_of(text(point, "tag"), subtag)
    if not state:
        return
    told = instant(text(point, "checkpoint_time"), naive_is_utc=True)
    at = min(told, _written(latest)) if told else _written(latest)  # none is later than the delivery that tells it
    place = text(point, "location") or ", ".join(filter(None, (text(point, "city"), text(point, "country_name"))))
    fields = {
        "number": number, "carrier": text(parcel, "slug"), "state": state, "reason": REASONS.get(subtag, ""), "at": at,
        "place": place,
    }  # fmt: skip
    name = f"{subtag or text(point, 'tag')}/{at}"
    yield _document(name, f"shipment.{state}", at, number, parcel, sections(shipment=fields))


def _document(
    name: str, type_: str, time: str, number: str, parcel: Fields, data: dict[str, object]
) -> dict[str, object]:
    found: dict[str, object] = {"id": f"parcel/{number}/{name}", "type": type_, "time": time, "data": data}
    order = text(parcel, "order_number", "order_id")
    return found | {"subject": order} if order else found


def _sent_at(body: Fields, delivery: Delivery) -> datetime:
    sent = body.get("ts")
    return datetime.fromtimestamp(sent, UTC) if isinstance(sent, int) and 0 < sent < 10**10 else delivery.received_at


def _written(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def _day(value: str) -> str:
    try:
        return date.fromisoformat(value[:10]).isoformat()
    except ValueError:
        return ""
