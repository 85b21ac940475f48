"""The tables. Shop leads every key; what an index covers is said in ``columns.partial``'s words."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ColumnElement,
    Date,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    literal_column,
    true,
)

from messenger.storage.account_tables import allowances, breakers
from messenger.storage.alert_tables import alerts, telling
from messenger.storage.archive_tables import archive, archived_keys
from messenger.storage.columns import Amount, Instant, Serial, metadata, partial
from messenger.storage.feedback_tables import reports, suppressions
from messenger.storage.outbox_table import outbox
from messenger.storage.polling_tables import credentials, doors, poll_hints, polls

intakes = Table(
    "intakes",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("kind", String(40), nullable=False),
    Column("name", Text, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("closed_at", Instant),
    Column("let_go", Integer, nullable=False, server_default="0"),
    Column("held_back", Boolean, nullable=False, server_default="0"),
)

partial("ix_intakes_open", intakes.c.closed_at.is_(None), intakes.c.id)

sources = Table(
    "sources", metadata, Column("name", Text, primary_key=True), Column("heard_at", Instant, nullable=False)
)

inbox = Table(
    "inbox",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("shop", Text, nullable=False),
    Column("order_number", Text),
    Column("source", Text, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("time", Instant, nullable=False),
    Column("number", Text),
    Column("buyer_key", Text),
    Column("email_key", Text),
    Column("state", String(12), nullable=False),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("error", Text),
    Column("intake", BigInteger, nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("fingerprint", String(64), nullable=False),
    Column("document", Text, nullable=False),
    UniqueConstraint("source", "event_id"),
    CheckConstraint("state IN ('received', 'processed', 'unmatched', 'failed')", name="state"),
    Index("ix_inbox_shop_order_number", "shop", "order_number"),
)
received = inbox.c.state == literal_column("'received'")
unmatched = inbox.c.state == literal_column("'unmatched'")
FAILED: Final[ColumnElement[str]] = literal_column("'failed'")
"""Written out, as the index says it."""
partial("ix_inbox_received", received, inbox.c.state, inbox.c.intake)
partial("ix_inbox_unmatched", unmatched, inbox.c.shop, inbox.c.number)
partial("ix_inbox_failed", inbox.c.state == FAILED, inbox.c.shop, inbox.c.order_number)
partial("ix_inbox_buyer", inbox.c.order_number.is_(None), inbox.c.shop, inbox.c.buyer_key)
partial("ix_inbox_email", inbox.c.order_number.is_(None), inbox.c.shop, inbox.c.email_key)

conflicts = Table(
    "conflicts",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("shop", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("fingerprint", String(64), nullable=False),
    Column("document", Text, nullable=False),
    Column("received_at", Instant, nullable=False),
    UniqueConstraint("source", "event_id", "fingerprint"),
)

orders = Table(
    "orders",
    metadata,
    Column("shop", Text, primary_key=True),
    Column("number", Text, primary_key=True),
    Column("status", String(20), nullable=False, server_default=""),
    Column("buyer_key", Text, nullable=False, server_default=""),
    Column("email_key", Text, nullable=False, server_default=""),
    Column("updated_at", Instant),
    Column("needs_fold", Boolean, nullable=False, server_default="0"),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("paid_at", Instant),
    Column("open_until", Instant),
    Column("generation", Integer, nullable=False, server_default="0"),
    Column("archived_at", Instant),
)
MOST_FAILURES: Final = 5
"""How often taking in an order may fail before it is given up."""
TOO_OFTEN: Final[ColumnElement[int]] = literal_column(str(MOST_FAILURES))
"""The same written out, as the index says it."""
needs_fold = orders.c.needs_fold == true()
here = orders.c.archived_at.is_(None)
"""Its messages are in the outbox, not in the archive."""
Index("ix_orders_buyer", orders.c.shop, orders.c.buyer_key)
Index("ix_orders_email", orders.c.shop, orders.c.email_key)
Index("ix_orders_generation", orders.c.generation, orders.c.open_until, orders.c.shop, orders.c.number)
partial("ix_orders_given_up", orders.c.failures >= TOO_OFTEN, orders.c.shop, orders.c.number)
partial("ix_orders_ripe", here, orders.c.open_until, orders.c.shop, orders.c.number)
partial("ix_orders_needs_fold", needs_fold, orders.c.shop, orders.c.number)

parcels = Table(
    "parcels",
    metadata,
    Column("shop", Text, primary_key=True),
    Column("number", Text, primary_key=True),
    Column("order_number", Text, nullable=False),
)

bodies = Table(
    "bodies",
    metadata,
    Column("outbox_id", BigInteger, primary_key=True),
    Column("shop", Text, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("template_version", String(40), nullable=False),
    Column("letter", LargeBinary, nullable=False),
    Column("frozen_at", Instant),
)
partial("ix_bodies_frozen", bodies.c.frozen_at.is_not(None), bodies.c.frozen_at)

attempts = Table(
    "attempts",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("shop", Text, nullable=False),
    Column("outbox_id", BigInteger, nullable=False, index=True),
    Column("token", Integer, nullable=False),
    Column("owner", String(40), nullable=False),
    Column("outcome", String(12), nullable=False),
    Column("code", Integer, nullable=False),
    Column("reply", Text, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("at", Instant, nullable=False),
    Column("in_time", Boolean, nullable=False),
)

record = Table(
    "record",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("shop", Text, nullable=False),
    Column("order_number", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("what", String(20), nullable=False),
    Column("rule", Text),
    Column("scope", Text),
    Column("step", Integer),
    Column("reason", String(20), nullable=False),
    Column("because", Text, nullable=False),
    Column("detail", Text),
    Index("ix_record_shop_order_number", "shop", "order_number"),
)

secrets = Table(
    "secrets", metadata, Column("name", String(40), primary_key=True), Column("value", LargeBinary, nullable=False)
)

journeys = Table(
    "journeys",
    metadata,
    Column("shop", Text, primary_key=True),
    Column("country", Text, nullable=False),
    Column("method", Text, nullable=False),
    Column("order_number", Text, primary_key=True),
    Column("shipment", Text, primary_key=True),
    Column("shipped_at", Instant, nullable=False),
    Column("delivered_at", Instant, nullable=False),
    Index("ix_journeys_lane", "shop", "country", "method", "order_number", "shipment"),
)

lanes = Table(
    "lanes",
    metadata,
    Column("shop", Text, primary_key=True),
    Column("country", Text, primary_key=True),
    Column("method", Text, primary_key=True),
    Column("day", Date, nullable=False),
    Column("parcels", Integer, nullable=False),
    Column("p50_days", Amount),
    Column("p90_days", Amount),
)

pauses = Table(
    "pauses",
    metadata,
    Column("shop", Text, primary_key=True),
    Column("since", Instant, nullable=False),
    Column("paused_by", Text, nullable=False),
)

generations = Table(
    "generations",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("digest", String(64), nullable=False),
    Column("published_at", Instant, nullable=False),
    Column("published_by", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
)

ticks = Table(
    "ticks",
    metadata,
    Column("name", Text, primary_key=True),
    Column("slot", Text, primary_key=True),
    Column("bought_at", Instant),
)

alive = Table("alive", metadata, Column("name", String(40), primary_key=True), Column("at", Instant, nullable=False))

__all__ = ["FAILED", "MOST_FAILURES", "TOO_OFTEN", "alerts", "alive", "allowances", "archive", "archived_keys", "attempts",
           "bodies", "breakers", "conflicts", "credentials", "doors", "generations", "here", "inbox", "intakes", "journeys",
           "lanes", "metadata", "needs_fold", "orders", "outbox", "parcels", "pauses", "poll_hints", "polls", "received",
           "record", "reports", "secrets", "sources", "suppressions", "telling", "ticks", "unmatched"]  # fmt: skip
