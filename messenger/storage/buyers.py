"""Buyers: locked in one order, and what counts for them, in a few statements however many they are."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection
from datetime import datetime

from sqlalchemy import ARRAY, BigInteger, Connection, and_, func, literal, select, union_all

from messenger.domain.messages import PlannedMessage
from messenger.ports import BuyerKey, Payment
from messenger.storage.outbox_table import gone, open_, outbox
from messenger.storage.rows import message_of
from messenger.storage.sql import is_sqlite, pair_among
from messenger.storage.tables import orders


def lock(connection: Connection, buyers: Collection[BuyerKey]) -> None:
    """Let no other transaction decide about these buyers; SQLite has one writer anyway."""
    if is_sqlite(connection) or not buyers:
        return
    numbers = literal(sorted({_number(one) for one in buyers}), ARRAY(BigInteger))
    each = func.unnest(numbers).table_valued("number", name="each").render_derived()
    in_order = select(each.c.number).order_by(each.c.number).subquery()
    connection.execute(select(func.pg_advisory_xact_lock(in_order.c.number))).all()


def _number(buyer: BuyerKey) -> int:
    """What the buyer is called among PostgreSQL's locks: 64 bits, so that two share one only by a rare chance."""
    name = f"{len(buyer.shop)}/{buyer.shop}/{buyer.buyer}"
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), signed=True)


def messages(
    connection: Connection, buyers: Collection[BuyerKey], *, since: datetime
) -> dict[BuyerKey, list[PlannedMessage]]:
    """Return what counts for these buyers; see ``ports.Unit.buyer_messages``.

    Rows that left long ago are met by no statement: one index holds what is open, one what has left by buyer and time.
    """
    found: dict[BuyerKey, dict[int, PlannedMessage]] = {buyer: {} for buyer in sorted(set(buyers))}
    if not found:
        return {}
    theirs = pair_among(connection, outbox.c.shop, outbox.c.buyer, [(one.shop, one.buyer) for one in found])
    concern: defaultdict[tuple[str, str], set[BuyerKey]] = defaultdict(set)
    for row in map(message_of, connection.execute(select(outbox).where(theirs, open_)).mappings()):
        buyer = BuyerKey(row.key.shop, row.buyer)
        found[buyer][row.id] = row
        if row.state.is_waiting:
            concern[row.key.shop, row.order].add(buyer)
    of_orders = pair_among(connection, outbox.c.shop, outbox.c.order_number, sorted(concern))
    ways = (and_(theirs, outbox.c.sent_at >= since), and_(theirs, outbox.c.sent_at.is_(None)), of_orders)
    left = union_all(*(select(outbox).where(way, gone) for way in ways))
    for row in map(message_of, connection.execute(left).mappings()):
        for buyer in {BuyerKey(row.key.shop, row.buyer), *concern.get((row.key.shop, row.order), ())} & found.keys():
            found[buyer][row.id] = row
    return {buyer: [rows[id_] for id_ in sorted(rows)] for buyer, rows in found.items()}


def payments(connection: Connection, buyers: Collection[BuyerKey]) -> dict[BuyerKey, list[Payment]]:
    """Return which orders of these buyers were paid when, oldest first."""
    found: dict[BuyerKey, list[Payment]] = {buyer: [] for buyer in sorted(set(buyers))}
    names = [(one.shop, one.buyer) for one in found]
    own = [(shop, name.removeprefix("order:")) for shop, name in names if name.startswith("order:")]
    no_id = orders.c.buyer_key == ""
    ways = (
        (orders.c.buyer_key, pair_among(connection, orders.c.shop, orders.c.buyer_key, names)),
        (orders.c.email_key, and_(no_id, pair_among(connection, orders.c.shop, orders.c.email_key, names))),
        ("order:" + orders.c.number, pair_among(connection, orders.c.shop, orders.c.number, own)),
    )
    paid = union_all(
        *(
            select(orders.c.shop, name.label("buyer"), orders.c.number, orders.c.paid_at).where(
                condition, orders.c.paid_at.is_not(None)
            )
            for name, condition in ways
        )
    )
    for shop, buyer, number, at in connection.execute(paid):
        found[BuyerKey(shop, buyer)].append(Payment(order=number, at=at))
    return {buyer: sorted(told, key=lambda one: (one.at, one.order)) for buyer, told in found.items()}
