"""Figures over many messages at once, from indexes alone where that is possible."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import BigInteger, func, literal, select, type_coerce

from messenger.storage.columns import EPOCH
from messenger.storage.engine import Database
from messenger.storage.outbox_table import left, outbox
from messenger.storage.sql import among

DAY: Final = timedelta(days=1) // timedelta(microseconds=1)


class SqlOverview:
    """The part of the store that counts; see ``ports.overview.Overview``."""

    _database: Database

    def left_by_day(self, *, since: datetime, shops: Collection[str]) -> dict[tuple[str, date], int]:
        """Return how many messages left, by shop and day."""
        number = type_coerce(outbox.c.sent_at, BigInteger).op("/")(literal(DAY, BigInteger)).label("number")
        counted = select(outbox.c.shop, number, func.count()).where(left, outbox.c.sent_at >= since)
        with self._database.read() as connection:
            mine = counted.where(among(connection, outbox.c.shop, sorted(shops))).group_by(outbox.c.shop, number)
            found = connection.execute(mine).all()
        return {(shop, EPOCH.date() + timedelta(days=int(day))): count for shop, day, count in found}
