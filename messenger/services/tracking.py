"""Tracking: which parcels somebody has to look for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from messenger.domain.events import ShipmentState
from messenger.domain.orders import Order, Shipment
from messenger.ports import Clock, OrderKey, Store
from messenger.ports.parcels import ToldParcel
from messenger.services.home import Home

OVER: Final = frozenset({ShipmentState.DELIVERED, ShipmentState.RETURNED})
OLD: Final = timedelta(days=60)
"""Nothing was heard of it for so long: it is not looked for any more, and costs nothing."""
SETTLED: Final = timedelta(minutes=1)
"""What came later than that is left for the next time: its number in the row may still be overtaken."""
AT_ONCE: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class FreshParcels:
    """Finds the parcels of one shop that were told of and are on their way."""

    store: Store
    clock: Clock
    home: Callable[[], Home]
    shop: str

    def after(self, mark: int) -> tuple[Sequence[ToldParcel], int]:
        """Return those told of behind a mark, each once, and the next mark; the same mark when there is nothing more."""
        now = self.clock.now()
        told, mark = self.store.parcels_told(self.shop, after=mark, before=now - SETTLED, limit=AT_ONCE)
        keys = [OrderKey(shop=one.shop, number=one.order) for one in dict.fromkeys(told)]
        events = self.store.events_of(list(dict.fromkeys(keys)))
        orders = {key: self.home().order(found) for key, found in events.items()}
        fresh = [one for one in dict.fromkeys(told) if _is_on_its_way(one, orders, now)]
        return fresh, mark


def _is_on_its_way(one: ToldParcel, orders: dict[OrderKey, Order | None], now: datetime) -> bool:
    order = orders.get(OrderKey(shop=one.shop, number=one.order))
    parcel = next((found for found in order.shipments if one.number == found.number), None) if order else None
    return parcel is not None and order is not None and parcel.state not in OVER and now - _heard(parcel, order) <= OLD


def _heard(parcel: Shipment, order: Order) -> datetime:
    """When something was last heard of it; of its order, where it has not moved yet."""
    return parcel.moved_at or order.left_at or order.history[-1].at
