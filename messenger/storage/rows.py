"""Outbox rows and lines of the record as values, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any, Final

import orjson
from sqlalchemy import RowMapping

from messenger.domain.messages import Category, Key, PlannedMessage, Reason, State
from messenger.ports import Entry

Fields = RowMapping | Mapping[str, Any]  # Any: column values of many types
"""A row by name: of a table, or of the archive."""
PLAIN: Final = tuple(
    field.name
    for field in fields(PlannedMessage)
    if field.name not in {"key", "order", "id", "category", "state", "reason", "buyer", "carrier"}
)
WITH_ANOTHER: Final = frozenset({State.MERGED, State.FAILED})
"""States in which a row may be carried by another one."""


def message_of(row: Fields) -> PlannedMessage:
    """Return the planned message that a row holds."""
    return PlannedMessage(
        key=Key(row["shop"], row["rule"], row["scope"], row["step"]),
        order=row["order_number"],
        id=row["id"],
        category=Category(row["category"]),
        state=State(row["state"]),
        reason=Reason(row["reason"]) if row["reason"] else None,
        buyer=row["buyer"] or f"order:{row['order_number']}",
        carrier=row["carrier"],
        **{name: row[name] for name in PLAIN},
    )


def values_of(message: PlannedMessage) -> dict[str, Any]:  # Any: column values of many types
    """Return the columns of a planned message, all but its id.

    A message of nobody known is its order's; only what is carried names its carrier.
    """
    return {
        "shop": message.key.shop, "rule": message.key.rule, "scope": message.key.scope, "step": message.key.step,
        "order_number": message.order, "category": str(message.category), "state": str(message.state),
        "reason": str(message.reason) if message.reason else None, "buyer": message.buyer or f"order:{message.order}",
        "carrier": message.carrier if message.state in WITH_ANOTHER else None,
    } | {name: getattr(message, name) for name in PLAIN}  # fmt: skip


def entry_values(entry: Entry) -> dict[str, Any]:  # Any: see values_of
    """Return the columns of a line of the record."""
    return {
        "shop": entry.shop, "order_number": entry.order, "at": entry.at, "what": entry.what,
        "rule": entry.key.rule if entry.key else None, "scope": entry.key.scope if entry.key else None,
        "step": entry.key.step if entry.key else None, "reason": entry.reason, "because": entry.because,
        "detail": orjson.dumps(dict(entry.detail)).decode() if entry.detail else None,
    }  # fmt: skip


def entry_of(row: Fields) -> Entry:
    """Return the line of the record that a row holds."""
    detail: Mapping[str, str] | None = orjson.loads(row["detail"]) if row["detail"] else None
    key = Key(row["shop"], row["rule"], row["scope"], row["step"]) if row["rule"] else None
    return Entry(
        shop=row["shop"], order=row["order_number"], at=row["at"], what=row["what"], key=key, reason=row["reason"],
        because=row["because"], detail=detail,
    )  # fmt: skip


def told(message: PlannedMessage, at: datetime, *, moved_from: datetime | None = None) -> Entry:
    """Return the line of the record that says how a message stands now.

    Args:
        message: the row.
        at: now.
        moved_from: when it was due before, if only that has changed.
    """
    detail = {
        name: str(value)
        for name in ("channel", "locale", "variant", "reply", "transport")
        if (value := getattr(message, name))
    } | {"due": message.due_at.isoformat(), "template": message.template}  # fmt: skip
    if moved_from is not None:
        detail["was"] = moved_from.isoformat()
    return Entry(
        shop=message.key.shop, order=message.order, at=at, what="moved" if moved_from else str(message.state),
        key=message.key, reason=str(message.reason or ""), because=message.because, detail=detail,
    )  # fmt: skip
