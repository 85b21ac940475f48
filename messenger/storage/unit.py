"""Taking in: what one write transaction reads and writes about its orders."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, and_, bindparam, func, insert, or_, select, update

from messenger.domain.events import Event
from messenger.domain.messages import Key, PlannedMessage, State
from messenger.ports import Change, Entry, OrderKey
from messenger.storage.documents import read_event
from messenger.storage.intake import HOMELESS_LOCK, may_be_taken
from messenger.storage.rows import entry_values, message_of, slots, values_of, written
from messenger.storage.sql import among, is_sqlite, pair_among, upsert
from messenger.storage.tables import inbox, orders, outbox, parcels, record


class _Told(NamedTuple):
    """One stored event of an order."""

    id: int
    document: str
    is_received: bool


def events_of(connection: Connection, keys: Sequence[OrderKey]) -> dict[OrderKey, list[Event]]:
    """Return the events of several orders, with those of their buyers that name no order."""
    return {key: [read_event(one.document) for one in told] for key, told in _told_about(connection, keys).items()}


def _told_about(connection: Connection, keys: Sequence[OrderKey]) -> dict[OrderKey, list[_Told]]:
    found: defaultdict[OrderKey, list[_Told]] = defaultdict(list)
    names: defaultdict[str, defaultdict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    mine = pair_among(connection, inbox.c.shop, inbox.c.order_number, [(key.shop, key.number) for key in keys])
    columns = (inbox.c.id, inbox.c.shop, inbox.c.order_number, inbox.c.state, inbox.c.buyer_key, inbox.c.email_key)
    there = or_(inbox.c.state == "processed", may_be_taken)
    for row in connection.execute(select(*columns, inbox.c.document).where(mine, there).order_by(inbox.c.id)):
        key = OrderKey(shop=row.shop, number=row.order_number)
        found[key].append(_Told(row.id, row.document, row.state == "received"))
        names[row.shop][row.order_number].update(name for name in (row.buyer_key, row.email_key) if name)
    for shop in sorted({key.shop for key in keys}):
        if _buyers_spoke(connection, shop):
            numbers = [key.number for key in keys if key.shop == shop]
            _add_buyers(connection, shop, numbers, names[shop], found)
    return dict(found)


def _buyers_spoke(connection: Connection, shop: str) -> bool:
    any_at_all = and_(inbox.c.shop == shop, inbox.c.order_number.is_(None), inbox.c.state == "processed")
    return connection.execute(select(inbox.c.id).where(any_at_all).limit(1)).first() is not None


def _add_buyers(
    connection: Connection,
    shop: str,
    numbers: Sequence[str],
    names: defaultdict[str, set[str]],
    found: defaultdict[OrderKey, list[_Told]],
) -> None:
    described = select(orders.c.number, orders.c.buyer_key, orders.c.email_key).where(
        orders.c.shop == shop, among(connection, orders.c.number, numbers)
    )
    for number, *keys in connection.execute(described):
        names[number].update(key for key in keys if key)
    wanted = sorted(set().union(*names.values()))
    about = or_(among(connection, inbox.c.buyer_key, wanted), among(connection, inbox.c.email_key, wanted))
    rows = connection.execute(
        select(inbox.c.id, inbox.c.buyer_key, inbox.c.email_key, inbox.c.document)
        .where(inbox.c.shop == shop, inbox.c.order_number.is_(None), inbox.c.state == "processed", about)
        .order_by(inbox.c.id)
    ).all()
    for number, keys_of_order in names.items():
        found[OrderKey(shop=shop, number=number)] += [
            _Told(row.id, row.document, is_received=False)
            for row in rows
            if {row.buyer_key, row.email_key} & keys_of_order
        ]


_OF_THE_CLAIM = frozenset({"token", "attempts"})
_CHANGE = (
    update(outbox)
    .where(outbox.c.id == bindparam("b_id"), outbox.c.state == bindparam("b_was"))
    .values(slots(leaving_out=_OF_THE_CLAIM) | {"token": outbox.c.token + 1})
)


class SqlUnit:
    """One write transaction; see ``ports.Unit``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._seen: dict[OrderKey, list[int]] = {}
        if not is_sqlite(connection):
            connection.execute(select(func.pg_advisory_xact_lock_shared(HOMELESS_LOCK)))

    def lock(self, order: OrderKey) -> None:
        """Let no other unit work on this order until this one has ended."""
        values = {"shop": order.shop, "number": order.number, "needs_fold": False}
        self._connection.execute(upsert(self._connection, orders).values(values).on_conflict_do_nothing())
        if not is_sqlite(self._connection):
            self._connection.execute(
                select(1).where(orders.c.shop == order.shop, orders.c.number == order.number).with_for_update()
            )

    def events(self, order: OrderKey) -> list[Event]:
        """Return all events of the order, and those of its buyer."""
        told = _told_about(self._connection, [order]).get(order, [])
        self._seen[order] = [one.id for one in told if one.is_received]
        return [read_event(one.document) for one in told]

    def messages(self, order: OrderKey) -> list[PlannedMessage]:
        """Return every outbox row of the order, by id; they stay as they are until the unit ends."""
        return messages_of(self._connection, order, hold=True)

    def match(self, order: OrderKey, numbers: Iterable[str]) -> int:
        """Remember the order's parcels and give it the events that waited for them."""
        wanted = sorted(set(numbers))
        if not wanted:
            return 0
        rows = [{"shop": order.shop, "number": number, "order_number": order.number} for number in wanted]
        self._connection.execute(upsert(self._connection, parcels).on_conflict_do_nothing(), rows)
        named = among(self._connection, inbox.c.number, wanted)
        waiting = and_(inbox.c.shop == order.shop, named, inbox.c.state == "unmatched")
        return self._connection.execute(
            update(inbox).where(waiting).values(order_number=order.number, state="received")
        ).rowcount

    def describe(self, order: OrderKey, *, status: str, buyer_key: str, email_key: str, updated_at: datetime) -> None:
        """Write what lists and look-ups need to know."""
        self._connection.execute(
            update(orders)
            .where(orders.c.shop == order.shop, orders.c.number == order.number)
            .values(status=status, buyer_key=buyer_key, email_key=email_key, updated_at=updated_at)
        )

    def add(self, messages: Sequence[PlannedMessage]) -> None:
        """Insert rows whose key is new."""
        if messages:
            statement = upsert(self._connection, outbox).on_conflict_do_nothing()
            self._connection.execute(statement, [values_of(message) for message in messages])

    def change(self, changes: Sequence[Change]) -> list[Key]:
        """Apply changes to rows that are still as they were seen."""
        applied: list[Key] = []
        for change in changes:
            state = State.PLANNED if change.message.state is State.CLAIMED else change.message.state
            message = replace(change.message, state=state, owner=None, lease_until=None)
            values = written(message, leaving_out=_OF_THE_CLAIM) | {"b_id": message.id, "b_was": str(change.was)}
            if self._connection.execute(_CHANGE, values).rowcount:
                applied.append(message.key)
        return applied

    def processed(self, order: OrderKey) -> None:
        """Mark the order's events as taken in: those this unit has seen, or all when it did not look."""
        mine = and_(inbox.c.shop == order.shop, inbox.c.order_number == order.number, may_be_taken)
        seen = self._seen.get(order)
        if seen is not None:
            mine = and_(mine, among(self._connection, inbox.c.id, seen))
        self._connection.execute(update(inbox).where(mine).values(state="processed", error=None))
        self._connection.execute(
            update(orders)
            .where(orders.c.shop == order.shop, orders.c.number == order.number)
            .values(needs_fold=False, failures=0)
        )

    def note(self, entries: Sequence[Entry]) -> None:
        """Append to the record."""
        if entries:
            self._connection.execute(insert(record), [entry_values(entry) for entry in entries])


def messages_of(connection: Connection, order: OrderKey, *, hold: bool = False) -> list[PlannedMessage]:
    """Return every outbox row of an order, by id.

    Args:
        connection: in a write transaction if the rows are to be held.
        order: whose rows.
        hold: let nobody change them until the transaction ends.
    """
    mine = select(outbox).where(outbox.c.shop == order.shop, outbox.c.order_number == order.number)
    mine = mine.order_by(outbox.c.id)
    if hold and not is_sqlite(connection):
        mine = mine.with_for_update()
    return [message_of(row) for row in connection.execute(mine).mappings()]
