"""The store: one class that offers ``ports.Store`` over SQLite or PostgreSQL."""

from __future__ import annotations

import secrets as random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TypeVar

from sqlalchemy import select

from messenger.domain.events import Event
from messenger.domain.lanes import Journey, Lane, LaneKey
from messenger.domain.messages import Key, PlannedMessage, State
from messenger.ports import (
    Commitment,
    Edition,
    Entry,
    Frozen,
    InboxCounts,
    OrderKey,
    Pause,
    Pulse,
    Result,
    Settlement,
    Unit,
    Verdict,
)
from messenger.storage import archived, claiming, claims, generations, leases, pausing, reading, schema, travel, valve
from messenger.storage import intake as door
from messenger.storage.accounts import SqlAccounts
from messenger.storage.alerts import SqlAlarms
from messenger.storage.archive import SqlArchive
from messenger.storage.buyers_known import SqlBuyers
from messenger.storage.credentials import SqlVault
from messenger.storage.engine import Database, connect
from messenger.storage.feedback import SqlFeedback
from messenger.storage.news import SqlNews
from messenger.storage.overview import SqlOverview
from messenger.storage.parcels_told import SqlParcels
from messenger.storage.polling import SqlPolls
from messenger.storage.sql import upsert
from messenger.storage.tables import secrets
from messenger.storage.unit import SqlUnit, events_of, messages_of
from messenger.storage.users import SqlUsers

Answer = TypeVar("Answer")


class SqlStore(
    SqlFeedback,
    SqlAccounts,
    SqlAlarms,
    SqlArchive,
    SqlNews,
    SqlPolls,
    SqlVault,
    SqlParcels,
    SqlBuyers,
    SqlUsers,
    SqlOverview,
):
    """Keeps everything; see ``ports.Store`` for what each method promises. May be used from several threads.

    Raises:
        StorageError: by any method: the database cannot be reached or refuses to work.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._unheard: list[claiming.Unheard] = []

    def open_intake(self, *, kind: str, name: str, at: datetime, stands: bool = False) -> int:
        """Begin an intake, or go on with the one that stands."""
        return door.open_intake(self._database, kind=kind, name=name, at=at, stands=stands)

    def accept(self, events: Sequence[Event], *, intake: int, at: datetime) -> list[Verdict]:
        """Store events as received."""
        return door.accept(self._database, events, intake=intake, at=at)

    def close_intake(self, intake: int, *, at: datetime, source: str = "") -> None:
        """Say that an intake has been read to its end, and its source heard from."""
        door.close_intake(self._database, intake, at=at, source=source)

    def heard(self) -> dict[str, datetime]:
        """Return when each configured source was last heard from."""
        return door.heard(self._database)

    def gated(self) -> list[int]:
        """Return intakes that wait to be judged."""
        return valve.waiting_for_judgement(self._database)

    def judge(self, intake: int, *, limit: int, now: datetime) -> int:
        """Open or close the valve for an intake, in short transactions."""
        return valve.judge_in_parts(self._database, intake, limit=limit, now=now)

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

    def together(self, work: Callable[[Unit], Answer]) -> Answer:
        """Return what ``work`` returns inside one write transaction, run again when another one crossed it."""
        return self._database.transact(lambda connection: work(SqlUnit(connection)))

    def inbox_counts(self) -> InboxCounts:
        """Return how many events stand in each state."""
        return door.counts(self._database)

    def events_of(self, orders: Sequence[OrderKey]) -> dict[OrderKey, list[Event]]:
        """Return the events of several orders."""
        with self._database.read() as connection:
            return events_of(connection, orders)

    def messages_of(self, order: OrderKey) -> list[PlannedMessage]:
        """Return every outbox row of the order, wherever it is kept."""
        with self._database.read_at_once() as connection:
            found = [*messages_of(connection, order), *archived.messages_of(connection, order)]
        return sorted(found, key=lambda row: row.id)

    def record_of(self, order: OrderKey) -> list[Entry]:
        """Return the order's record."""
        return reading.record_of(self._database, order)

    def find_orders(self, *, shop: str | None = None) -> Iterator[OrderKey]:
        """Stream the names of all orders."""
        return reading.find_orders(self._database, shop=shop)

    def outbox(self, *, states: Sequence[State] = (), shop: str | None = None) -> Iterator[PlannedMessage]:
        """Stream outbox rows by due_at, then id."""
        return reading.stream(self._database, states=states, shop=shop)

    def frozen(self, message_id: int) -> Frozen | None:
        """Return what was frozen for a message."""
        with self._database.read_at_once() as connection:
            return claims.frozen(connection, message_id) or archived.frozen(connection, message_id)

    def claim(
        self, *, owner: str, now: datetime, lease_until: datetime, limit: int, room: Mapping[str, int] = claiming.NO_BOUND
    ) -> list[PlannedMessage]:  # fmt: skip
        """Take what is due."""
        return claiming.claim(
            self._database, self._unheard, owner=owner, now=now, lease_until=lease_until, limit=limit, room=room
        )

    def settle(self, settlements: Sequence[Settlement]) -> set[int]:
        """End claims without sending, or keep them."""
        return self.together(lambda unit: unit.settle(settlements)) if settlements else set()

    def write_down(self, commitments: Sequence[Commitment], results: Sequence[Result]) -> tuple[set[int], set[int]]:
        """Commit points and results together."""
        return claims.write_down(self._database, commitments, results)

    def commit(self, commitments: Sequence[Commitment]) -> set[int]:
        """The commit point."""
        return self.write_down(commitments, [])[0]

    def record(self, results: Sequence[Result]) -> set[int]:
        """Write attempts and what follows."""
        return self.write_down([], results)[1]

    def heartbeat(self, *, owner: str, lease_until: datetime, now: datetime | None = None) -> int:
        """Extend the leases of an owner."""
        return leases.heartbeat(self._database, owner=owner, lease_until=lease_until, now=now)

    def rescue(self, *, now: datetime) -> tuple[int, int]:
        """Free what dead workers left."""
        return leases.rescue(self._database, now=now)

    def unresolved(self, *, resent: bool = False) -> list[PlannedMessage]:
        """Return uncertain rows without a decision."""
        return leases.unresolved(self._database, resent=resent)

    def postpone(self, *, key: Key, resend_at: datetime | None, because: str) -> None:
        """Give an uncertain row its second chance, or leave it to staff."""
        leases.postpone(self._database, key=key, resend_at=resend_at, because=because)

    def pulse(self, *, now: datetime) -> Pulse:
        """Return whether anything is going on."""
        return leases.pulse(self._database, now=now)

    def find_messages(self, order: OrderKey, *, rule: str | None = None) -> list[PlannedMessage]:
        """Return the outbox rows of an order, only those whose key names this rule."""
        return [row for row in self.messages_of(order) if rule is None or row.key.rule == rule]

    def message(self, id_: int) -> PlannedMessage | None:
        """Return one outbox row."""
        return reading.message(self._database, id_)

    def waiting_for_approval(self, *, intake: int | None = None, shop: str | None = None) -> Iterator[PlannedMessage]:
        """Stream rows that wait for approval, by due time."""
        return reading.waiting_for_approval(self._database, intake=intake, shop=shop)

    def pause(self, shop: str, *, at: datetime, by: str) -> bool:
        """Stop a shop, or everything."""
        return pausing.pause(self._database, shop, at=at, by=by)

    def resume(self, shop: str) -> Pause | None:
        """Let a shop, or everything, go on."""
        return pausing.resume(self._database, shop)

    def pauses(self) -> list[Pause]:
        """Return what is stopped."""
        return pausing.paused(self._database)

    def last_alive(self) -> datetime | None:
        """Return when a worker last said that it was at work."""
        return pausing.last_alive(self._database)

    def alive(self, *, now: datetime) -> None:
        """Say that a worker is at work."""
        pausing.say_alive(self._database, now=now)

    def wake(self, *, shop: str, hold: str, now: datetime) -> int:
        """Let a shop's rows that this hold keeps be looked at now."""
        return pausing.wake(self._database, shop=shop, hold=hold, now=now)

    def sent_since(self, since: datetime) -> int:
        """Return how many messages left since then."""
        return reading.sent_since(self._database, since)

    def spread(self, *, now: datetime, over: timedelta, shop: str | None = None, transport: str = "") -> int:
        """Spread what is due evenly over a span."""
        return pausing.spread(self._database, now=now, over=over, shop=shop, transport=transport)

    def buys_tick(self, name: str, slot: str) -> bool:
        """Return whether this caller is the first that asks for this slot."""
        return pausing.buys_tick(self._database, name, slot)

    def publish(self, edition: Edition) -> int:
        """Keep a generation; returns its number."""
        return generations.publish(self._database, edition)

    def newest_generation(self) -> int:
        """Return the number of the newest generation."""
        return generations.newest(self._database)

    def generation(self, number: int) -> Edition | None:
        """Return a generation with its files."""
        return generations.find(self._database, number)

    def to_replan(self, generation: int, *, now: datetime, limit: int) -> list[OrderKey]:
        """Return orders to be planned anew by this generation."""
        return generations.to_replan(self._database, generation, now=now, limit=limit)

    def journeys(self, *, since: datetime) -> Iterator[Journey]:
        """Stream the parcels that arrived since then, lane by lane."""
        return travel.stream(self._database, since=since)

    def keep_lanes(self, lanes: Sequence[Lane]) -> None:
        """Replace the snapshot of each of these lanes."""
        travel.keep(self._database, lanes)

    def lanes(self) -> dict[LaneKey, Lane]:
        """Return the newest snapshot of every lane."""
        return travel.newest(self._database)

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
        database.check_durable()
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
