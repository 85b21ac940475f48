"""The archive: what is over is kept in one compressed document an order; its keys stay where they can be looked up."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, Table, Text

from messenger.storage.columns import Instant, metadata, partial

archive = Table(
    "archive",
    metadata,
    Column("shop", Text, primary_key=True),
    Column("order_number", Text, primary_key=True),
    Column("archived_at", Instant, nullable=False),
    Column("left_at", Instant),
    Column("content", LargeBinary, nullable=False),
    Index("ix_archive_left_at", "left_at"),
)

archived_keys = Table(
    "archived_keys",
    metadata,
    Column("shop", Text, primary_key=True),
    Column("rule", Text, primary_key=True),
    Column("scope", Text, primary_key=True),
    Column("step", Integer, primary_key=True),
    Column("id", BigInteger, nullable=False, unique=True),
    Column("order_number", Text, nullable=False),
    Column("message_id", Text),
    Column("carrier", BigInteger),
)

archived_names = archived_keys.c.message_id.is_not(None)
archived_riders = archived_keys.c.carrier.is_not(None)
partial("ix_archived_keys_message_id", archived_names, archived_keys.c.message_id)
partial("ix_archived_keys_carrier", archived_riders, archived_keys.c.carrier)
