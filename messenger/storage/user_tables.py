"""Users, the sessions they have open, and how often a password was guessed."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, String, Table, Text

from messenger.storage.columns import Instant, metadata

users = Table(
    "users",
    metadata,
    Column("name", Text, primary_key=True),
    Column("role", String(20), nullable=False),
    Column("password", Text, nullable=False),
    Column("shops", Text, nullable=False),
    Column("language", String(20), nullable=False),
    Column("since", Instant, nullable=False),
    Column("disabled_at", Instant),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("user", Text, nullable=False),
    Column("since", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Index("ix_sessions_user", "user"),
)

guesses = Table(
    "guesses",
    metadata,
    Column("subject", String(64), primary_key=True),
    Column("number", Integer, nullable=False),
    Column("since", Instant, nullable=False),
    Index("ix_guesses_since", "since"),
)
