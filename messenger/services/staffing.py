"""People in a simulation: how many send by hand, when they get to each message, and how much work that is."""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final

from messenger.domain.messages import Key, PlannedMessage
from messenger.domain.shops import Desk, Shop
from messenger.domain.timing import Openings
from messenger.domain.zones import UTC_ZONE, zone_named

AT_ONCE: Final = None
"""As many people as it takes: whatever is asked of them is done in the same instant."""
PER_MESSAGE: Final = timedelta(seconds=30)
"""What it takes one person to open an order, read, copy, send and confirm one message."""


@dataclass(slots=True)
class Workload:
    """What the people of a play had to do.

    Args:
        messages: sent by hand, by the desk's own day.
        longest_wait: from the moment a message was theirs to the moment it left.
    """

    messages: dict[date, int] = field(default_factory=dict)
    longest_wait: timedelta = timedelta(0)

    @property
    def busiest(self) -> tuple[date, int] | None:
        """The day with most messages, the first of them, and how many they were."""
        if not self.messages:
            return None
        day = min(self.messages, key=lambda one: (-self.messages[one], one))
        return day, self.messages[day]


@dataclass(slots=True)
class _Counter:
    """One desk: who is free when, and what lies on it, most urgent first."""

    openings: Openings
    free_at: list[datetime]
    pile: list[tuple[bool, int, datetime, int, Key]] = field(default_factory=list)
    handed_at: dict[Key, datetime] = field(default_factory=dict)

    def next_at(self, now: datetime) -> datetime | None:
        """When somebody takes the next message; None when nothing lies here or nobody ever comes."""
        return self.openings.first(max(self.free_at[0], now)) if self.pile and self.free_at else None


class Staff:
    """The people of all desks.

    Args:
        number: at each desk; None for as many as it takes, 0 for nobody.
        shops: whose desks there are.
    """

    def __init__(self, number: int | None, shops: Mapping[str, Shop]) -> None:
        self.number = number
        self.workload = Workload()
        self._zones = {shop.id: zone_named(shop.zone) or UTC_ZONE for shop in shops.values()}
        self._counters: dict[tuple[str, str], _Counter] = {}
        self._shops = shops

    @property
    def are_there(self) -> bool:
        """Whether anybody does what is asked."""
        return self.number != 0

    @property
    def are_instant(self) -> bool:
        """Whether what is asked is done in the same instant."""
        return self.number is None

    def hand_over(self, row: PlannedMessage, now: datetime) -> None:
        """Put a message on the desk of its transport."""
        if not self.number:
            return
        counter = self._counter(row.key.shop, row.transport or "", now)
        heapq.heappush(counter.pile, (not row.urgent, -row.priority, row.wanted_at, row.id, row.key))
        counter.handed_at[row.key] = now

    def next_at(self, now: datetime) -> datetime | None:
        """Return when the next message is taken up; None when nothing lies on any desk."""
        return min((at for one in self._counters.values() if (at := one.next_at(now)) is not None), default=None)

    def take_up(self, now: datetime) -> Key | None:
        """Return the message that somebody takes up at this instant, and keep that person busy."""
        for counter in self._counters.values():
            if counter.next_at(now) == now:
                key = heapq.heappop(counter.pile)[-1]
                heapq.heapreplace(counter.free_at, now + PER_MESSAGE)
                return key
        return None

    def sent(self, row: PlannedMessage, now: datetime) -> None:
        """Count a message that a person has sent."""
        day = now.astimezone(self._zones[row.key.shop]).date()
        self.workload.messages[day] = self.workload.messages.get(day, 0) + 1
        counter = self._counters.get((row.key.shop, row.transport or ""))
        handed = counter.handed_at.pop(row.key, now) if counter else now
        self.workload.longest_wait = max(self.workload.longest_wait, now - handed)

    def _counter(self, shop: str, transport: str, now: datetime) -> _Counter:
        found = self._counters.get((shop, transport))
        if found is None:
            desk = self._shops[shop].desks.get(transport, Desk())
            openings = Openings(hours=desk.hours, zones=(self._zones[shop],))
            found = self._counters[shop, transport] = _Counter(openings, [now] * (self.number or 0))
        return found
