"""What sources have told about orders: whether a fact that is repeated with everything else is news."""

from __future__ import annotations

from dataclasses import dataclass, field

from messenger.domain.events import Event
from messenger.ports import OrderKey, Store


@dataclass(slots=True)
class Known:
    """What sources have told about orders, with what is being read."""

    store: Store
    _events: dict[OrderKey, list[Event]] = field(default_factory=dict)

    def is_news(self, event: Event, among: frozenset[str]) -> bool:
        """Return whether an event is not told already; see ``ports.deliveries.IfNew``."""
        mine = [one for one in self._of(event) if one.source == event.source]
        if any(one.id == event.id for one in mine):
            return False
        about = [one for one in mine if one.type in among and one.time <= event.time and _is_same_parcel(one, event)]
        last = max(about, key=lambda one: (one.time, one.id), default=None)
        return last is None or last.type != event.type

    def add(self, event: Event) -> None:
        """Remember an event that is about to be accepted."""
        if event.order is not None:
            self._of(event).append(event)

    def _of(self, event: Event) -> list[Event]:
        if event.order is None:
            return []
        key = OrderKey(shop=event.shop, number=event.order)
        if key not in self._events:
            self._events[key] = list(self.store.events_of([key]).get(key, ()))
        return self._events[key]


def _is_same_parcel(one: Event, other: Event) -> bool:
    """Whether two events are about one parcel, or about none."""
    return not (_names(one) or _names(other)) or bool(_names(one) & _names(other))


def _names(event: Event) -> frozenset[str]:
    parcel = event.data.get("shipment", {})
    return frozenset(str(parcel[name]) for name in ("id", "number") if parcel.get(name))
