"""Figures over many messages at once, from indexes alone where that is possible."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import BigInteger, ColumnElement, func, literal, select, tuple_, type_coerce

from messenger.domain.messages import PlannedMessage, State
from messenger.ports.overview import Place
from messenger.storage.columns import EPOCH, Instant
from messenger.storage.engine import Database
from messenger.storage.outbox_table import ASIDE, aside, claimable, left, outbox, stated, wrong
from messenger.storage.rows import message_of
from messenger.storage.sql import among

_AS_INDEXES_SAY: Final[Mapping[State, ColumnElement[bool]]] = {
    **dict.fromkeys(ASIDE, aside), State.PLANNED: claimable, State.UNCERTAIN: wrong, State.FAILED: wrong,
}  # fmt: skip
"""What an index over few rows is about, in its own words."""
DAY: Final = timedelta(days=1) // timedelta(microseconds=1)


class SqlOverview:
    """The part of the store that counts; see ``ports.overview.Overview``."""

    _database: Database

    def queue_page(
        self, *, state: State, shops: Collection[str], after: Place | None = None, limit: int
    ) -> list[PlannedMessage]:
        """Return a page of what stands so."""
        conditions = [stated({state})]
        if state in _AS_INDEXES_SAY:
            conditions.append(_AS_INDEXES_SAY[state])
        if after is not None:
            conditions.append(tuple_(outbox.c.due_at, outbox.c.id) > tuple_(literal(after.due_at, Instant), after.id))
        with self._database.read() as connection:
            conditions.append(among(connection, outbox.c.shop, sorted(shops)))
            found = select(outbox).where(*conditions).order_by(outbox.c.due_at, outbox.c.id).limit(limit)
            return [message_of(row) for row in connection.execute(found).mappings()]

    def left_by_day(self, *, since: datetime, shops: Collection[str]) -> dict[tuple[str, date], int]:
        """Return how many messages left, by shop and day."""
        number = type_coerce(outbox.c.sent_at, BigInteger).op("/")(literal(DAY, BigInteger)).label("number")
        counted = select(outbox.c.shop, number, func.count()).where(left, outbox.c.sent_at >= since)
        with self._database.read() as connection:
            mine = counted.where(among(connection, outbox.c.shop, sorted(shops))).group_by(outbox.c.shop, number)
            found = connection.execute(mine).all()
        return {(shop, EPOCH.date() + timedelta(days=int(day))): count for shop, day, count in found}
