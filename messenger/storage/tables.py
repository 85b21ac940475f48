"""The tables. Shop leads every key; instants are integer microseconds in UTC, so that both engines sort them alike."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

from messenger.domain.messages import State

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)


class Instant(TypeDecorator[datetime]):
    """An aware datetime, kept as microseconds since 1970 in UTC."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002  # SQLAlchemy's signature
        """Refuse a naive time, keep an aware one."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"an instant must be aware, got {value!r}")
        return (value - EPOCH) // _MICROSECOND

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002  # SQLAlchemy's signature
        """Return the instant in UTC."""
        return None if value is None else EPOCH + timedelta(microseconds=value)


Serial = BigInteger().with_variant(Integer, "sqlite")

intakes = Table(
    "intakes",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("kind", String(40), nullable=False),
    Column("name", Text, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("closed_at", Instant),
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
Index(
    "ix_inbox_received",
    inbox.c.state,
    inbox.c.intake,
    sqlite_where=inbox.c.state == "received",
    postgresql_where=inbox.c.state == "received",
)
Index(
    "ix_inbox_unmatched",
    inbox.c.shop,
    inbox.c.number,
    sqlite_where=inbox.c.state == "unmatched",
    postgresql_where=inbox.c.state == "unmatched",
)
Index(
    "ix_inbox_buyer",
    inbox.c.shop,
    inbox.c.buyer_key,
    sqlite_where=inbox.c.order_number.is_(None),
    postgresql_where=inbox.c.order_number.is_(None),
)
Index(
    "ix_inbox_email",
    inbox.c.shop,
    inbox.c.email_key,
    sqlite_where=inbox.c.order_number.is_(None),
    postgresql_where=inbox.c.order_number.is_(None),
)

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
)
Index("ix_orders_buyer", orders.c.shop, orders.c.buyer_key)
Index("ix_orders_email", orders.c.shop, orders.c.email_key)
Index(
    "ix_orders_needs_fold",
    orders.c.shop,
    orders.c.number,
    sqlite_where=orders.c.needs_fold,
    postgresql_where=orders.c.needs_fold,
)

parcels = Table(
    "parcels",
    metadata,
    Column("shop", Text, primary_key=True),
    Column("number", Text, primary_key=True),
    Column("order_number", Text, nullable=False),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("shop", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("scope", Text, nullable=False),
    Column("step", Integer, nullable=False),
    Column("order_number", Text, nullable=False),
    Column("template", Text, nullable=False),
    Column("category", String(20), nullable=False),
    Column("trigger", Text, nullable=False),
    Column("trigger_at", Instant, nullable=False),
    Column("shipment", Text),
    Column("wanted_at", Instant, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("stale_at", Instant, nullable=False),
    Column("state", String(20), nullable=False),
    Column("reason", String(20)),
    Column("because", Text, nullable=False, server_default=""),
    Column("not_before", Instant),
    Column("priority", Integer, nullable=False, server_default="0"),
    Column("channel", String(20)),
    Column("transport", Text),
    Column("locale", String(40)),
    Column("variant", Text),
    Column("owner", String(40)),
    Column("token", Integer, nullable=False, server_default="0"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("lease_until", Instant),
    Column("message_id", Text),
    Column("sent_at", Instant),
    Column("resend_at", Instant),
    Column("resent", Boolean, nullable=False, server_default="0"),
    Column("reply", Text),
    UniqueConstraint("shop", "rule", "scope", "step"),
    CheckConstraint("state IN ({})".format(", ".join(f"'{state}'" for state in State)), name="state"),
    Index("ix_outbox_shop_order_number", "shop", "order_number"),
)
_due = outbox.c.state.in_(["planned", "held"])
_in_hand = outbox.c.owner.is_not(None)
_doubtful = outbox.c.state == "uncertain"
Index("ix_outbox_due", outbox.c.due_at, outbox.c.id, sqlite_where=_due, postgresql_where=_due)
Index("ix_outbox_in_hand", outbox.c.owner, outbox.c.lease_until, sqlite_where=_in_hand, postgresql_where=_in_hand)
Index("ix_outbox_uncertain", outbox.c.resend_at, sqlite_where=_doubtful, postgresql_where=_doubtful)

bodies = Table(
    "bodies",
    metadata,
    Column("outbox_id", BigInteger, primary_key=True),
    Column("shop", Text, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("template_version", String(40), nullable=False),
    Column("letter", LargeBinary, nullable=False),
)

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
