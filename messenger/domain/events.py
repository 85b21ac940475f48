"""Events: facts that a source told about an order, with the time they happened.

The envelope is CloudEvents 1.0 in its structured JSON form. ``data`` holds only what this event tells: a field that is
missing leaves the order as it was, ``null`` clears it, a list replaces the list. ``parse_event`` is the only gate: what
comes out of it is typed, in UTC, and safe to keep.
"""

from __future__ import annotations

import re
import reprlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from difflib import get_close_matches
from enum import StrEnum
from typing import Any, Final

from messenger.domain.addresses import is_email_address
from messenger.errors import EventError

decimal_pattern = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,6})?")
type_pattern = re.compile(r"[a-z_]+(\.[a-z_0-9-]+)+")
LONGEST_TEXT: Final = 10_000
"""Characters that one field may hold; longer values are refused rather than cut."""
LONGEST_NAME: Final = 200
"""Characters of an id, a number or a source: every one of them becomes part of an index."""
LONGEST_LIST: Final = 1000
EARLIEST, LATEST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
"""Beyond these no instant is meant; a delay after ``9999-12-31`` could not even be computed."""


class ShipmentState(StrEnum):
    """Where a parcel is, in words that fit every carrier. Declared in the order a smooth parcel passes them."""

    UNKNOWN = "unknown"
    INFO_RECEIVED = "info_received"
    PICKED_UP = "picked_up"
    EXPORT_CUSTOMS = "export_customs"
    DEPARTED_ORIGIN = "departed_origin"
    IN_TRANSIT = "in_transit"
    ARRIVED_DESTINATION = "arrived_destination"
    IMPORT_CUSTOMS = "import_customs"
    CUSTOMS_ACTION_NEEDED = "customs_action_needed"
    CUSTOMS_RELEASED = "customs_released"
    OUT_FOR_DELIVERY = "out_for_delivery"
    AVAILABLE_FOR_PICKUP = "available_for_pickup"
    DELIVERY_FAILED = "delivery_failed"
    DELIVERED = "delivered"
    RETURNING = "returning"
    RETURNED = "returned"
    EXCEPTION = "exception"
    EXPIRED = "expired"


ORDER_TYPES: Final = (
    "order.placed", "order.payment_pending", "order.payment_review", "order.paid", "order.partly_shipped",
    "order.shipped", "order.received", "order.completed", "order.cancel_requested", "order.cancelled",
    "order.frozen", "order.updated",
)  # fmt: skip
SHIPMENT_TYPES: Final = (*(f"shipment.{state}" for state in ShipmentState), "shipment.updated")
STAFF_STARTED: Final = "staff.started"
"""A person started a rule for an order; ``data.staff`` names the rule and the person. messenger itself tells it."""
OTHER_TYPES: Final = (
    "dispute.opened", "dispute.updated", "dispute.closed", "refund.issued", "review.posted", "review.changed",
    "message.received", "message.answered", "conversation.closed", "buyer.unsubscribed", STAFF_STARTED,
)  # fmt: skip
KNOWN_TYPES: Final = frozenset((*ORDER_TYPES, *SHIPMENT_TYPES, *OTHER_TYPES))
DERIVED_TYPES: Final = frozenset({"order.delivered"})
"""Types that no source sends: they follow from other events."""

Patch = Mapping[str, object]
"""What one event tells about one part of an order: field name to typed value, ``None`` clearing it."""
Reader = Callable[[object, str], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One line of an order."""

    title: str
    sku: str = ""
    quantity: int = 1
    price: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One fact, as it was told.

    ``order`` is the order's number, or ``None`` for a shipment event that names only its tracking number and for
    events about a buyer or a conversation. ``data`` maps a section (``order``, ``buyer``, ``shipment`` …) to its patch.
    """

    source: str
    id: str
    type: str
    time: datetime
    shop: str
    order: str | None
    data: Mapping[str, Patch]

    @property
    def ref(self) -> str:
        """The name of this event everywhere: no two events share it."""
        source = self.source.replace("%", "%25").replace("#", "%23")
        return f"{source}#{self.id}"

    @property
    def is_known(self) -> bool:
        """Whether this version knows the type; an unknown one is kept and plans nothing."""
        return self.type in KNOWN_TYPES

    @property
    def tracking_number(self) -> str | None:
        """The parcel this event is about, if it names one."""
        number = self.data.get("shipment", {}).get("number") or self.data.get("shipment", {}).get("id")
        return number if isinstance(number, str) else None


def parse_event(document: object) -> Event:
    """Return the event that a decoded JSON document holds.

    Args:
        document: a CloudEvents 1.0 object in structured form, as ``json.loads`` returns it.

    Raises:
        EventError: a field is missing, of the wrong shape, or holds a value that could not be kept safely; ``field``
            names it and the message shows the value and what would be right.

    Source: CloudEvents 1.0.2, sections 3 and 3.1; docs/reference/events.md.
    """
    if not isinstance(document, Mapping):
        raise EventError("", f"an event is a JSON object, got {_shown(document)}")
    if document.get("specversion") != "1.0":
        raise EventError("specversion", f'must be "1.0", got {_shown(document.get("specversion"))}')
    type_ = _name(document.get("type"), "type")
    if not type_pattern.fullmatch(type_):
        raise EventError("type", f"must look like order.paid, got {_shown(type_)}")
    if type_ in DERIVED_TYPES:
        raise EventError("type", f"{type_} follows from other events and cannot be sent")
    data = document.get("data")
    if not isinstance(data, Mapping):
        raise EventError("data", f"must be an object, got {_shown(data)}")
    event = Event(
        source=_name(document.get("source"), "source"),
        id=_name(document.get("id"), "id"),
        type=type_,
        time=_instant(document.get("time"), "time"),
        shop=_name(data.get("shop"), "data.shop"),
        order=_subject(document.get("subject"), type_),
        data=_sections(data, known=type_ in KNOWN_TYPES),
    )
    _require_what_the_type_is_about(event)
    return event


def _subject(subject: object, type_: str) -> str | None:
    if subject is None:
        if type_ in KNOWN_TYPES and type_.startswith(("message.", "buyer.", "conversation.", "shipment.")):
            return None
        raise EventError("subject", "is missing: it names the order, as a string")
    if isinstance(subject, int | float) and not isinstance(subject, bool):
        shown = _shown(subject)
        raise EventError("subject", f'order numbers are strings, write "{shown}" instead of {shown}')
    return _name(subject, "subject")


def _require_what_the_type_is_about(event: Event) -> None:
    if event.order is None and event.type.startswith("shipment.") and not event.tracking_number:
        raise EventError("subject", "a shipment event names its order in subject or its parcel in data.shipment.number")
    if event.order is None and event.type.startswith(("message.", "buyer.", "conversation.")):
        buyer = event.data.get("buyer", {})
        if not (buyer.get("id") or buyer.get("email")):
            raise EventError("subject", "without an order the event must name its buyer in data.buyer.id or .email")
    if event.type == STAFF_STARTED and not event.data.get("staff", {}).get("rule"):
        raise EventError("data.staff.rule", "is missing: it names the rule that was started")
    if event.type in SHIPMENT_TYPES and event.is_known and not event.tracking_number:
        raise EventError("data.shipment.number", "is missing: a shipment event names its parcel by number or id")


def _shown(value: object) -> str:
    """The value as an error message can show it: short, printable, and made without fail from any input."""
    if isinstance(value, str):
        text = f'"{repr(value[:60])[1:-1]}"'
    else:
        try:
            text = reprlib.repr(value)
        except ValueError:  # Python does not write out integers of more than 4300 digits
            text = "a number of thousands of digits"
    return text if len(text) <= 60 else text[:57] + "..."


def _text(value: object, field: str) -> str:
    if not isinstance(value, str):
        raise EventError(field, "is missing" if value is None else f"must be a string, got {_shown(value)}")
    if not value.strip():
        raise EventError(field, "must not be empty")
    return _kept(value, field)


def _name(value: object, field: str) -> str:
    """One line of text that is short enough for an index."""
    text = _text(value, field)
    if len(text) > LONGEST_NAME:
        raise EventError(field, f"is {len(text)} characters long, at most {LONGEST_NAME} are kept here")
    if not text.isprintable():
        raise EventError(field, f"holds an invisible character: {_shown(text)}")
    return text


def _kept(value: str, field: str) -> str:
    """Refuse what no database and no mail can carry: NUL, lone surrogates, and endless text."""
    if len(value) > LONGEST_TEXT:
        raise EventError(field, f"is {len(value)} characters long, at most {LONGEST_TEXT} are kept")
    if "\x00" in value:
        raise EventError(field, f"holds a NUL character: {_shown(value)}")
    if value.isascii():
        return value
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise EventError(field, f"holds half a character (a lone surrogate): {ascii(value)[:60]}") from None
    return value


def _string(value: object, field: str) -> str:
    if not isinstance(value, str):
        raise EventError(field, f"must be a string, got {_shown(value)}")
    return _kept(value, field)


def _instant(value: object, field: str) -> datetime:
    text = _text(value, field)
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise EventError(field, f'must be an RFC 3339 time like "2026-03-02T10:15:00Z", got {_shown(value)}') from None
    if instant.tzinfo is None:
        wall = instant.isoformat()
        raise EventError(field, f'has no offset: write "{wall}Z" or "{wall}+08:00" for {_shown(value)}')
    if not EARLIEST <= instant < LATEST:
        raise EventError(field, f"is out of range: {_shown(value)}")
    return instant.astimezone(UTC)


def _day(value: object, field: str) -> date:
    text = _text(value, field)
    try:
        return date.fromisoformat(text) if len(text) <= 10 else datetime.fromisoformat(text).date()
    except ValueError:
        raise EventError(field, f'must be a date like "2026-03-02", got {_shown(value)}') from None


def _decimal(value: object, field: str) -> Decimal:
    if not isinstance(value, str):
        raise EventError(field, f'amounts are decimal strings like "12.90", got {_shown(value)}')
    if not decimal_pattern.fullmatch(value):
        raise EventError(field, f'must be a decimal string like "12.90", got {_shown(value)}')
    return Decimal(value)


def _code(pattern: str, example: str) -> Callable[[object, str], str]:
    compiled = re.compile(pattern)

    def read(value: object, field: str) -> str:
        text = _text(value, field)
        if not compiled.fullmatch(text):
            raise EventError(field, f"must look like {example}, got {_shown(value)}")
        return text

    return read


def _email(value: object, field: str) -> str:
    text = _text(value, field)
    if not is_email_address(text):
        raise EventError(field, f"is not one e-mail address: {_shown(value)}")
    return text


def _link(value: object, field: str) -> str:
    text = _text(value, field)
    if not text.isprintable() or not re.fullmatch(r"https?://[^\s<>\"']+", text):
        raise EventError(field, f"must be a link starting with https://, got {_shown(value)}")
    return text


def _require_short(value: Sequence[object], field: str) -> None:
    if len(value) > LONGEST_LIST:
        raise EventError(field, f"has {len(value)} entries, at most {LONGEST_LIST} are kept")


def _strings(value: object, field: str) -> tuple[str, ...]:
    if not isinstance(value, list | tuple):
        raise EventError(field, f"must be a list of strings, got {_shown(value)}")
    _require_short(value, field)
    return tuple(_string(one, f"{field}[{index}]") for index, one in enumerate(value))


def _whole(low: int, high: int) -> Callable[[object, str], int]:
    def read(value: object, field: str) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise EventError(field, f"must be a whole number from {low} to {high}, got {_shown(value)}")
        return value

    return read


def _items(value: object, field: str) -> tuple[Item, ...]:
    if not isinstance(value, list | tuple):
        raise EventError(field, f"must be a list of items, got {_shown(value)}")
    _require_short(value, field)
    return tuple(_item(one, f"{field}[{index}]") for index, one in enumerate(value))


_ITEM: Final[Mapping[str, Reader]] = {
    "title": _text, "sku": _string, "quantity": _whole(0, 1_000_000), "price": _decimal,
}  # fmt: skip
_LAST_MILE: Final[Mapping[str, Reader]] = {"number": _name, "carrier": _string, "url": _link}


def _item(value: object, field: str) -> Item:
    return Item(**_fields(value, field, _ITEM, required="title"))


def _last_mile(value: object, field: str) -> LastMile:
    return LastMile(**_fields(value, field, _LAST_MILE, required="number"))


def _fields(
    value: object, field: str, readers: Mapping[str, Reader], *, required: str
) -> dict[str, Any]:  # Any: each value was typed by its own reader
    """What an object inside a list or a field tells; null means the same as leaving the name out."""
    if not isinstance(value, Mapping):
        raise EventError(field, f"must be an object, got {_shown(value)}")
    told = {name: one for name, one in _patch(field, value, readers).items() if one is not None}
    if required not in told:
        raise EventError(f"{field}.{required}", "is missing")
    return told


@dataclass(frozen=True, slots=True, kw_only=True)
class LastMile:
    """The number under which the carrier in the buyer's country knows the parcel."""

    number: str
    carrier: str = ""
    url: str | None = None


def _zone(value: object, field: str) -> str:
    text = _text(value, field)
    if not re.fullmatch(r"[A-Za-z0-9_+\-]+(/[A-Za-z0-9_+\-]+)*", text):
        raise EventError(field, f"must be an IANA time zone like Europe/Madrid, got {_shown(value)}")
    return text


_language = _code(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{1,8})*", "a language tag such as ru or pt-BR")
_country = _code(r"[A-Z]{2}", "a two-letter country code such as BR")
_currency = _code(r"[A-Z]{3}", "a three-letter currency code such as USD")

SECTIONS: Final[Mapping[str, Mapping[str, Reader]]] = {
    "order": {
        **dict.fromkeys(
            ("placed_at", "paid_at", "shipped_at", "received_at", "completed_at", "pay_by", "ship_by", "deliver_by",
             "dispute_by", "review_by"), _instant),
        **dict.fromkeys(("platform_status", "end_reason", "payment_method", "shipping_method"), _string),
        "total": _decimal, "currency": _currency, "items": _items, "url": _link,
    },
    "buyer": {
        **dict.fromkeys(("name", "phone", "region", "city", "postcode"), _string),
        "id": _name, "email": _email, "language": _language, "country": _country, "timezone": _zone, "tags": _strings,
    },
    "shipment": {
        **dict.fromkeys(("id", "number", "previous_number"), _name),
        **dict.fromkeys(("carrier", "method", "reason", "place"), _string),
        **dict.fromkeys(("at", "hold_until", "checked_at"), _instant),
        **dict.fromkeys(("eta_from", "eta_to"), _day),
        "state": _code("|".join(ShipmentState), "one of the neutral states, for example in_transit"),
        "tracking_url": _link, "last_mile": _last_mile, "items": _items,
    },
    "dispute": {"id": _name, "reason": _string, "state": _string, "answer_by": _instant},
    "review": {"stars": _whole(1, 5), "text": _string},
    "message": {"id": _name, "text": _string, "language": _language},
    "refund": {"amount": _decimal, "currency": _currency, "method": _string, "expected_by": _instant},
    "unsubscribed": {"category": _string},
    "staff": {"rule": _name, "by": _name},
}  # fmt: skip
"""Every field an event may tell, by section, with the reader that checks it."""


def _sections(data: Mapping[str, object], *, known: bool) -> dict[str, Patch]:
    sections: dict[str, Patch] = {}
    for name, value in data.items():
        if name == "shop" or not known:
            continue
        readers = SECTIONS.get(name)
        if readers is None:
            raise EventError(f"data.{_key(name)}", _unknown(name, SECTIONS))
        if not isinstance(value, Mapping):
            raise EventError(f"data.{name}", f"must be an object, got {_shown(value)}")
        sections[name] = _patch(f"data.{name}", value, readers)
    return sections


def _patch(place: str, value: Mapping[str, object], readers: Mapping[str, Reader]) -> Patch:
    patch: dict[str, object] = {}
    for key, told in value.items():
        reader = readers.get(key)
        if reader is None:
            raise EventError(f"{place}.{_key(key)}", _unknown(key, readers))
        patch[key] = None if told is None else reader(told, f"{place}.{key}")
    return patch


def _key(name: object) -> str:
    """A field's name as somebody else wrote it, fit to be shown."""
    return _shown(name)[1:-1] if isinstance(name, str) else _shown(name)


def _unknown(name: object, known: Mapping[str, object]) -> str:
    near = get_close_matches(str(name)[:60], known, n=1) if isinstance(name, str) else []
    return (
        f"unknown field (did you mean '{near[0]}'?)" if near else f"unknown field (known: {', '.join(sorted(known))})"
    )
