"""Pauses, outages and ticks: what people stop, when anybody was last at work, and who does what must be done once."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Row,
    and_,
    delete,
    func,
    insert,
    literal,
    select,
    true,
    update,
)

from messenger.domain.breakers import queue_of
from messenger.domain.messages import Key, Reason
from messenger.ports import Entry, Pause
from messenger.storage import set_back
from messenger.storage.accounts import open_accounts
from messenger.storage.columns import microseconds
from messenger.storage.due import running
from messenger.storage.engine import Database
from messenger.storage.news import tell
from messenger.storage.outbox_table import aside, claimable, for_an_account, outbox
from messenger.storage.rows import entry_values
from messenger.storage.sql import upsert
from messenger.storage.tables import alive, pauses, record, ticks

_WORKER = "worker"


def pause(database: Database, shop: str, *, at: datetime, by: str) -> bool:
    """Stop a shop or everything; returns whether it was running."""
    with database.write() as connection:
        stopped = upsert(connection, pauses).values(shop=shop, since=at, paused_by=by).on_conflict_do_nothing()
        return connection.execute(stopped.returning(pauses.c.shop)).first() is not None


def resume(database: Database, shop: str) -> Pause | None:
    """Let a shop or everything go on; returns the pause that has ended."""
    with database.write() as connection:
        ended = connection.execute(delete(pauses).where(pauses.c.shop == shop).returning(pauses)).first()
        if ended is not None:
            tell(connection)
    return None if ended is None else Pause(shop=ended.shop, since=ended.since, by=ended.paused_by)


def paused(database: Database) -> list[Pause]:
    """Return what is stopped."""
    with database.read() as connection:
        rows = connection.execute(select(pauses).order_by(pauses.c.shop))
        return [Pause(shop=row.shop, since=row.since, by=row.paused_by) for row in rows]


def say_alive(database: Database, *, now: datetime) -> None:
    """Say that a worker is at work; notices a clock that was set back since it was said last."""
    with database.write() as connection:
        before = select(alive.c.at).where(alive.c.name == _WORKER)
        seen = connection.execute(before if database.is_sqlite else before.with_for_update()).scalar()
        if seen is not None:
            set_back.follow(connection, seen=seen, now=now)
        said = upsert(connection, alive).values(name=_WORKER, at=now)
        connection.execute(said.on_conflict_do_update(index_elements=["name"], set_={"at": said.excluded.at}))


def last_alive(database: Database) -> datetime | None:
    """Return when a worker last said that it was at work."""
    with database.read() as connection:
        at: datetime | None = connection.execute(select(alive.c.at).where(alive.c.name == _WORKER)).scalar()
    return at


def buys_tick(database: Database, name: str, slot: str) -> bool:
    """Return whether this caller is the first that asks for this slot."""
    with database.read() as connection:
        taken = select(ticks.c.slot).where(ticks.c.name == name, ticks.c.slot == slot)
        if connection.execute(taken).first() is not None:
            return False
    with database.write() as connection:
        bought = upsert(connection, ticks).values(name=name, slot=slot).on_conflict_do_nothing()
        return connection.execute(bought.returning(ticks.c.slot)).first() is not None


def wake(database: Database, *, shop: str, hold: str, now: datetime) -> int:
    """Let a shop's rows that a hold keeps be looked at now; returns how many."""
    kept = and_(outbox.c.state == "held", outbox.c.shop == shop, outbox.c.due_at > now)
    by_it = func.substr(outbox.c.because, 1, len(hold)) == hold
    woken = update(outbox).where(aside, kept, by_it).values(due_at=now)

    def let_go(connection: Connection) -> int:
        number = connection.execute(woken).rowcount
        if number:
            tell(connection)
        return number

    return database.transact(let_go)


def spread(database: Database, *, now: datetime, over: timedelta, shop: str | None, transport: str) -> int:
    """Spread what is due evenly over a span; see ``ports.Store.spread``."""

    def move(connection: Connection) -> int:
        of_shops = running(connection) if shop is None else outbox.c.shop == shop
        if of_shops is None:
            return 0
        planned = and_(claimable, outbox.c.state == "planned", ~outbox.c.urgent, outbox.c.due_at <= now)
        ripe = and_(planned, of_shops, _of_lines(connection, transport))
        before = func.row_number().over(order_by=(outbox.c.due_at, outbox.c.id)) - 1
        span, start = (literal(one, BigInteger) for one in (over // timedelta(microseconds=1), microseconds(now)))
        place = (start + span * before // func.count().over()).label("at")
        places = select(outbox.c.id, place).where(ripe).subquery("places")
        fits = and_(outbox.c.id == places.c.id, outbox.c.state == "planned", places.c.at < outbox.c.expires_at)
        moved = {"due_at": places.c.at, "not_before": places.c.at, "reason": str(Reason.OUTAGE)}
        names = ("shop", "order_number", "rule", "scope", "step", "template", "due_at")
        rows = connection.execute(
            update(outbox).where(fits).values(moved).returning(*(outbox.c[name] for name in names))
        ).all()
        if rows:
            connection.execute(insert(record), [_moved(row, now) for row in rows])
        return len(rows)

    return database.transact(move)


def _of_lines(connection: Connection, transport: str) -> ColumnElement[bool]:
    """What waits for this account; without one, all but what waits for an account in trouble."""
    if transport:
        return and_(for_an_account, outbox.c.queue == queue_of(transport))
    shut = [queue_of(one) for one in open_accounts(connection)]
    return outbox.c.queue.not_in(shut) if shut else true()


def _moved(row: Row[Any], at: datetime) -> dict[str, Any]:  # Any: column values
    detail = {"due": row.due_at.isoformat(), "template": row.template}
    key = Key(row.shop, row.rule, row.scope, row.step)
    moved = Entry(
        shop=row.shop, order=row.order_number, at=at, what="moved", key=key, reason=str(Reason.OUTAGE), detail=detail
    )
    return entry_values(moved)
