"""The store: one class that offers ``ports.Store`` over SQLite or PostgreSQL."""

from __future__ import annotations

import secrets as random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Final

from sqlalchemy import select

from messenger.domain.events import Event
from messenger.domain.messages import Key, PlannedMessage, State
from messenger.ports import Commitment, Entry, Frozen, InboxCounts, OrderKey, Pulse, Result, Settlement, Verdict
from messenger.storage import claims, leases, schema
from messenger.storage import intake as door
from messenger.storage.engine import Database, connect
from messenger.storage.rows import entry_of, message_of
from messenger.storage.sql import among, upsert
from messenger.storage.tables import orders, outbox, record, secrets
from messenger.storage.unit import SqlUnit, events_of, messages_of

PAGE: Final = 500
"""Rows that a stream keeps in memory."""


class SqlStore:
    """Keeps everything; see ``ports.Store`` for what each method promises. May be used from several threads.

    Raises:
        StorageError: by any method: the database cannot be reached or refuses to work.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def open_intake(self, *, kind: str, name: str, at: datetime) -> int:
        """Begin an intake."""
        return door.open_intake(self._database, kind=kind, name=name, at=at)

    def accept(self, events: Sequence[Event], *, intake: int, at: datetime) -> list[Verdict]:
        """Store events as received."""
        return door.accept(self._database, events, intake=intake, at=at)

    def close_intake(self, intake: int, *, at: datetime) -> None:
        """Say that an intake has been read to its end."""
        door.close_intake(self._database, intake, at=at)

    def backlog(self, *, limit: int) -> list[OrderKey]:
        """Return orders that have something to be taken in."""
        return door.backlog(self._database, limit=limit)

    def failed(self, order: OrderKey, *, error: str, at: datetime) -> bool:  # noqa: ARG002  # the port's signature
        """Count a failed taking-in."""
        return door.failed(self._database, order, error=error)

    @contextmanager
    def begin(self) -> Iterator[SqlUnit]:
        """Open a write transaction."""
        with self._database.write() as connection:
            yield SqlUnit(connection)

    def inbox_counts(self) -> InboxCounts:
        """Return how many events stand in each state."""
        return door.counts(self._database)

    def events_of(self, orders: Sequence[OrderKey]) -> dict[OrderKey, list[Event]]:
        """Return the events of several orders."""
        with self._database.read() as connection:
            return events_of(connection, orders)

    def messages_of(self, order: OrderKey) -> list[PlannedMessage]:
        """Return every outbox row of the order."""
        with self._database.read() as connection:
            return messages_of(connection, order)

    def record_of(self, order: OrderKey) -> list[Entry]:
        """Return the order's record."""
        mine = (
            select(record)
            .where(record.c.shop == order.shop, record.c.order_number == order.number)
            .order_by(record.c.id)
        )
        with self._database.read() as connection:
            return [entry_of(row) for row in connection.execute(mine).mappings()]

    def find_orders(self, *, shop: str | None = None) -> Iterator[OrderKey]:
        """Stream the names of all orders."""
        last = ("", "")
        while True:
            page = select(orders.c.shop, orders.c.number).order_by(orders.c.shop, orders.c.number).limit(PAGE)
            page = page.where((orders.c.shop > last[0]) | ((orders.c.shop == last[0]) & (orders.c.number > last[1])))
            if shop is not None:
                page = page.where(orders.c.shop == shop)
            with self._database.read() as connection:
                rows = connection.execute(page).all()
            for found, number in rows:
                yield OrderKey(shop=found, number=number)
            if len(rows) < PAGE:
                return
            last = (rows[-1][0], rows[-1][1])

    def outbox(self, *, states: Sequence[State] = (), shop: str | None = None) -> Iterator[PlannedMessage]:
        """Stream outbox rows by due_at, then id."""
        rows: list[PlannedMessage] = []
        while True:
            page = select(outbox).order_by(outbox.c.due_at, outbox.c.id).limit(PAGE)
            if rows:
                last = rows[-1]
                page = page.where(
                    (outbox.c.due_at > last.due_at) | ((outbox.c.due_at == last.due_at) & (outbox.c.id > last.id))
                )
            if shop is not None:
                page = page.where(outbox.c.shop == shop)
            with self._database.read() as connection:
                if states:
                    page = page.where(among(connection, outbox.c.state, [str(state) for state in states]))
                rows = [message_of(row) for row in connection.execute(page).mappings()]
            yield from rows
            if len(rows) < PAGE:
                return

    def frozen(self, message_id: int) -> Frozen | None:
        """Return what was frozen for a message."""
        return claims.frozen(self._database, message_id)

    def claim(self, *, owner: str, now: datetime, lease_until: datetime, limit: int) -> list[PlannedMessage]:
        """Take what is due."""
        return claims.claim(self._database, owner=owner, now=now, lease_until=lease_until, limit=limit)

    def settle(self, settlements: Sequence[Settlement]) -> set[int]:
        """End claims without sending."""
        return claims.settle(self._database, settlements)

    def commit(self, commitments: Sequence[Commitment]) -> set[int]:
        """The commit point."""
        return claims.commit(self._database, commitments)

    def record(self, results: Sequence[Result]) -> set[int]:
        """Write attempts and what follows."""
        return claims.record_results(self._database, results)

    def heartbeat(self, *, owner: str, lease_until: datetime) -> int:
        """Extend all leases of an owner."""
        return leases.heartbeat(self._database, owner=owner, lease_until=lease_until)

    def rescue(self, *, now: datetime) -> tuple[int, int]:
        """Free what dead workers left."""
        return leases.rescue(self._database, now=now)

    def unresolved(self) -> list[PlannedMessage]:
        """Return uncertain rows without a decision."""
        return leases.unresolved(self._database)

    def postpone(self, *, key: Key, resend_at: datetime | None, because: str) -> None:
        """Give an uncertain row its second chance, or leave it to staff."""
        leases.postpone(self._database, key=key, resend_at=resend_at, because=because)

    def pulse(self, *, now: datetime) -> Pulse:
        """Return whether anything is going on."""
        return leases.pulse(self._database, now=now)

    def secret(self, name: str) -> bytes:
        """Return the named secret of this installation, made on first use."""
        kept = select(secrets.c.value).where(secrets.c.name == name)
        with self._database.read() as connection:
            found: bytes | None = connection.execute(kept).scalar()
        if found is None:
            with self._database.write() as connection:
                made = upsert(connection, secrets).values(name=name, value=random.token_bytes(32))
                connection.execute(made.on_conflict_do_nothing())
                found = connection.execute(kept).scalar_one()
        return bytes(found)

    def close(self) -> None:
        """Release connections."""
        self._database.close()


def open_store(url: str) -> SqlStore:
    """Return the store behind a database URL; SQLite's folder is made, tables are not (``migrate`` does that).

    Args:
        url: ``sqlite:///data/messenger.db`` or ``postgresql+psycopg://user@host/name``.

    Raises:
        StorageError: the database cannot be reached, is empty, older or newer than this version, or not messenger's.
    """
    database = Database(connect(url))
    try:
        schema.check(database)
    except BaseException:
        database.close()
        raise
    return SqlStore(database)


def create(url: str) -> SqlStore:
    """Return the store behind a database URL, after bringing it to this version's tables.

    Raises:
        StorageError: as ``migrate`` and ``open_store`` do.
    """
    schema.migrate(url)
    return open_store(url)
