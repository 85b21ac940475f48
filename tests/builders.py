"""Small makers of values, so that a test shows only what it is about."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256

from messenger.domain.events import Event, parse_event

Section = Mapping[str, object]


def utc(text: str) -> datetime:
    """Return the instant that an ISO text without offset names in UTC: ``utc("2026-03-02T10:15")``."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


NEEDED: Mapping[str, Mapping[str, Section]] = {
    "shipment": {"shipment": {"number": "RR1CN"}},
    "staff": {"staff": {"rule": "resend", "by": "Ann"}},
}
"""What an event of this kind cannot be without."""


def document(type_: str = "order.paid", **changes: object) -> dict[str, object]:
    """Return a valid event as decoded JSON, with some members of its envelope changed."""
    plain: dict[str, object] = {
        "specversion": "1.0",
        "id": "e-1",
        "source": "aliexpress/toys",
        "type": type_,
        "time": "2026-03-02T10:15:00Z",
        "subject": "8134",
        "data": {"shop": "toys", **NEEDED.get(type_.partition(".")[0], {})},
    }
    return plain | changes


def event(
    type_: str,
    *,
    at: str = "2026-03-02T10:15",
    order: str | None = "8134",
    shop: str = "toys",
    id_: str | None = None,
    source: str = "erp",
    told: Section | None = None,
    **sections: Section,
) -> Event:
    """Return one event, read by the same gate as any other; ``at`` is UTC.

    ``told`` is what it tells about the order itself (``data.order``); the other sections go by their own names.
    Without ``id_`` the id follows from everything else, so equal events are the same event and others are not.
    """
    data: dict[str, object] = {"shop": shop, **sections}
    if told is not None:
        data["order"] = told
    envelope = document(
        type_,
        id=id_ or sha256(repr((type_, at, order, data)).encode()).hexdigest()[:12],
        source=source,
        time=utc(at).isoformat(),
        subject=order,
        data=data,
    )
    return parse_event(envelope)


def parcel(state: str, *, at: str, number: str = "RR1CN", id_: str | None = None, **told: object) -> Event:
    """Return a tracking line: ``parcel("delivered", at="2026-03-09T08:00")``."""
    return event(f"shipment.{state}", at=at, id_=id_, shipment={"number": number, **told})
