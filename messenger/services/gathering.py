"""Gathering: which events of a simulation have to be played on one clock, and to which orders those without one belong.

What counts for a buyer counts across the buyer's orders and nowhere else, so orders that share no buyer and no event can
be played one after the other: the result is the same, and only a few orders are in memory at once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from messenger.domain.events import Event
from messenger.domain.orders import Order
from messenger.domain.reaching import buyer_keys

OrderName = tuple[str, str]
"""Shop and number."""
Name = tuple[str, str]
"""Shop, and something that an event may name instead of an order: a parcel or a buyer."""

UNMATCHED_FOR: Final = timedelta(days=30)
"""So long an event that names only its parcel waits for an order that names it too."""


def unique(events: Iterable[Event]) -> list[Event]:
    """Return each event once, by time; of events that share a name the first one read stays, as in the inbox."""
    first: dict[tuple[str, str], Event] = {}
    for event in events:
        first.setdefault((event.source, event.id), event)
    return sorted(first.values(), key=lambda one: (one.time, one.id, one.source))


def circles(events: Sequence[Event]) -> list[list[Event]]:
    """Return the events in groups that have nothing to do with each other, each in the order given.

    Orders are of one group when a buyer's id or address is told in both, or an event without an order may belong to both.
    """
    homeless = {number for event in events if event.order is None and (number := event.tracking_number)}
    root: dict[Name, Name] = {}

    def find(name: Name) -> Name:
        while (above := root.setdefault(name, name)) != name:
            root[name] = root[above]
            name = above
        return name

    for event in events:
        first, *others = _ties(event, homeless)
        for other in others:
            root[find(other)] = find(first)
    groups: defaultdict[Name, list[Event]] = defaultdict(list)
    for event in events:
        groups[find(_ties(event, homeless)[0])].append(event)
    return list(groups.values())


def _ties(event: Event, homeless: set[str]) -> list[Name]:
    """Everything that ties an event to others: its order, its buyer, and a parcel if others name only that."""
    ties = [(event.shop, f"order:{event.order}")] if event.order is not None else []
    ties += [(event.shop, name) for name in buyers_of(event)]
    shipment = event.data.get("shipment")
    if homeless and shipment:
        told = (shipment.get(key) for key in ("id", "number", "previous_number"))
        ties += [(event.shop, f"parcel:{name}") for name in told if name in homeless]
    return ties


def buyers_of(event: Event) -> list[str]:
    """Return the names under which an event speaks of its buyer."""
    buyer = event.data.get("buyer")
    if not buyer:
        return []
    id_, address = buyer.get("id"), buyer.get("email")
    names = [f"id:{id_}"] if id_ else []
    return [*names, f"email:{str(address).casefold()}"] if address else names


@dataclass(slots=True)
class Inbox:
    """The events of orders that are played together, given to their orders as production gives them."""

    _told: defaultdict[OrderName, list[Event]] = field(default_factory=lambda: defaultdict(list))
    _names: defaultdict[OrderName, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Under which a buyer was ever told about."""
    _present: dict[OrderName, frozenset[str]] = field(default_factory=dict)
    """Under which the order's buyer is known now."""
    _of_buyers: defaultdict[Name, list[Event]] = field(default_factory=lambda: defaultdict(list))
    _owner: dict[Name, OrderName] = field(default_factory=dict)
    _unmatched: defaultdict[Name, list[tuple[datetime, Event]]] = field(default_factory=lambda: defaultdict(list))

    @property
    def has_homeless(self) -> bool:
        """Whether any event without an order has come in, so that what orders call their parcels and buyers matters."""
        return bool(self._unmatched or self._of_buyers)

    def receive(self, events: Iterable[Event], now: datetime) -> list[OrderName]:
        """Put events to their orders; returns the orders that have something new to be told, in order."""
        woken: set[OrderName] = set()
        for event in events:
            if event.order is None:
                woken.update(self._settle(event, now))
            else:
                name = (event.shop, event.order)
                self._told[name].append(event)
                self._names[name].update(buyers_of(event))
                woken.add(name)
        return sorted(woken)

    def _settle(self, event: Event, now: datetime) -> Iterator[OrderName]:
        """Find the orders of an event that names none: of a parcel the one order, of a buyer all there are."""
        if event.type.startswith("shipment."):
            parcel = (event.shop, event.tracking_number or "")
            owner = self._owner.get(parcel)
            if owner is None:
                self._unmatched[parcel].append((now, event))
            else:
                self._told[owner].append(event)
                yield owner
            return
        spoken = buyers_of(event)
        for name in spoken:
            self._of_buyers[event.shop, name].append(event)
        yield from (name for name, known in self._present.items() if name[0] == event.shop and known & {*spoken})

    def events(self, name: OrderName) -> list[Event]:
        """Return all that is known of an order."""
        told = self._told[name]
        if not self._of_buyers:
            return told
        names = {*self._names[name], *self._present.get(name, ())}
        return [*told, *(event for one in sorted(names) for event in self._of_buyers.get((name[0], one), ()))]

    def meet(self, name: OrderName, order: Order, now: datetime) -> bool:
        """Remember what an order's parcels and buyer are called; returns whether events have waited for that."""
        self._present[name] = frozenset(filter(None, buyer_keys(order.buyer).values()))
        found = False
        for shipment in order.shipments:
            for number in (shipment.id, *shipment.numbers):
                parcel = (name[0], number)
                owner = self._owner.setdefault(parcel, name)
                waiting = self._unmatched.pop(parcel, []) if self._unmatched and owner == name else []
                fresh = [event for since, event in waiting if now - since <= UNMATCHED_FOR]
                self._told[name] += fresh
                found = found or bool(fresh)
        return found
