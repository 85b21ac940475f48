"""Who waits in which line: what a claim looks at before it takes anything. Each look costs the same however many wait."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Final

import orjson
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    FromClause,
    Select,
    Text,
    and_,
    bindparam,
    func,
    literal_column,
    or_,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY

from messenger.domain.breakers import queue_of
from messenger.domain.messages import State
from messenger.domain.retry import SUSPECT
from messenger.domain.sharing import Lane
from messenger.storage.accounts import open_accounts
from messenger.storage.columns import Instant
from messenger.storage.due import by_time
from messenger.storage.outbox_table import claimable, for_an_account, outbox, stated
from messenger.storage.sql import is_sqlite

NEW: Final = ""
RETRY: Final = "retry"
suspect: Final = and_(outbox.c.attempts >= SUSPECT, outbox.c.reply.is_(None))
"""Perhaps its workers died of it."""
was_suspect: Final = and_(stated({State.CLAIMED}), outbox.c.attempts > SUSPECT, outbox.c.reply.is_(None))
"""The same of one that is in hand and not on the wire yet: its claim has counted."""


@dataclass(frozen=True, slots=True)
class Doors:
    """Which lines may be served now.

    Args:
        open: their queues; that of an account in trouble is not among them.
        shut: queues of accounts in trouble for which something waits.
        probes: of those, accounts that may be probed now.
    """

    open: tuple[str, ...]
    shut: tuple[str, ...]
    probes: tuple[str, ...]


def doors(connection: Connection, now: datetime) -> Doors:
    """Return which lines may be served now."""
    shut = open_accounts(connection)
    names = {queue_of(one) for one in shut}
    there = connection.execute(_of_accounts()).scalars().all()
    return Doors(
        open=(NEW, RETRY, *(one for one in there if one not in names)),
        shut=tuple(one for one in there if one in names),
        probes=tuple(one for one, breaker in shut.items() if queue_of(one) in there and breaker.may_be_probed(now)),
    )


@cache
def _of_accounts() -> Select[str]:
    """The queues of accounts for which anything waits, found by one step of the index each."""
    waits = and_(claimable, for_an_account)
    each = select(func.min(outbox.c.queue).label("queue")).where(waits).cte("each_queue", recursive=True)
    later = select(func.min(outbox.c.queue)).where(waits, outbox.c.queue > each.c.queue).scalar_subquery()
    each = each.union_all(select(later).where(each.c.queue.is_not(None)))
    return select(each.c.queue).where(each.c.queue.is_not(None))


def due_by_lane(
    connection: Connection, queues: tuple[str, ...], now: datetime, *, suspects: bool = False
) -> list[Lane]:
    """Return those of these lines, of each shop, in which anything is due.

    Args:
        connection: to read with.
        queues: which lines.
        now: aware, UTC.
        suspects: look for those whose workers perhaps died of them, instead of all others.
    """
    on_sqlite = is_sqlite(connection)
    statement = _lanes(on_sqlite=on_sqlite, suspects=suspects)
    rows = connection.execute(statement, _given(queues, now, 1, on_sqlite=on_sqlite))
    return [Lane(row.shop, row.queue) for row in rows if row.number]


def urgent_by_queue(connection: Connection, queues: tuple[str, ...], now: datetime, limit: int) -> dict[str, int]:
    """Return how many urgent messages are due in each of these lines of all shops, counted up to a limit."""
    on_sqlite = is_sqlite(connection)
    rows = connection.execute(_urgent(on_sqlite=on_sqlite), _given(queues, now, limit, on_sqlite=on_sqlite))
    return {row.queue: row.number for row in rows if row.number}


def expired_behind(shut: tuple[str, ...], now: datetime) -> ColumnElement[bool]:
    """Return the condition that a row has expired while it waited for an account in trouble."""
    return and_(claimable, for_an_account, outbox.c.queue.in_(shut), outbox.c.expires_at <= now, outbox.c.due_at <= now)


def _given(queues: tuple[str, ...], now: datetime, limit: int, *, on_sqlite: bool) -> dict[str, object]:
    return {"queues": orjson.dumps(queues).decode() if on_sqlite else list(queues), "now": now, "most": limit}


@cache
def _lanes(*, on_sqlite: bool, suspects: bool) -> Select[Any]:
    """Shops are found by one step of the index each, their lines by name."""
    each = select(func.min(outbox.c.shop).label("shop")).where(claimable).cte("each_shop", recursive=True)
    later = select(func.min(outbox.c.shop)).where(claimable, outbox.c.shop > each.c.shop).scalar_subquery()
    each = each.union_all(select(later).where(each.c.shop.is_not(None)))
    line = _lines(on_sqlite=on_sqlite)
    whose = suspect if suspects else ~suspect
    mine = and_(_ripe(), outbox.c.shop == each.c.shop, outbox.c.queue == line.c.value, whose)
    number = _counted(mine, each, line)
    both = select(each.c.shop, line.c.value.label("queue"), number).select_from(each.join(line, true()))
    return both.where(each.c.shop.is_not(None))


@cache
def _urgent(*, on_sqlite: bool) -> Select[Any]:
    line = _lines(on_sqlite=on_sqlite)
    return select(
        line.c.value.label("queue"),
        _counted(and_(outbox.c.urgent, _ripe(), outbox.c.queue == line.c.value, ~suspect), line),
    )


def _ripe() -> ColumnElement[bool]:
    now = bindparam("now", type_=Instant())
    return and_(claimable, outbox.c.due_at <= now, or_(by_time, outbox.c.expires_at <= now))


def _counted(condition: ColumnElement[bool], *around: FromClause) -> ColumnElement[int]:
    most = bindparam("most", type_=BigInteger())
    one: ColumnElement[int] = literal_column("1")
    found = select(one.label("one")).where(condition).select_from(outbox).correlate(*around)
    # in the index's order: PostgreSQL would else walk the whole table where it expects to come upon so many soon
    found = found.order_by(outbox.c.due_at).limit(most)
    return select(func.count()).select_from(found.subquery()).correlate(*around).scalar_subquery().label("number")


def _lines(*, on_sqlite: bool) -> FromClause:
    if on_sqlite:
        return func.json_each(bindparam("queues", type_=Text())).table_valued("value", name="line")
    return func.unnest(bindparam("queues", type_=ARRAY(Text()))).table_valued("value", name="line").render_derived()
