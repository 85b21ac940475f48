"""Looks up what a condition asks: one field name, one value."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum

from messenger.domain.conditions import UNKNOWN, Condition, Found, Money, Scalar
from messenger.domain.orders import Order, Shipment
from messenger.domain.shops import Shop


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything a condition may ask about.

    Args:
        shipment: the trigger's parcel, else the one that moved last.
        now: only at the claim; while planning, what depends on the clock is not asked.
        told: templates already sent about this order; only at the claim.
    """

    order: Order
    shop: Shop
    shipment: Shipment | None
    now: datetime | None = None
    told: Collection[str] = ()

    def find(self, field: str) -> Found:
        """Return the value of a field, ``UNKNOWN`` when nobody has told it."""
        room, _, name = field.partition(".")
        match room:
            case "shop":
                return self.shop.id
            case "platform":
                return self.shop.platform
            case "told":
                return name in self.told
            case "order":
                return self._of_order(name)
            case "buyer":
                return _value(getattr(self.order.buyer, name, None))
            case "shipment":
                return _value(getattr(self.shipment, name, None)) if self.shipment else UNKNOWN
            case "dispute":
                return self._of_dispute(name)
            case "review":
                return _value(getattr(self.order.review, name, None)) if self.order.review else UNKNOWN
            case _:
                return UNKNOWN

    def failing(self, conditions: Collection[Condition]) -> Condition | None:
        """Return the first condition that does not hold, leaving out what only the claim can know while planning."""
        for condition in conditions:
            if condition.is_dynamic and self.now is None:
                continue
            if not condition.holds(self.find(condition.field)):
                return condition
        return None

    def _of_order(self, name: str) -> Found:
        order = self.order
        if name == "late":
            return order.is_late(self.now) if self.now else UNKNOWN
        if name == "total":
            return Money(order.total, order.currency) if order.total is not None and order.currency else UNKNOWN
        if name.startswith("items."):
            attribute = name.removeprefix("items.")
            values = [_value(getattr(item, attribute, None)) for item in order.items]
            return [value for value in values if isinstance(value, str | int | bool | Decimal)] or UNKNOWN
        return _value(getattr(order, name, None))

    def _of_dispute(self, name: str) -> Found:
        newest = self.order.disputes[-1] if self.order.disputes else None
        if name == "open":
            return self.order.open_dispute is not None
        return _value(getattr(newest, name, None)) if newest else UNKNOWN


def shipment_in_focus(order: Order, shipment_id: str | None) -> Shipment | None:
    """Return the parcel a message is about: the named one, else the one that moved last, else the first."""
    if shipment_id is not None:
        return order.shipment(shipment_id)
    moved = [one for one in order.shipments if one.moved_at is not None]
    if moved:
        return max(moved, key=lambda one: (one.moved_at, one.id))
    return order.shipments[0] if order.shipments else None


def _value(value: object) -> Found:
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, str | int | bool | Decimal):
        return value
    if isinstance(value, tuple):
        scalars: list[Scalar] = [one for one in value if isinstance(one, str | int | bool | Decimal)]
        return scalars or UNKNOWN
    return UNKNOWN
