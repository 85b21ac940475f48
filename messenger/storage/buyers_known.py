"""Buyers across their orders."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import and_, or_, select

from messenger.ports import BuyerKey, OrderKey
from messenger.storage.engine import Database
from messenger.storage.tables import orders


class SqlBuyers:
    """The part of the store that knows buyers; see ``ports.buyers.Buyers``."""

    _database: Database

    def orders_of(self, buyers: Collection[BuyerKey]) -> list[OrderKey]:
        """Return the orders of these buyers."""
        pairs = sorted({(one.shop, one.buyer) for one in buyers})
        if not pairs:
            return []
        with self._database.read() as connection:
            mine = or_(*(and_(orders.c.shop == shop, orders.c.buyer_key == buyer) for shop, buyer in pairs))
            found = select(orders.c.shop, orders.c.number).where(mine).order_by(orders.c.shop, orders.c.number)
            return [OrderKey(shop=row.shop, number=row.number) for row in connection.execute(found)]
