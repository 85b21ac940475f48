"""Alerts, and the process that tells people of them."""

from __future__ import annotations

from sqlalchemy import Column, Integer, String, Table, Text, UniqueConstraint

from messenger.domain.messages import State
from messenger.storage.columns import Instant, Serial, metadata, partial
from messenger.storage.outbox_table import outbox, stated

alerts = Table(
    "alerts",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("shop", Text, nullable=False),
    Column("kind", String(20), nullable=False),
    Column("subject", Text, nullable=False),
    Column("since", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Column("times", Integer, nullable=False),
    Column("buyers", Integer, nullable=False),
    Column("detail", Text, nullable=False),
    Column("ended_at", Instant),
    Column("ended_by", Text, nullable=False),
    Column("told_at", Instant),
    Column("over_told_at", Instant),
    UniqueConstraint("shop", "kind", "subject"),
)

telling = Table(
    "telling",
    metadata,
    Column("name", String(20), primary_key=True),
    Column("owner", String(40), nullable=False),
    Column("until", Instant),
    Column("told_at", Instant),
    Column("digest_at", Instant, nullable=False),
    Column("failures", Integer, nullable=False),
)

failed = stated({State.FAILED})
partial("ix_outbox_failed", failed, outbox.c.claimed_at, outbox.c.shop)
