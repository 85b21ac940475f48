"""Parcels that events have told of, in the order in which they came."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import and_, func, select

from messenger.ports.parcels import ToldParcel
from messenger.storage.engine import Database
from messenger.storage.tables import inbox


class SqlParcels:
    """The part of the store that knows parcels; see ``ports.parcels.Parcels``."""

    _database: Database

    def parcels_told(self, shop: str, *, after: int, before: datetime, limit: int) -> tuple[list[ToldParcel], int]:
        """Return parcels of a shop that were told of behind a mark, and the next mark."""
        came = and_(inbox.c.id > after, inbox.c.received_at <= before)
        mine = and_(came, inbox.c.shop == shop, inbox.c.number.is_not(None), inbox.c.order_number.is_not(None))
        told = select(inbox.c.id, inbox.c.order_number, inbox.c.number).where(mine).order_by(inbox.c.id).limit(limit)
        with self._database.read() as connection:
            rows = connection.execute(told).all()
            mark = (
                rows[-1].id
                if len(rows) == limit
                else connection.execute(select(func.max(inbox.c.id)).where(came)).scalar()
            )
        found = [ToldParcel(shop=shop, order=row.order_number, number=row.number) for row in rows]
        return found, max(after, mark or 0)
