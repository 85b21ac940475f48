"""Parcels under way, order by order, for sources that have to be asked about each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from messenger.domain.events import ShipmentState
from messenger.domain.orders import Order, OrderStatus, Shipment
from messenger.ports import Clock, Store
from messenger.services.home import Home

OPEN: Final = (OrderStatus.PARTLY_SHIPPED, OrderStatus.SHIPPED, OrderStatus.FROZEN)
OVER: Final = frozenset({ShipmentState.DELIVERED, ShipmentState.RETURNED})
OLD: Final = timedelta(days=120)
"""A parcel that left longer ago is not asked about any more."""
AT_ONCE: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class UnderWay:
    """The parcels of one shop that have not arrived."""

    store: Store
    clock: Clock
    home: Callable[[], Home]
    shop: str

    def behind(self, after: str) -> Iterator[tuple[Order, Shipment]]:
        """Yield each with its order, by the orders' numbers, behind the order with this number."""
        while keys := self.store.orders_in(self.shop, OPEN, after=after, limit=AT_ONCE):
            events = self.store.events_of(keys)
            for key in keys:
                order = self.home().order(events.get(key, ()))
                yield from ((order, parcel) for parcel in self._open(order)) if order is not None else ()
            after = keys[-1].number

    def _open(self, order: Order) -> Iterator[Shipment]:
        left = order.left_at
        if left is not None and self.clock.now() - left > OLD:
            return
        yield from (one for one in order.shipments if one.number and one.state not in OVER)
