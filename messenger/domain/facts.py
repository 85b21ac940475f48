"""Looks up what a condition asks: one field name, one value."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from zoneinfo import ZoneInfo

from messenger.domain.calendars import Calendar
from messenger.domain.conditions import UNKNOWN, Condition, Found, Money, Scalar
from messenger.domain.lanes import Lane
from messenger.domain.orders import Order, Payment, Shipment
from messenger.domain.rules import Names
from messenger.domain.shops import Shop


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything a condition may ask about.

    Args:
        shipment: the trigger's parcel, else the one that moved last.
        names: what rules call methods and carriers.
        now: only at the claim; while planning, what depends on the clock is not asked.
        told: templates already sent about this order; only at the claim.
        payments: of the same buyer; only at the claim.
        lane: what parcels of this kind take; only at the claim.
        calendar: the rule's, with the zone whose days it counts; only at the claim.
    """

    order: Order
    shop: Shop
    shipment: Shipment | None
    names: Names = field(default_factory=Names)
    now: datetime | None = None
    told: Collection[str] = ()
    payments: Sequence[Payment] = ()
    lane: Lane | None = None
    calendar: Calendar | None = None
    zone: ZoneInfo | None = None

    def find(self, field: str) -> Found:
        """Return the value of a field, ``UNKNOWN`` when nobody has told it."""
        room, _, name = field.partition(".")
        match room:
            case "order":
                return self._of_order(name)
            case "buyer":
                return self._of_buyer(name)
            case "shipment":
                return self._of_shipment(name)
            case "dispute":
                return self._of_dispute(name)
            case "lane":
                return self._of_lane(name)
            case "calendar":
                return self._of_calendar()
            case _:
                return self._of_others(room, name)

    def failing(self, conditions: Collection[Condition]) -> Condition | None:
        """Return the first condition that does not hold, leaving out what only the claim can know while planning."""
        for condition in conditions:
            if condition.is_dynamic and self.now is None:
                continue
            if not condition.holds(self.find(condition.field)):
                return condition
        return None

    def words(self, field: str) -> str:
        """Return what a field holds, as it may stand in a sentence."""
        found = self.find(field)
        if isinstance(found, bool):
            return "yes" if found else "no"
        return ", ".join(map(str, found)) if isinstance(found, Sequence) and not isinstance(found, str) else str(found)

    def _of_others(self, room: str, name: str) -> Found:
        match room:
            case "shop":
                return self.shop.id
            case "platform":
                return self.shop.platform
            case "told":
                return name in self.told
            case "review":
                return _value(getattr(self.order.review, name, None)) if self.order.review else UNKNOWN
            case _:
                return UNKNOWN

    def _of_order(self, name: str) -> Found:
        order = self.order
        if name == "late":
            return order.is_late(self.now) if self.now else UNKNOWN
        if name == "total":
            return Money(order.total, order.currency) if order.total is not None and order.currency else UNKNOWN
        if name == "shipping_method":
            return _value(self.names.method(order.shipping_method))
        if name.startswith("items."):
            attribute = name.removeprefix("items.")
            values = [_value(getattr(item, attribute, None)) for item in order.items]
            return [value for value in values if isinstance(value, str | int | bool | Decimal)] or UNKNOWN
        return _value(getattr(order, name, None))

    def _of_buyer(self, name: str) -> Found:
        if name != "paid_since":
            return _value(getattr(self.order.buyer, name, None))
        since, now = self.order.began_at, self.now
        if since is None or now is None:
            return UNKNOWN
        return any(one.order != self.order.number and since <= one.at <= now for one in self.payments)

    def _of_shipment(self, name: str) -> Found:
        if self.shipment is None:
            return UNKNOWN
        if name == "method":
            return _value(self.names.method(self.shipment.method or self.order.shipping_method))
        if name == "carrier":
            return _value(self.names.carrier(self.shipment.carrier))
        return _value(getattr(self.shipment, name, None))

    def _of_dispute(self, name: str) -> Found:
        newest = self.order.disputes[-1] if self.order.disputes else None
        if name == "open":
            return self.order.open_dispute is not None
        return _value(getattr(newest, name, None)) if newest else UNKNOWN

    def _of_lane(self, name: str) -> Found:
        lane, left = self.lane, self.order.left_at
        if lane is None or lane.p90_days is None:
            return UNKNOWN
        if name == "late":
            if left is None or self.now is None:
                return UNKNOWN
            return not self.order.all_delivered and self.now - left > timedelta(days=float(lane.p90_days))
        return _value(getattr(lane, name, None))

    def _of_calendar(self) -> Found:
        if self.calendar is None or self.now is None or self.zone is None:
            return UNKNOWN
        return self.calendar.is_closed(self.now.astimezone(self.zone).date())


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
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, tuple):
        scalars: list[Scalar] = [one for one in value if isinstance(one, str | int | bool | Decimal)]
        return scalars or UNKNOWN
    return UNKNOWN
