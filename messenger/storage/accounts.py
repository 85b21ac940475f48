"""Accounts: breakers and allowances, each changed by one short transaction that nobody else's can cross."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import Connection, RowMapping, Select, Table, func, or_, select, text, update

from messenger.domain.breakers import PREFIX, Breaker, Phase, queue_of
from messenger.domain.pacing import CALMS_DOWN, SLOWEST, Allowance
from messenger.storage.account_tables import CLOSED, allowances, breakers
from messenger.storage.due import due, running
from messenger.storage.engine import Database
from messenger.storage.outbox_table import claimable, for_an_account, outbox
from messenger.storage.sql import is_sqlite, upsert

Answer = TypeVar("Answer")


class SqlAccounts:
    """The part of the store that knows accounts; see ``ports.Accounts``."""

    _database: Database

    def breakers(self) -> dict[str, Breaker]:
        """Return the breakers of all accounts that ever were in trouble."""
        with self._database.read() as connection:
            return all_breakers(connection)

    def turn_breaker(self, transport: str, step: Callable[[Breaker], Breaker]) -> tuple[Breaker, Breaker]:
        """Return a breaker before and after a step."""
        return self._database.transact(lambda connection: turn(connection, transport, step))

    def turn_allowance(self, name: str, step: Callable[[Allowance], tuple[Allowance, Answer]]) -> Answer:
        """Return what a step answers about an allowance."""

        def work(connection: Connection) -> Answer:
            _make(connection, allowances, {"name": name, "slowness": 0})
            row = connection.execute(_held(connection, allowances, name)).mappings().one()
            was = Allowance(**row)
            now, answer = step(was)
            if now != was:
                values = {"free_at": now.free_at, "slowness": now.slowness, "slowed_at": now.slowed_at}
                connection.execute(update(allowances).where(allowances.c.name == name).values(values))
            return answer

        return self._database.transact(work)

    def allowances(self, *, now: datetime) -> dict[str, Allowance]:
        """Return what has been used up, or asked for less, and still counts."""
        counts = or_(allowances.c.free_at > now, allowances.c.slowed_at > now - SLOWEST * CALMS_DOWN)
        with self._database.read() as connection:
            rows = connection.execute(select(allowances).where(counts)).mappings()
            return {row["name"]: Allowance(**row) for row in rows}

    def waiting_for_accounts(self, *, now: datetime) -> dict[str, int]:
        """Return how many messages that are due wait for each account."""
        with self._database.read() as connection:
            of_shops = running(connection)
            if of_shops is None:
                return {}
            waiting = select(outbox.c.queue, func.count()).where(for_an_account, due(now), of_shops)
            return {
                queue.removeprefix(PREFIX): number
                for queue, number in connection.execute(waiting.group_by(outbox.c.queue))
            }

    def look_again(self, *, transport: str = "") -> int:
        """Let what waits for an account be looked at anew."""
        mine = outbox.c.queue == queue_of(transport) if transport else for_an_account
        again = update(outbox).where(claimable, for_an_account, mine).values(queue="")
        return self._database.transact(lambda connection: connection.execute(again).rowcount)

    def skew(self) -> float:
        """Return by how many seconds this machine's clock is behind the database's."""
        if self._database.is_sqlite:
            return 0.0
        with self._database.read() as connection:
            before = time.time()
            theirs = float(connection.execute(text("SELECT extract(epoch FROM clock_timestamp())")).scalar_one())
            return theirs - (before + time.time()) / 2


def all_breakers(connection: Connection) -> dict[str, Breaker]:
    """Return all breakers there are, by transport."""
    rows = connection.execute(select(breakers).order_by(breakers.c.transport)).mappings()
    return {row["transport"]: _breaker(row) for row in rows}


def turn(connection: Connection, transport: str, step: Callable[[Breaker], Breaker]) -> tuple[Breaker, Breaker]:
    """Return a breaker before and after a step, in a write transaction that holds it to its end."""
    fresh = _values(Breaker(transport=transport))
    _make(connection, breakers, fresh)
    was = _breaker(connection.execute(_held(connection, breakers, transport)).mappings().one())
    now = step(was)
    if now != was:
        connection.execute(update(breakers).where(breakers.c.transport == transport).values(_values(now)))
    return was, now


def keep_probing(connection: Connection, *, owner: str, until: datetime) -> None:
    """Let the probes of this process go on until then."""
    mine = update(breakers).where(breakers.c.phase == "probing", breakers.c.prober == owner)
    connection.execute(mine.values(probe_at=until))


def open_accounts(connection: Connection) -> dict[str, Breaker]:
    """Return the breakers that let nothing through."""
    rows = connection.execute(select(breakers).where(breakers.c.phase != CLOSED)).mappings()
    return {row["transport"]: _breaker(row) for row in rows}


def _make(connection: Connection, table: Table, values: dict[str, Any]) -> None:  # Any: column values
    connection.execute(upsert(connection, table).values(values).on_conflict_do_nothing())


def _held(connection: Connection, table: Table, name: str) -> Select[Any]:  # Any: all columns of the table
    (key,) = table.primary_key.columns
    found = select(table).where(key == name)
    return found if is_sqlite(connection) else found.with_for_update()


def _values(breaker: Breaker) -> dict[str, Any]:  # Any: column values
    return {
        "transport": breaker.transport, "phase": str(breaker.phase), "failures": breaker.failures,
        "pause": breaker.pause // timedelta(microseconds=1), "since": breaker.since, "probe_at": breaker.probe_at,
        "prober": breaker.prober, "stage": breaker.stage, "reply": breaker.reply,
    }  # fmt: skip


def _breaker(row: RowMapping) -> Breaker:
    told = dict(row) | {"phase": Phase(row["phase"]), "pause": timedelta(microseconds=row["pause"])}
    return Breaker(**told)
