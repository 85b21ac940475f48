"""Values as the database keeps them: events as canonical JSON, letters as compressed JSON."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any

import orjson

from messenger.domain.events import Event, Item, LastMile, parse_event
from messenger.domain.messages import Key, Letter


def event_document(event: Event) -> dict[str, object]:
    """Return the CloudEvents document that tells this event; ``parse_event`` of it gives the same event back.

    Returns:
        Plain JSON values: instants end in ``Z``, days are ``2026-03-02``, amounts are decimal strings, and what the event
        clears is None.
    """
    document: dict[str, object] = {
        "specversion": "1.0",
        "id": event.id,
        "source": event.source,
        "type": event.type,
        "time": _plain(event.time),
        "data": {"shop": event.shop}
        | {name: {key: _plain(value) for key, value in patch.items()} for name, patch in event.data.items()},
    }
    if event.order is not None:
        document["subject"] = event.order
    return document


def event_text(event: Event) -> str:
    """Return the event as one line of JSON with sorted keys; ``read_event`` gives the same event back."""
    return orjson.dumps(event_document(event), option=orjson.OPT_SORT_KEYS).decode()


def read_event(text: str) -> Event:
    """Return the event that was kept as this text."""
    return parse_event(orjson.loads(text))


def fingerprint(text: str) -> str:
    """Return what tells one content from another."""
    return sha256(text.encode()).hexdigest()


def pack(letter: Letter) -> bytes:
    """Return a letter as it is kept: compressed JSON."""
    return zlib.compress(orjson.dumps(letter, option=orjson.OPT_PASSTHROUGH_DATETIME, default=_isoformat), 1)


def _isoformat(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError


def unpack(kept: bytes) -> Letter:
    """Return the letter that was kept."""
    fields: dict[str, Any] = orjson.loads(zlib.decompress(kept))  # Any: the fields of Letter, as pack wrote them
    fields["key"] = Key(**fields["key"])
    fields["date"] = datetime.fromisoformat(fields["date"])
    fields["headers"] = tuple((name, value) for name, value in fields["headers"])
    return Letter(**fields)


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().removesuffix("+00:00") + "Z"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, Item):
        price = None if value.price is None else str(value.price)
        return {"title": value.title, "sku": value.sku, "quantity": value.quantity, "price": price}
    if isinstance(value, LastMile):
        return {"number": value.number, "carrier": value.carrier, "url": value.url}
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    return value
