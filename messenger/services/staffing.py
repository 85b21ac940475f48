"""People in a simulation: how many send by hand, when they get to each message, and how much work that is."""

from __future__ import annotations

import heapq
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final

from messenger.domain.desks import Load, Turn, turn
from messenger.domain.messages import Key, PlannedMessage, State
from messenger.domain.shops import Desk, Shop
from messenger.domain.timing import UTC_ZONE, Openings
from messenger.domain.zones import zone_named

AT_ONCE: Final = None
"""As many people as it takes: whatever is asked of them is done in the same instant."""
PER_MESSAGE: Final = timedelta(seconds=30)
"""What it takes one person to open an order, read, copy, send and confirm one message."""


@dataclass(slots=True)
class Workload:
    """What the people of a play had to do.

    Args:
        people: at each desk; None for as many as it takes.
        each: what one message takes one of them.
        messages: sent by hand, by the desk's own day.
        longest_wait: from the moment a message was theirs to the moment it left.
        expired: how many messages lay on a desk until it was too late.
        left_out: how many found no place, because the desk was full.
    """

    people: int | None = AT_ONCE
    each: timedelta = PER_MESSAGE
    messages: dict[date, int] = field(default_factory=dict)
    longest_wait: timedelta = timedelta(0)
    expired: int = 0
    left_out: int = 0

    @property
    def busiest(self) -> tuple[date, int] | None:
        """The day with most messages, the first of them, and how many they were."""
        if not self.messages:
            return None
        day = min(self.messages, key=lambda one: (-self.messages[one], one))
        return day, self.messages[day]

    @property
    def is_any(self) -> bool:
        """Whether there was anything for people to do."""
        return bool(self.messages or self.expired or self.left_out)

    def time_each(self, messages: int) -> timedelta:
        """Return how long so many messages keep each of the people busy; of any number of people one."""
        return self.each * messages / (self.people or 1)


@dataclass(slots=True)
class _Counter:
    """One desk: who is free when, and what lies on it."""

    openings: Openings
    free_at: list[datetime]
    pile: list[tuple[Turn, Key]] = field(default_factory=list)
    """What can be taken up, most urgent first; it may hold more than still lies here."""
    later: list[tuple[datetime, Turn, Key]] = field(default_factory=list)
    """What waits for an hour that suits its buyer, and for which."""
    lying: dict[Key, tuple[PlannedMessage, datetime]] = field(default_factory=dict)
    """What is still to be sent, and since when it lies here."""

    def next_at(self, now: datetime) -> datetime | None:
        """When somebody takes the next message; None when nothing lies here or nobody ever comes."""
        while self.later and self.later[0][0] <= now:
            _, place, key = heapq.heappop(self.later)
            heapq.heappush(self.pile, (place, key))
        while self.pile and self.pile[0][-1] not in self.lying:
            heapq.heappop(self.pile)
        while self.later and self.later[0][-1] not in self.lying:
            heapq.heappop(self.later)
        begins = [now] if self.pile else [self.later[0][0]] if self.later else []
        return self.openings.first(max(self.free_at[0], begins[0])) if begins else None


class Staff:
    """The people of all desks.

    Args:
        number: at each desk; None for as many as it takes, 0 for nobody.
        shops: whose desks there are.
        each: what one message takes one of them.
    """

    def __init__(self, number: int | None, shops: Mapping[str, Shop], *, each: timedelta = PER_MESSAGE) -> None:
        self._number = number
        self.workload = Workload(people=number, each=each)
        self._zones = {shop.id: zone_named(shop.zone) or UTC_ZONE for shop in shops.values()}
        self._counters: dict[tuple[str, str], _Counter] = {}
        self._shops = shops
        self._lying: defaultdict[str, dict[Key, PlannedMessage]] = defaultdict(dict)
        self._sent: defaultdict[str, list[datetime]] = defaultdict(list)
        """By transport, as the load of a desk is counted."""

    @property
    def are_there(self) -> bool:
        """Whether anybody does what is asked."""
        return self._number != 0

    @property
    def are_instant(self) -> bool:
        """Whether what is asked is done in the same instant."""
        return self._number is None

    @property
    def are_limited(self) -> bool:
        """Whether one message can wait, or be left out, because of another one."""
        desks = [desk for shop in self._shops.values() for desk in shop.desks.values()]
        return bool(self._number) or any(desk.per_day is not None for desk in desks)

    def load_of(self, transport: str, since: datetime) -> Load:
        """Return what lies on a desk, and how much was sent from it since then."""
        sent = self._sent[transport]
        return Load(lying=[*self._lying[transport].values()], sent=len(sent) - bisect_left(sent, since))

    def hand_over(self, row: PlannedMessage, now: datetime) -> None:
        """Put a message on the desk of its transport."""
        self._lying[row.transport or ""][row.key] = row
        if not self._number:
            return
        counter = self._counter(row, now)
        heapq.heappush(counter.pile, (turn(row), row.key))
        counter.lying[row.key] = (row, now)

    def next_at(self, now: datetime) -> datetime | None:
        """Return when the next message is taken up; None when nothing lies on any desk."""
        if not self._counters:
            return None
        return min((at for one in self._counters.values() if (at := one.next_at(now)) is not None), default=None)

    def take_up(self, now: datetime) -> PlannedMessage | None:
        """Return the message that somebody takes up at this instant; ``busy`` or ``put_off`` says what comes of it."""
        for counter in self._counters.values():
            if counter.next_at(now) == now:
                return counter.lying[heapq.heappop(counter.pile)[-1]][0]
        return None

    def busy(self, row: PlannedMessage, now: datetime) -> None:
        """Keep the person who has taken a message up busy with it."""
        heapq.heapreplace(self._counter(row, now).free_at, now + self.workload.each)

    def put_off(self, row: PlannedMessage, until: datetime, now: datetime) -> None:
        """Let a message lie until an hour that suits its buyer."""
        heapq.heappush(self._counter(row, now).later, (until, turn(row), row.key))

    def take_off(self, row: PlannedMessage, now: datetime) -> None:
        """Take a message off its desk: it was sent, or there is no reason for it any more, or it is too late for it."""
        transport = row.transport or ""
        self._lying[transport].pop(row.key, None)
        counter = self._counters.get((row.key.shop, transport))
        lay = counter.lying.pop(row.key, None) if counter else None
        if row.state is State.EXPIRED:
            self.workload.expired += 1
        if row.state is State.SENT:
            self._sent[transport].append(now)
            day = now.astimezone(self._zones[row.key.shop]).date()
            self.workload.messages[day] = self.workload.messages.get(day, 0) + 1
            self.workload.longest_wait = max(self.workload.longest_wait, now - lay[1] if lay else timedelta(0))

    def _counter(self, row: PlannedMessage, now: datetime) -> _Counter:
        place = (row.key.shop, row.transport or "")
        if place not in self._counters:
            shop = self._shops[row.key.shop]
            desk = shop.desks.get(place[1], Desk())
            openings = Openings(hours=desk.hours, zones=(self._zones[shop.id],))
            self._counters[place] = _Counter(openings, [now] * (self._number or 0))
        return self._counters[place]
