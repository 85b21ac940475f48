"""Deliveries as they came: a table that stands in a database of its own on SQLite."""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    literal_column,
)

from messenger.storage.columns import Instant, Serial, metadata, partial

spool_metadata = MetaData(naming_convention=metadata.naming_convention)

deliveries = Table(
    "deliveries",
    spool_metadata,
    Column("number", Serial, primary_key=True),
    Column("source", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("fingerprint", String(64), nullable=False),
    Column("state", String(12), nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("tries", Integer, nullable=False),
    Column("note", Text, nullable=False),
    Column("headers", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    CheckConstraint("state IN ('received', 'processed', 'unknown', 'person', 'failed', 'conflict')", name="state"),
    Index("uq_deliveries_content", "source", "name", "fingerprint", unique=True),
)
is_received = deliveries.c.state == literal_column("'received'")
is_the_first = deliveries.c.state != literal_column("'conflict'")
partial("ix_deliveries_received", is_received, deliveries.c.due_at)
Index(
    "uq_deliveries_first", deliveries.c.source, deliveries.c.name, unique=True,
    sqlite_where=is_the_first, postgresql_where=is_the_first,
)  # fmt: skip
Index("ix_deliveries_ended", deliveries.c.state, deliveries.c.received_at)
