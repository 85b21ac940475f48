"""The valve: what one intake would set off at once waits for a person when it is too much."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, Connection, and_, false, func, insert, select, true, update

from messenger.domain.messages import Reason, State
from messenger.storage.engine import Database
from messenger.storage.intake import blocked
from messenger.storage.news import tell
from messenger.storage.outbox_table import ASIDE, gated, outbox
from messenger.storage.rows import entry_values, message_of, told
from messenger.storage.sql import among, is_sqlite
from messenger.storage.tables import inbox, intakes, received, record

SOON: Final = timedelta(hours=24)
"""Messages that leave within this time of their intake count for its valve."""
AT_ONCE: Final = 100
"""Rows that one transaction lets go or holds back, where it may take several."""


def judge(connection: Connection, intake: int, *, limit: int, now: datetime) -> int:
    """Open or close the valve for an intake and let its rows go; see ``ports.Unit.judge``."""
    is_closed = _decide(connection, intake, limit=limit, now=now)
    return _carry_out(connection, intake, and_(gated, outbox.c.intake == intake), now, is_closed=is_closed)


def judge_in_parts(database: Database, intake: int, *, limit: int, now: datetime) -> int:
    """Judge an intake in short transactions; see ``ports.Store.judge``."""
    is_closed = database.transact(lambda connection: _decide(connection, intake, limit=limit, now=now))

    def next_part(connection: Connection) -> tuple[int, int]:
        _lock(connection, intake)
        first = select(outbox.c.id).where(gated, outbox.c.intake == intake).order_by(outbox.c.id).limit(AT_ONCE)
        ids = connection.execute(first).scalars().all()
        part = among(connection, outbox.c.id, ids)
        return len(ids), _carry_out(connection, intake, part, now, is_closed=is_closed) if ids else 0

    held = 0
    while True:
        dealt_with, held_back = database.transact(next_part)
        held += held_back
        if dealt_with < AT_ONCE:
            return held


def _decide(connection: Connection, intake: int, *, limit: int, now: datetime) -> bool:
    """Whether the valve is closed.

    The intake remembers how many it has let go and whether it was closed, so that one that is judged in parts (a stream, an
    order that could be taken in only later, a very large file) is judged as a whole.
    """
    let_go, was_closed = _lock(connection, intake)
    if was_closed:
        return True
    soon = and_(gated, outbox.c.intake == intake, _leaves_soon(now))
    closes = let_go + connection.execute(select(func.count()).select_from(outbox).where(soon)).scalar_one() > limit
    if closes:
        connection.execute(update(intakes).where(intakes.c.id == intake).values(held_back=true()))
    return closes


def _lock(connection: Connection, intake: int) -> tuple[int, bool]:
    """What the intake remembers; nobody else judges it until the transaction ends."""
    remembered = select(intakes.c.let_go, intakes.c.held_back).where(intakes.c.id == intake)
    if not is_sqlite(connection):
        remembered = remembered.with_for_update()
    found = connection.execute(remembered).one_or_none()
    return (found.let_go, found.held_back) if found else (0, False)


def _leaves_soon(now: datetime) -> ColumnElement[bool]:
    return and_(outbox.c.state == "planned", outbox.c.due_at < now + SOON)


def _is_due(now: datetime) -> ColumnElement[bool]:
    return and_(outbox.c.state.in_(["planned", *sorted(ASIDE)]), outbox.c.due_at <= now)


def _carry_out(
    connection: Connection, intake: int, rows: ColumnElement[bool], now: datetime, *, is_closed: bool
) -> int:
    """Let these rows of the intake go, but for what a closed valve holds back; returns how many that are."""
    held = _hold_back(connection, and_(rows, _leaves_soon(now)), intake, now) if is_closed else 0
    opened = update(outbox).where(rows).values(gated=false()).returning(_leaves_soon(now), _is_due(now))
    found = connection.execute(opened).all()
    let_go = sum(bool(leaves) for leaves, _ in found)
    if any(due for _, due in found):
        tell(connection)
    if let_go:
        more = {"let_go": intakes.c.let_go + let_go}
        connection.execute(update(intakes).where(intakes.c.id == intake).values(more))
    return held


def _hold_back(connection: Connection, condition: ColumnElement[bool], intake: int, now: datetime) -> int:
    values = {
        "gated": false(), "state": str(State.WAITING_APPROVAL), "reason": str(Reason.APPROVAL), "because": f"valve {intake}",
        "due_at": outbox.c.expires_at,
    }  # fmt: skip
    closed = update(outbox).where(condition).values(values).returning(outbox)
    rows = [message_of(row) for row in connection.execute(closed).mappings()]
    if rows:
        connection.execute(insert(record), [entry_values(told(row, now)) for row in rows])
    return len(rows)


def waiting_for_judgement(database: Database) -> list[int]:
    """Return intakes that were read to their end and taken in, and have gated rows; see ``ports.Store.gated``.

    What an order that was given up still has to take in keeps nobody waiting.
    """
    each = select(func.min(outbox.c.intake).label("intake")).where(gated).cte("each_intake", recursive=True)
    later = select(func.min(outbox.c.intake)).where(gated, outbox.c.intake > each.c.intake).scalar_subquery()
    each = each.union_all(select(later).where(each.c.intake.is_not(None)))
    is_open = select(intakes.c.id).where(intakes.c.id == each.c.intake, intakes.c.closed_at.is_(None)).exists()
    still_to_come = and_(received, inbox.c.intake == each.c.intake, ~blocked(inbox.c.shop, inbox.c.order_number))
    left = select(inbox.c.id).where(still_to_come).exists()
    with database.read() as connection:
        found = select(each.c.intake).where(each.c.intake.is_not(None), ~is_open, ~left).order_by(each.c.intake)
        return list(connection.execute(found).scalars())
