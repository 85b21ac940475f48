"""Pollers: whose turn it is, and where it goes on."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Update, and_, case, delete, literal, or_, select, update

from messenger.ports.polling import PollState, Turn
from messenger.ports.values import OrderKey
from messenger.storage.columns import Instant
from messenger.storage.engine import Database
from messenger.storage.polling_tables import poll_hints, polls
from messenger.storage.sql import among, upsert
from messenger.storage.tables import here, orders, sources

MOST_HINTS: Final = 500
"""Of one turn; the others wait for the next."""
LONGEST_PROBLEM: Final = 500


class SqlPolls:
    """The part of the store that knows pollers; see ``ports.polling.Polls``."""

    _database: Database

    def polls(self) -> dict[str, PollState]:
        """Return how every poller stands, by its name."""
        told = (polls.c.name, polls.c.next_at, polls.c.polled_at, polls.c.failures, polls.c.problem)
        with self._database.read() as connection:
            found = connection.execute(select(*told).order_by(polls.c.name)).mappings()
            return {row["name"]: PollState(**row) for row in found}

    def take_poll(
        self, name: str, *, owner: str, now: datetime, until: datetime, is_asked: bool = False
    ) -> Turn | None:
        """Give one process the turn; one that was cut short in it may have it again."""
        is_free = or_(polls.c.until.is_(None), polls.c.until <= now, polls.c.owner == owner)
        is_time = or_(polls.c.next_at.is_(None), polls.c.next_at <= now)
        mine = and_(polls.c.name == name, is_free) if is_asked else and_(polls.c.name == name, is_free, is_time)

        def take(connection: Connection) -> Turn | None:
            _make(connection, name)
            taken = update(polls).where(mine).values(owner=owner, until=until).returning(polls.c.cursor)
            row = connection.execute(taken).first()
            return None if row is None else Turn(cursor=row[0], hints=_hints(connection, name))

        return self._database.transact(take)

    def move_poll(self, name: str, *, owner: str, cursor: str, hints: Collection[str] = ()) -> bool:
        """Go on from here the next time."""

        def move(connection: Connection) -> bool:
            if not connection.execute(_held_by(name, owner).values(cursor=cursor)).rowcount:
                return False
            if hints:
                done = and_(poll_hints.c.name == name, among(connection, poll_hints.c.ref, list(hints)))
                connection.execute(delete(poll_hints).where(done))
            return True

        return self._database.transact(move)

    def end_poll(self, name: str, *, owner: str, at: datetime, next_at: datetime) -> bool:
        """Say that a turn went well; what it was asked to read meanwhile makes the next one due at once."""
        more = select(poll_hints.c.ref).where(poll_hints.c.name == name).exists()
        due = case((more, literal(at, Instant)), else_=literal(next_at, Instant))
        return self._leave(name, owner, {"polled_at": at, "next_at": due, "failures": 0, "problem": ""})

    def fail_poll(self, name: str, *, owner: str, again_at: datetime, problem: str) -> bool:
        """Say that a turn went wrong."""
        said = {"next_at": again_at, "failures": polls.c.failures + 1, "problem": problem[:LONGEST_PROBLEM]}
        return self._leave(name, owner, said)

    def poll_again(self, name: str, refs: Collection[str], *, at: datetime) -> None:
        """Ask a source to read these again."""
        if not refs:
            return
        rows = [{"name": name, "ref": ref, "at": at} for ref in sorted(set(refs))]
        waits = and_(polls.c.name == name, polls.c.failures == 0, polls.c.next_at > at)

        def ask(connection: Connection) -> None:
            connection.execute(upsert(connection, poll_hints).on_conflict_do_nothing(), rows)
            connection.execute(update(polls).where(waits).values(next_at=at))

        self._database.transact(ask)

    def wake_poll(self, name: str, *, at: datetime) -> None:
        """Let a source have its turn at once."""
        waits = update(polls).where(polls.c.name == name, polls.c.next_at > at)
        self._database.transact(lambda connection: connection.execute(waits.values(next_at=at, failures=0)))

    def orders_in(self, shop: str, statuses: Collection[str], *, after: str, limit: int) -> list[OrderKey]:
        """Return orders of a shop that stand so, by number, behind this one."""
        with self._database.read() as connection:
            mine = and_(
                orders.c.shop == shop, orders.c.number > after, among(connection, orders.c.status, list(statuses)), here
            )
            found = select(orders.c.number).where(mine).order_by(orders.c.number).limit(limit)
            return [OrderKey(shop=shop, number=number) for number in connection.execute(found).scalars()]

    def hear(self, source: str, *, at: datetime) -> None:
        """Say that a source was heard from."""

        def note(connection: Connection) -> None:
            told = upsert(connection, sources).values(name=source, heard_at=at)
            later = told.excluded.heard_at > sources.c.heard_at
            values = {"heard_at": told.excluded.heard_at}
            connection.execute(told.on_conflict_do_update(index_elements=["name"], set_=values, where=later))

        self._database.transact(note)

    def _leave(self, name: str, owner: str, said: dict[str, Any]) -> bool:  # Any: column values
        def leave(connection: Connection) -> bool:
            return connection.execute(_held_by(name, owner).values(owner="", until=None, **said)).rowcount > 0

        return self._database.transact(leave)


def _make(connection: Connection, name: str) -> None:
    fresh = {"name": name, "cursor": "", "failures": 0, "problem": "", "owner": ""}
    connection.execute(upsert(connection, polls).values(fresh).on_conflict_do_nothing())


def _hints(connection: Connection, name: str) -> tuple[str, ...]:
    asked = select(poll_hints.c.ref).where(poll_hints.c.name == name).order_by(poll_hints.c.at, poll_hints.c.ref)
    return tuple(connection.execute(asked.limit(MOST_HINTS)).scalars())


def _held_by(name: str, owner: str) -> Update:
    return update(polls).where(polls.c.name == name, polls.c.owner == owner)
