"""The inbox: events accepted once, given to their orders, and taken in together with what follows from them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, bindparam, func, insert, or_, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite

from messenger.domain.events import Event
from messenger.domain.messages import Key, PlannedMessage
from messenger.ports import Change, Entry, InboxCounts, OrderKey, Verdict
from messenger.storage.documents import event_text, fingerprint, read_event
from messenger.storage.engine import Database
from messenger.storage.rows import entry_values, message_of, slots, values_of, written
from messenger.storage.tables import conflicts, inbox, intakes, orders, outbox, parcels, record

MOST_FAILURES = 5


def upsert(database: Database, table: Any) -> Any:  # Any: both dialects' insert offer the same on_conflict methods
    """Return an INSERT that can step aside for a row that is there."""
    return sqlite.insert(table) if database.is_sqlite else postgresql.insert(table)


def open_intake(database: Database, *, kind: str, name: str, at: datetime) -> int:
    """Begin an intake; returns its id."""
    with database.write() as connection:
        made = connection.execute(insert(intakes).values(kind=kind, name=name, opened_at=at)).inserted_primary_key
        return int(made[0]) if made else 0


def close_intake(database: Database, intake: int, *, at: datetime) -> None:
    """Say that the intake was read to its end."""
    with database.write() as connection:
        connection.execute(update(intakes).where(intakes.c.id == intake).values(closed_at=at))


def accept(database: Database, events: Sequence[Event], *, intake: int, at: datetime) -> list[Verdict]:
    """Store events once; see ``ports.Store.accept``."""
    if not events:
        return []
    rows = [_inbox_row(event, intake=intake, at=at) for event in events]
    with database.write() as connection:
        known = _known(connection, events)
        verdicts: list[Verdict] = []
        fresh: list[dict[str, Any]] = []
        for row in rows:
            name = (row["source"], row["event_id"])
            if name not in known:
                known[name] = row["fingerprint"]
                fresh.append(row)
                verdicts.append(Verdict.NEW)
            elif known[name] == row["fingerprint"]:
                verdicts.append(Verdict.DUPLICATE)
            else:
                verdicts.append(Verdict.CONFLICT)
        if fresh:
            connection.execute(insert(inbox), fresh)
        again = [row for row, verdict in zip(rows, verdicts, strict=True) if verdict is Verdict.DUPLICATE]
        if again:
            _adopt(connection, again, intake)
        other = [row for row, verdict in zip(rows, verdicts, strict=True) if verdict is Verdict.CONFLICT]
        if other:
            kept = [
                {name: row[name] for name in ("shop", "source", "event_id", "fingerprint", "document", "received_at")}
                for row in other
            ]
            connection.execute(upsert(database, conflicts).on_conflict_do_nothing(), kept)
    return verdicts


def _inbox_row(event: Event, *, intake: int, at: datetime) -> dict[str, Any]:  # Any: column values
    document = event_text(event)
    buyer = event.data.get("buyer", {})
    return {
        "shop": event.shop, "order_number": event.order, "source": event.source, "event_id": event.id, "type": event.type,
        "time": event.time, "number": event.tracking_number, "state": "received", "intake": intake, "received_at": at,
        "buyer_key": f"id:{buyer['id']}" if buyer.get("id") else None,
        "email_key": f"email:{str(buyer['email']).casefold()}" if buyer.get("email") else None,
        "fingerprint": fingerprint(document), "document": document,
    }  # fmt: skip


def _known(connection: Connection, events: Sequence[Event]) -> dict[tuple[str, str], str]:
    names = [(event.source, event.id) for event in events]
    found = connection.execute(
        select(inbox.c.source, inbox.c.event_id, inbox.c.fingerprint).where(
            tuple_(inbox.c.source, inbox.c.event_id).in_(names)
        )
    )
    return {(source, event_id): told for source, event_id, told in found}


def _adopt(connection: Connection, rows: Sequence[dict[str, Any]], intake: int) -> None:
    connection.execute(
        update(inbox)
        .where(inbox.c.source == bindparam("s"), inbox.c.event_id == bindparam("e"), inbox.c.state == "received")
        .values(intake=intake),
        [{"s": row["source"], "e": row["event_id"]} for row in rows],
    )


_closed = select(intakes.c.id).where(intakes.c.closed_at.is_not(None))
_may_be_taken = and_(inbox.c.state == "received", inbox.c.intake.in_(_closed))


def backlog(database: Database, *, limit: int) -> list[OrderKey]:
    """Return orders to be folded; settles on the way what belongs to no single order."""
    _settle_homeless(database)
    blocked = select(inbox.c.shop, inbox.c.order_number).where(inbox.c.state == "failed").subquery()
    with database.read() as connection:
        waiting = connection.execute(
            select(inbox.c.shop, inbox.c.order_number)
            .where(_may_be_taken, inbox.c.order_number.is_not(None))
            .where(
                ~select(1)
                .where(blocked.c.shop == inbox.c.shop, blocked.c.order_number == inbox.c.order_number)
                .exists()
            )
            .group_by(inbox.c.shop, inbox.c.order_number)
            .order_by(func.min(inbox.c.id))
            .limit(limit)
        ).all()
        asked = connection.execute(
            select(orders.c.shop, orders.c.number)
            .where(orders.c.needs_fold)
            .where(
                ~select(1).where(blocked.c.shop == orders.c.shop, blocked.c.order_number == orders.c.number).exists()
            )
            .limit(limit)
        ).all()
    return [
        OrderKey(shop=shop, number=number) for shop, number in dict.fromkeys((*map(tuple, waiting), *map(tuple, asked)))
    ][:limit]


def _settle_homeless(database: Database) -> None:
    homeless = and_(_may_be_taken, inbox.c.order_number.is_(None))
    with database.read() as connection:
        if connection.execute(select(inbox.c.id).where(homeless).limit(1)).first() is None:
            return
    while True:
        with database.write() as connection:
            rows = connection.execute(select(inbox).where(homeless).order_by(inbox.c.id).limit(50)).mappings().all()
            if not rows:
                return
            for row in rows:
                _settle_one(connection, dict(row))


def _settle_one(connection: Connection, row: dict[str, Any]) -> None:
    this = update(inbox).where(inbox.c.id == row["id"])
    if row["type"].startswith("shipment."):
        owner = connection.execute(
            select(parcels.c.order_number).where(parcels.c.shop == row["shop"], parcels.c.number == row["number"])
        ).scalar()
        connection.execute(this.values(order_number=owner) if owner else this.values(state="unmatched"))
        return
    connection.execute(this.values(state="processed"))
    keys = [key for key in (row["buyer_key"], row["email_key"]) if key]
    connection.execute(
        update(orders)
        .where(orders.c.shop == row["shop"], or_(orders.c.buyer_key.in_(keys), orders.c.email_key.in_(keys)))
        .values(needs_fold=True)
    )


def failed(database: Database, order: OrderKey, *, error: str) -> bool:
    """Count a failed taking-in; see ``ports.Store.failed``."""
    mine = and_(inbox.c.shop == order.shop, inbox.c.order_number == order.number, inbox.c.state == "received")
    with database.write() as connection:
        connection.execute(update(inbox).where(mine).values(failures=inbox.c.failures + 1, error=error[:500]))
        gone = connection.execute(update(inbox).where(mine, inbox.c.failures >= MOST_FAILURES).values(state="failed"))
        if gone.rowcount:
            connection.execute(
                update(orders)
                .where(orders.c.shop == order.shop, orders.c.number == order.number)
                .values(needs_fold=False)
            )
        return bool(gone.rowcount)


def counts(database: Database) -> InboxCounts:
    """Return how many events stand in each state."""
    with database.read() as connection:
        found = dict(map(tuple, connection.execute(select(inbox.c.state, func.count()).group_by(inbox.c.state)).all()))
        conflict = connection.execute(select(func.count()).select_from(conflicts)).scalar() or 0
    return InboxCounts(conflict=conflict, **found)


def events_of(connection: Connection, keys: Sequence[OrderKey]) -> dict[OrderKey, list[Event]]:
    """Return the events of several orders, with those of their buyers that name no order."""
    names = [(key.shop, key.number) for key in keys]
    there = or_(inbox.c.state == "processed", _may_be_taken)
    found: defaultdict[OrderKey, list[Event]] = defaultdict(list)
    own = select(inbox.c.shop, inbox.c.order_number, inbox.c.document).where(
        tuple_(inbox.c.shop, inbox.c.order_number).in_(names), there
    )
    for shop, number, document in connection.execute(own):
        found[OrderKey(shop=shop, number=number)].append(read_event(document))
    for shop in {key.shop for key in keys}:
        _add_buyers(connection, shop, [key.number for key in keys if key.shop == shop], found)
    return dict(found)


def _add_buyers(
    connection: Connection, shop: str, numbers: Sequence[str], found: defaultdict[OrderKey, list[Event]]
) -> None:
    any_at_all = (
        select(inbox.c.id)
        .where(inbox.c.shop == shop, inbox.c.order_number.is_(None), inbox.c.state == "processed")
        .limit(1)
    )
    if connection.execute(any_at_all).first() is None:
        return
    about = or_(
        and_(inbox.c.buyer_key == orders.c.buyer_key, orders.c.buyer_key != ""),
        and_(inbox.c.email_key == orders.c.email_key, orders.c.email_key != ""),
    )
    rows = connection.execute(
        select(orders.c.number, inbox.c.document)
        .select_from(orders.join(inbox, and_(inbox.c.shop == orders.c.shop, inbox.c.order_number.is_(None), about)))
        .where(orders.c.shop == shop, orders.c.number.in_(numbers), inbox.c.state == "processed")
    )
    for number, document in rows:
        found[OrderKey(shop=shop, number=number)].append(read_event(document))


_OF_THE_CLAIM = frozenset({"token", "attempts"})
_CHANGE = (
    update(outbox)
    .where(outbox.c.id == bindparam("b_id"), outbox.c.state == bindparam("b_was"))
    .values(slots(leaving_out=_OF_THE_CLAIM) | {"token": outbox.c.token + 1})
)


class SqlUnit:
    """One write transaction; see ``ports.Unit``."""

    def __init__(self, database: Database, connection: Connection) -> None:
        self._database = database
        self._connection = connection

    def lock(self, order: OrderKey) -> None:
        """Let no other unit work on this order until this one has ended."""
        values = {"shop": order.shop, "number": order.number, "needs_fold": False}
        self._connection.execute(upsert(self._database, orders).values(values).on_conflict_do_nothing())
        if not self._database.is_sqlite:
            self._connection.execute(
                select(1).where(orders.c.shop == order.shop, orders.c.number == order.number).with_for_update()
            )

    def events(self, order: OrderKey) -> list[Event]:
        """Return all events of the order, and those of its buyer."""
        return events_of(self._connection, [order]).get(order, [])

    def messages(self, order: OrderKey) -> list[PlannedMessage]:
        """Return every outbox row of the order, by id."""
        return messages_of(self._connection, order)

    def match(self, order: OrderKey, numbers: Iterable[str]) -> int:
        """Remember the order's parcels and give it the events that waited for them."""
        wanted = list(numbers)
        if not wanted:
            return 0
        rows = [{"shop": order.shop, "number": number, "order_number": order.number} for number in wanted]
        self._connection.execute(upsert(self._database, parcels).on_conflict_do_nothing(), rows)
        waiting = and_(inbox.c.shop == order.shop, inbox.c.number.in_(wanted), inbox.c.state == "unmatched")
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

    def add(self, messages: Sequence[PlannedMessage]) -> int:
        """Insert rows whose key is new."""
        if not messages:
            return 0
        statement = upsert(self._database, outbox).on_conflict_do_nothing()
        return self._connection.execute(statement, [values_of(message) for message in messages]).rowcount

    def change(self, changes: Sequence[Change]) -> list[Key]:
        """Apply changes to rows that are still as they were seen."""
        applied: list[Key] = []
        for change in changes:
            message = replace(change.message, owner=None, lease_until=None)
            values = written(message, leaving_out=_OF_THE_CLAIM) | {"b_id": message.id, "b_was": str(change.was)}
            done = self._connection.execute(_CHANGE, values)
            if done.rowcount:
                applied.append(message.key)
        return applied

    def processed(self, order: OrderKey) -> None:
        """Mark the order's events as taken in."""
        mine = and_(inbox.c.shop == order.shop, inbox.c.order_number == order.number, _may_be_taken)
        self._connection.execute(update(inbox).where(mine).values(state="processed", error=None))
        self._connection.execute(
            update(orders).where(orders.c.shop == order.shop, orders.c.number == order.number).values(needs_fold=False)
        )

    def note(self, entries: Sequence[Entry]) -> None:
        """Append to the record."""
        if entries:
            self._connection.execute(insert(record), [entry_values(entry) for entry in entries])


def messages_of(connection: Connection, order: OrderKey) -> list[PlannedMessage]:
    """Return every outbox row of an order, by id."""
    rows = connection.execute(
        select(outbox).where(outbox.c.shop == order.shop, outbox.c.order_number == order.number).order_by(outbox.c.id)
    )
    return [message_of(row) for row in rows.mappings()]
