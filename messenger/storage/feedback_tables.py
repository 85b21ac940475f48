"""Feedback: addresses that must not be written to, and what came back about messages."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text

from messenger.storage.columns import Instant, Serial, metadata, partial
from messenger.storage.outbox_table import outbox

suppressions = Table(
    "suppressions",
    metadata,
    Column("address", String(32), primary_key=True),
    Column("shop", Text, primary_key=True),
    Column("category", String(20), primary_key=True),
    Column("cause", String(20), nullable=False),
    Column("hint", Text, nullable=False),
    Column("since", Instant, nullable=False),
    Column("until", Instant),
    Column("because", Text, nullable=False),
    Column("by", Text, nullable=False),
    Index("ix_suppressions_shop", "shop", "since", "address"),
)

reports = Table(
    "reports",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("received_at", Instant, nullable=False),
    Column("source", Text, nullable=False),
    Column("kind", String(12), nullable=False),
    Column("status", String(12), nullable=False),
    Column("code", Integer, nullable=False),
    Column("words", Text, nullable=False),
    Column("shop", Text, nullable=False),
    Column("outbox_id", BigInteger),
    Column("address", String(32), nullable=False),
    Index("ix_reports_address", "address", "received_at"),
    Index("ix_reports_received", "received_at"),
)

named = outbox.c.message_id.is_not(None)
"""Has a name under which something may come back."""
partial("ix_outbox_message_id", named, outbox.c.message_id)
