"""Accounts: one row for each that ever was in trouble, and one for each allowance that was used."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, ColumnElement, Integer, String, Table, Text, literal_column

from messenger.storage.columns import Instant, metadata

breakers = Table(
    "breakers",
    metadata,
    Column("transport", Text, primary_key=True),
    Column("phase", String(10), nullable=False),
    Column("failures", Integer, nullable=False),
    Column("pause", BigInteger, nullable=False),
    Column("since", Instant),
    Column("probe_at", Instant),
    Column("prober", String(40), nullable=False),
    Column("stage", String(20), nullable=False),
    Column("reply", Text, nullable=False),
)

allowances = Table(
    "allowances",
    metadata,
    Column("name", Text, primary_key=True),
    Column("free_at", Instant),
    Column("slowness", Integer, nullable=False),
    Column("slowed_at", Instant),
)

CLOSED: Final[ColumnElement[str]] = literal_column("'closed'")
