"""The outbox: one row a message. Its conditions are written here once, because an index serves only the query that repeats its words."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ColumnElement,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    and_,
    literal_column,
    true,
)

from messenger.domain.messages import WAITING, State
from messenger.storage.columns import Instant, Serial, metadata, partial

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
    Column("buyer", Text, nullable=False, server_default=""),
    Column("urgent", Boolean, nullable=False, server_default="0"),
    Column("gated", Boolean, nullable=False, server_default="0"),
    Column("intake", BigInteger, nullable=False, server_default="0"),
    Column("cleared_at", Instant),
    Column("approved_by", Text, nullable=False, server_default=""),
    Column("released_at", Instant),
    Column("carrier", BigInteger),
    Column("queue", Text, nullable=False, server_default=""),
    Column("claimed_at", Instant),
    UniqueConstraint("shop", "rule", "scope", "step"),
    CheckConstraint("state IN ({})".format(", ".join(f"'{state}'" for state in State)), name="state"),
    Index("ix_outbox_shop_order_number", "shop", "order_number"),
)


def stated(states: Collection[State]) -> ColumnElement[bool]:
    """Return the condition that a row is in one of these states, written out: a bound value would hide the index."""
    words: list[ColumnElement[str]] = [literal_column(f"'{state}'") for state in State if state in states]
    return outbox.c.state == words[0] if len(words) == 1 else outbox.c.state.in_(words)


FOR_A_PERSON: Final = frozenset({State.WAITING_APPROVAL, State.AWAITING_STAFF})
ASIDE: Final = FOR_A_PERSON | {State.HELD}
GONE: Final = frozenset({State.SENT, State.BOUNCED, State.COMPLAINED, State.MERGED})
OPEN: Final = WAITING | {State.SENDING, State.UNCERTAIN}

claimable = and_(stated(WAITING - {State.CLAIMED}), ~outbox.c.gated)
"""What has to be looked at once it is due, with the valve open for it."""
for_an_account = outbox.c.queue.not_in([literal_column("''"), literal_column("'retry'")])
"""Waits until its account may be used (``domain.breakers.queue_of``)."""
urgent = and_(outbox.c.urgent, claimable)
gated = outbox.c.gated == true()
"""The valve has not judged its intake yet."""
aside = stated(ASIDE)
"""Waits for something other than its time."""
open_ = stated(OPEN)
"""Waits, or may be on its way out at this moment."""
gone = stated(GONE)
"""Has left, by itself or with another one."""
in_hand = outbox.c.owner.is_not(None)
uncertain = stated({State.UNCERTAIN})
wrong = stated({State.UNCERTAIN, State.FAILED})
"""Needs a person, or did."""
doubtful = and_(uncertain, outbox.c.owner.is_(None))
"""Perhaps sent, and in nobody's hands."""
carried = outbox.c.carrier.is_not(None)
left = and_(outbox.c.sent_at.is_not(None), outbox.c.carrier.is_(None))

partial("ix_outbox_due", claimable, outbox.c.due_at, outbox.c.id, outbox.c.shop)
partial("ix_outbox_urgent", urgent, outbox.c.queue, outbox.c.due_at, outbox.c.id, outbox.c.shop)
partial("ix_outbox_lane", claimable, outbox.c.shop, outbox.c.queue, outbox.c.due_at, outbox.c.id)
partial("ix_outbox_account", and_(claimable, for_an_account), outbox.c.queue, outbox.c.expires_at, outbox.c.id)
partial("ix_outbox_aside", aside, outbox.c.state, outbox.c.due_at, outbox.c.id)
partial("ix_outbox_gated", gated, outbox.c.intake, outbox.c.id)
partial("ix_outbox_buyer_open", open_, outbox.c.shop, outbox.c.buyer)
partial("ix_outbox_buyer_gone", gone, outbox.c.shop, outbox.c.buyer, outbox.c.sent_at)
partial("ix_outbox_in_hand", in_hand, outbox.c.owner, outbox.c.lease_until)
partial("ix_outbox_uncertain", uncertain, outbox.c.resend_at)
partial("ix_outbox_carrier", carried, outbox.c.carrier)
partial("ix_outbox_left", left, outbox.c.sent_at)
partial("ix_outbox_wrong", wrong, outbox.c.state, outbox.c.due_at, outbox.c.id)
