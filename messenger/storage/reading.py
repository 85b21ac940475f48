"""Looking things up: streams in bounded memory, one row, one count."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, and_, func, or_, select, true

from messenger.domain.messages import PlannedMessage, State
from messenger.ports import Entry, OrderKey
from messenger.storage import archived
from messenger.storage.engine import Database
from messenger.storage.outbox_table import aside, left, outbox
from messenger.storage.rows import entry_of, message_of
from messenger.storage.sql import among
from messenger.storage.tables import orders, record

PAGE: Final = 500
"""Rows that a stream keeps in memory."""


def record_of(database: Database, order: OrderKey) -> list[Entry]:
    """Return an order's record, oldest first."""
    mine = and_(record.c.shop == order.shop, record.c.order_number == order.number)
    with database.read_at_once() as connection:
        newer = connection.execute(select(record).where(mine).order_by(record.c.id)).mappings().all()
        return [*archived.record_of(connection, order), *map(entry_of, newer)]


def find_orders(database: Database, *, shop: str | None) -> Iterator[OrderKey]:
    """Yield the names of all orders, by shop and number."""
    last = ("", "")
    while True:
        page = select(orders.c.shop, orders.c.number).order_by(orders.c.shop, orders.c.number).limit(PAGE)
        page = page.where((orders.c.shop > last[0]) | ((orders.c.shop == last[0]) & (orders.c.number > last[1])))
        if shop is not None:
            page = page.where(orders.c.shop == shop)
        with database.read() as connection:
            rows = connection.execute(page).all()
        for found, number in rows:
            yield OrderKey(shop=found, number=number)
        if len(rows) < PAGE:
            return
        last = (rows[-1][0], rows[-1][1])


def stream(database: Database, *, states: Sequence[State], shop: str | None) -> Iterator[PlannedMessage]:
    """Yield outbox rows in these states (none named: in any), by due time."""
    with database.read() as connection:
        wanted = among(connection, outbox.c.state, [str(state) for state in states]) if states else true()
    return _by_due(database, and_(wanted, _of_shop(shop)))


def waiting_for_approval(database: Database, *, intake: int | None, shop: str | None) -> Iterator[PlannedMessage]:
    """Yield rows that wait for approval, by due time."""
    of_intake = true() if intake is None else outbox.c.intake == intake
    return _by_due(database, and_(aside, outbox.c.state == "waiting_approval", of_intake, _of_shop(shop)))


def _of_shop(shop: str | None) -> ColumnElement[bool]:
    return true() if shop is None else outbox.c.shop == shop


def _by_due(database: Database, condition: ColumnElement[bool]) -> Iterator[PlannedMessage]:
    page = select(outbox).where(condition).order_by(outbox.c.due_at, outbox.c.id).limit(PAGE)
    after = page
    while True:
        with database.read() as connection:
            rows = [message_of(row) for row in connection.execute(after).mappings()]
        yield from rows
        if len(rows) < PAGE:
            return
        last = rows[-1]
        later = and_(outbox.c.due_at == last.due_at, outbox.c.id > last.id)
        after = page.where(or_(outbox.c.due_at > last.due_at, later))


def message(database: Database, id_: int) -> PlannedMessage | None:
    """Return one outbox row."""
    with database.read_at_once() as connection:
        row = connection.execute(select(outbox).where(outbox.c.id == id_)).mappings().first()
        return message_of(row) if row else archived.message(connection, id_)


def sent_since(database: Database, since: datetime) -> int:
    """Return how many messages left since then; what was carried left with its carrier and counts once."""
    with database.read() as connection:
        return connection.execute(
            select(func.count()).select_from(outbox).where(left, outbox.c.sent_at >= since)
        ).scalar_one()
