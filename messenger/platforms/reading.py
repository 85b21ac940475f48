"""What all readers of platforms' bodies share: take what is there and can be used, and name it the same every time."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Final

from messenger.domain.events import SECTIONS
from messenger.domain.json_text import parsed
from messenger.errors import EventError

log = logging.getLogger(__name__)
SHORT: Final = 12
"""Letters of a digest that tells two contents apart."""
LARGEST: Final = Decimal(10**12)

Fields = Mapping[str, object]


def body_of(text: bytes) -> Fields:
    """Return the object that a body holds.

    Raises:
        EventError: it holds none.
    """
    found = parsed(text)
    if not isinstance(found, dict):
        raise EventError("", "is not a JSON object")
    return found


def inner(fields: Fields, *names: str) -> Fields:
    """Return the first object under these names that holds anything; an empty one when there is none."""
    return next((one for name in names if isinstance(one := fields.get(name), dict) and one), {})


def listed(fields: Fields, name: str) -> Sequence[Fields]:
    """Return the objects of a list; none when there is no such list."""
    found = fields.get(name)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def text(fields: Fields, *names: str) -> str:
    """Return the first of these that says anything, as text; numbers as they are written, empty when there is none."""
    for name in names:
        value = fields.get(name)
        if isinstance(value, str) and value.strip():
            return value.strip()
        if isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
    return ""


def instant(value: str, *, naive_is_utc: bool = False) -> str:
    """Return a time as events tell it; empty when it is none.

    Args:
        value: ISO 8601.
        naive_is_utc: whether one without an offset is meant in UTC; else it is none.
    """
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        return ""
    if at.tzinfo is None and not naive_is_utc:
        return ""
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    return at.isoformat().replace("+00:00", "Z")


def needed_instant(fields: Fields, *names: str, naive_is_utc: bool = False) -> str:
    """Return the first of these times.

    Raises:
        EventError: none can be read.
    """
    found = next((at for name in names if (at := instant(text(fields, name), naive_is_utc=naive_is_utc))), "")
    if not found:
        raise EventError(names[0], f"tells no time that can be read: {text(fields, *names)[:60]!r}")
    return found


def amount(value: object) -> str:
    """Return an amount as events tell it, with two digits after the point; empty when it is none."""
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        return ""
    return f"{found.quantize(Decimal('0.01')):f}" if found.is_finite() and abs(found) < LARGEST else ""


def usable(section: str, fields: Fields) -> dict[str, object]:
    """Return those fields that an event can tell; the others are left out, so that an order is not lost for a bad address.

    Args:
        section: of an event's data.
        fields: by name; what says nothing is left out too.
    """
    found: dict[str, object] = {}
    for name, value in fields.items():
        if value is None or value in ("", [], {}):
            continue
        try:
            SECTIONS[section][name](value, name)
        except EventError:
            log.info("field_left_out", extra={"field": f"{section}.{name}"})
        else:
            found[name] = value
    return found


def sections(**parts: Fields) -> dict[str, object]:
    """Return the data of an event: each part as far as it can be used, without those that say nothing."""
    return {name: told for name, fields in parts.items() if (told := usable(name, fields))}


def short_digest(value: object) -> str:
    """Return what tells two contents apart."""
    written = json.dumps(value, sort_keys=True, default=str).encode()
    return hashlib.sha256(written).hexdigest()[:SHORT]


def each(value: object) -> Iterator[str]:
    """Yield the texts of a list, or the one text there is."""
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, str) and one.strip():
            yield one.strip()
