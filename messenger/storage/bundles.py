"""Bundles: all that is kept about one order's messages, as one compressed document."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import orjson
from sqlalchemy import Boolean, Column, Integer, LargeBinary, Table
from sqlalchemy.sql.schema import DefaultClause

from messenger.storage.columns import EPOCH, Instant, microseconds
from messenger.storage.tables import attempts, bodies, outbox, record

Row = dict[str, Any]  # Any: column values of many types

PARTS: Final[Mapping[str, Table]] = {"messages": outbox, "attempts": attempts, "record": record, "letters": bodies}
"""What a bundle is made of; of a letter only digest and version are left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """What is kept about one order, as rows of their tables."""

    messages: list[Row] = field(default_factory=list)
    attempts: list[Row] = field(default_factory=list)
    record: list[Row] = field(default_factory=list)
    letters: list[Row] = field(default_factory=list)

    @property
    def left_at(self) -> datetime | None:
        """When the last of the messages left; None when none did."""
        return max((row["sent_at"] for row in self.messages if row["sent_at"]), default=None)

    def __len__(self) -> int:
        return len(self.messages) + len(self.attempts) + len(self.record)


def pack(bundle: Bundle) -> bytes:
    """Return the bundle as it is kept. What is empty is left out: reading fills it in."""
    parts = {name: [_kept(table, row) for row in getattr(bundle, name)] for name, table in PARTS.items()}
    return zlib.compress(orjson.dumps(parts), 9)


def unpack(content: bytes) -> Bundle:
    """Return the bundle that was kept; columns that came into the world since have what new rows of theirs have."""
    parts: dict[str, list[Row]] = orjson.loads(zlib.decompress(content))
    return Bundle(**{name: [_read(table, row) for row in parts[name]] for name, table in PARTS.items()})


def _kept(table: Table, row: Mapping[str, Any]) -> Row:
    return {str(one.name): _plain(one, row[one.name]) for one in _columns(table) if row[one.name] is not None}


def _columns(table: Table) -> Iterable[Column[Any]]:
    return (column for column in table.columns if not isinstance(column.type, LargeBinary))


def _plain(column: Column[Any], value: object) -> object:
    return microseconds(value) if isinstance(column.type, Instant) and isinstance(value, datetime) else value


def _read(table: Table, kept: Mapping[str, Any]) -> Row:
    return {str(column.name): _value(column, kept) for column in table.columns}


def _value(column: Column[Any], kept: Mapping[str, Any]) -> Any:  # Any: whatever the column holds
    value = kept.get(column.name)
    if value is None:
        return b"" if isinstance(column.type, LargeBinary) else _default(column)
    return EPOCH + timedelta(microseconds=value) if isinstance(column.type, Instant) else value


def _default(column: Column[Any]) -> Any:  # Any: whatever the column holds
    if column.nullable or not isinstance(column.server_default, DefaultClause):
        return None
    written = str(column.server_default.arg)
    if isinstance(column.type, Boolean):
        return written == "1"
    return int(written) if isinstance(column.type, Integer) else written
