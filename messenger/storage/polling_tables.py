"""Pollers and their turns, and what platforms have given us to come in with."""

from __future__ import annotations

from sqlalchemy import Column, Integer, String, Table, Text

from messenger.storage.columns import Instant, metadata

polls = Table(
    "polls",
    metadata,
    Column("name", Text, primary_key=True),
    Column("cursor", Text, nullable=False),
    Column("next_at", Instant),
    Column("polled_at", Instant),
    Column("failures", Integer, nullable=False),
    Column("problem", Text, nullable=False),
    Column("owner", String(40), nullable=False),
    Column("until", Instant),
)

poll_hints = Table(
    "poll_hints",
    metadata,
    Column("name", Text, primary_key=True),
    Column("ref", Text, primary_key=True),
    Column("at", Instant, nullable=False),
)

credentials = Table(
    "credentials",
    metadata,
    Column("account", Text, primary_key=True),
    Column("access", Text, nullable=False),
    Column("refresh", Text, nullable=False),
    Column("ends_at", Instant),
    Column("refresh_ends_at", Instant),
    Column("holder", Text, nullable=False),
    Column("kept_at", Instant, nullable=False),
    Column("owner", String(40), nullable=False),
    Column("until", Instant),
)

doors = Table(
    "doors",
    metadata,
    Column("account", Text, primary_key=True),
    Column("door", String(40), primary_key=True),
    Column("problem", Text, nullable=False),
    Column("since", Instant, nullable=False),
)
