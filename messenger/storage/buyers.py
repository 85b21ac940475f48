"""Buyers: locked in one order, and what counts for them, in a few statements however many they are."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime
from functools import cache
from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CompoundSelect,
    Connection,
    Executable,
    Select,
    and_,
    bindparam,
    func,
    literal,
    select,
    union_all,
)

from messenger.domain.messages import PlannedMessage
from messenger.ports import BuyerKey, Payment
from messenger.storage.columns import Instant
from messenger.storage.outbox_table import GONE, gone, open_, outbox
from messenger.storage.rows import message_of
from messenger.storage.sql import is_sqlite, pairs_as, rows_of_pairs
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


_OF_BUYERS: Final = (outbox.c.shop, outbox.c.buyer)
_OF_ORDERS: Final = (outbox.c.shop, outbox.c.order_number)


@cache
def _open_rows(*, on_sqlite: bool) -> Select[Any]:
    return rows_of_pairs(_OF_BUYERS, "buyers", open_, on_sqlite=on_sqlite)


@cache
def _left_rows(*, on_sqlite: bool) -> CompoundSelect[Any]:
    since = outbox.c.sent_at >= bindparam("since", type_=Instant)
    return union_all(
        rows_of_pairs(_OF_BUYERS, "buyers", and_(gone, since), on_sqlite=on_sqlite),
        rows_of_pairs(_OF_BUYERS, "buyers", and_(gone, outbox.c.sent_at.is_(None)), on_sqlite=on_sqlite),
        rows_of_pairs(_OF_ORDERS, "orders", ~open_, on_sqlite=on_sqlite),
    )


def messages(
    connection: Connection, buyers: Collection[BuyerKey], *, since: datetime
) -> dict[BuyerKey, list[PlannedMessage]]:
    """Return what counts for these buyers; see ``ports.Unit.buyer_messages``.

    Rows that left long ago are met by no statement: one index holds what is open, one what has left by buyer and time.
    """
    found: dict[BuyerKey, dict[int, PlannedMessage]] = {buyer: {} for buyer in sorted(set(buyers))}
    if not found:
        return {}
    on_sqlite = is_sqlite(connection)
    given = pairs_as(connection, "buyers", [(one.shop, one.buyer) for one in found])
    concern: defaultdict[tuple[str, str], set[BuyerKey]] = defaultdict(set)
    for row in _messages(connection, _open_rows(on_sqlite=on_sqlite), given):
        buyer = BuyerKey(row.key.shop, row.buyer)
        found[buyer][row.id] = row
        if row.state.is_waiting:
            concern[row.key.shop, row.order].add(buyer)
    given |= pairs_as(connection, "orders", sorted(concern)) | {"since": since}
    for row in _messages(connection, _left_rows(on_sqlite=on_sqlite), given):
        if row.state in GONE:
            theirs = {BuyerKey(row.key.shop, row.buyer), *concern.get((row.key.shop, row.order), ())}
            for buyer in theirs & found.keys():
                found[buyer][row.id] = row
    return {buyer: [rows[id_] for id_ in sorted(rows)] for buyer, rows in found.items()}


def _messages(connection: Connection, rows: Executable, given: Mapping[str, object]) -> list[PlannedMessage]:
    return [message_of(row) for row in connection.execute(rows, given).mappings()]


_KEYS: Final = {"id": orders.c.buyer_key, "email": orders.c.email_key, "order": orders.c.number}
"""By what kind of name a buyer's orders are found."""


@cache
def _paid_orders(kind: str, *, on_sqlite: bool) -> Select[Any]:
    paid = orders.c.paid_at.is_not(None)
    return rows_of_pairs((orders.c.shop, _KEYS[kind]), "names", paid, on_sqlite=on_sqlite)


def payments(connection: Connection, buyers: Collection[BuyerKey]) -> dict[BuyerKey, list[Payment]]:
    """Return which orders of these buyers were paid when, oldest first."""
    found: dict[BuyerKey, dict[str, Payment]] = {buyer: {} for buyer in sorted(set(buyers))}
    names: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    for one in found:
        kind, _, rest = one.buyer.partition(":")
        names[kind].append((one.shop, rest if kind == "order" else one.buyer))
    for kind in names.keys() & _KEYS.keys():
        given = pairs_as(connection, "names", names[kind])
        for row in connection.execute(_paid_orders(kind, on_sqlite=is_sqlite(connection)), given):
            for name in (row.buyer_key or row.email_key, f"order:{row.number}"):
                theirs = found.get(BuyerKey(row.shop, name))
                if theirs is not None:
                    theirs[row.number] = Payment(order=row.number, at=row.paid_at)
    return {buyer: sorted(told.values(), key=lambda one: (one.at, one.order)) for buyer, told in found.items()}
