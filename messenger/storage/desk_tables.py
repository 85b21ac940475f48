"""Desks: what people have in hand, and what they said became of it. Both hold two days at most."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, LargeBinary, String, Table, Text

from messenger.storage.columns import Instant, Serial, metadata

desk_openings = Table(
    "desk_openings",
    metadata,
    Column("outbox_id", BigInteger, primary_key=True, autoincrement=False),
    Column("person", Text, primary_key=True),
    Column("opened_at", Instant, nullable=False),
    Column("until", Instant, nullable=False),
    Column("letter", LargeBinary, nullable=False),
    Column("variant", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("along", Text, nullable=False),
    Column("edited", Text, nullable=False),
    Index("ix_desk_openings_until", "until"),
)

desk_acts = Table(
    "desk_acts",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("outbox_id", BigInteger, nullable=False),
    Column("shop", Text, nullable=False),
    Column("transport", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("what", String(20), nullable=False),
    Column("at", Instant, nullable=False),
    Column("state", String(20), nullable=False),
    Column("reason", String(20)),
    Column("because", Text, nullable=False),
    Column("undone_at", Instant),
    Index("ix_desk_acts_at", "at"),
)
