"""A glimpse into a lot of messages before a person approves it: three at random, each in another language if there are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from random import Random
from typing import Final

from messenger.domain.guarding import Go
from messenger.domain.messages import PlannedMessage
from messenger.domain.orders import Order
from messenger.domain.timing import ALWAYS, UTC_ZONE
from messenger.ports import Clock, OrderKey, Store
from messenger.services.enveloping import Secrets
from messenger.services.home import Home
from messenger.services.preparing import Postman, Unwritable, Written
from messenger.services.telling.narrator import Narrator
from messenger.services.telling.outlook import Prospect, situation_of

SHOWN: Final = 3
LOOKED_AT: Final = 60
"""Messages that are asked for their language; of a larger lot as many at random."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Glimpse:
    """One message of a lot, as it would be written now.

    Args:
        row: it.
        written: what the buyer would read; None when it would not be sent.
        why: what stands in its way then.
    """

    row: PlannedMessage
    written: Written | None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Glimpsing:
    """Chooses and writes the examples. ``seed`` makes the choice the same each time it is asked for."""

    store: Store
    home: Home
    clock: Clock
    seed: int = 0

    def glimpses(self, rows: Iterable[PlannedMessage]) -> list[Glimpse]:
        """Return three messages of a lot at random, one per language if it can."""
        drawn = _drawn(rows, Random(self.seed))  # noqa: S311  # a sample to look at, not a secret
        found: dict[str, Glimpse] = {}
        spare: list[Glimpse] = []
        for row in drawn:
            glimpse = self._glimpse(row)
            locale = glimpse.written.letter.locale if glimpse.written else ""
            if locale and locale not in found:
                found[locale] = glimpse
            else:
                spare.append(glimpse)
            if len(found) == SHOWN:
                break
        return [*found.values(), *sorted(spare, key=lambda one: one.written is None)][:SHOWN]

    def _glimpse(self, row: PlannedMessage) -> Glimpse:
        key = OrderKey(shop=row.key.shop, number=row.order)
        events = self.store.events_of([key]).get(key, [])
        order = self.home.order(events)
        if order is None:
            return Glimpse(row=row, written=None, why="the order is no longer known")
        now = self.clock.now()
        zone = self.home.zones.of_buyer(order.buyer, hours=ALWAYS, at=now).main if order.buyer.country else UTC_ZONE
        narrator = Narrator(order, events, self.home.schedule, zone)
        situation = situation_of(
            self.store, self.home, shop=row.key.shop, buyer=row.buyer, now=now, email=order.buyer.email
        )
        outlook = Prospect(order, situation, narrator).of(replace(row, approved_by="somebody"))
        if outlook.go is None:
            return Glimpse(row=row, written=None, why=outlook.obstacles[-1].text if outlook.obstacles else "")
        return self._written(row, outlook.go, order)

    def _written(self, row: PlannedMessage, go: Go, order: Order) -> Glimpse:
        written = Postman(self.home, Secrets.pretended(b"glimpse")).write(row, go, order, self.clock.now())
        if isinstance(written, Unwritable):
            return Glimpse(row=row, written=None, why=written.why)
        return Glimpse(row=row, written=written)


def _drawn(rows: Iterable[PlannedMessage], chance: Random) -> list[PlannedMessage]:
    """As many rows at random as are looked at, each with the same chance, in one pass over any number of them."""
    drawn: list[PlannedMessage] = []
    for seen, row in enumerate(rows):
        if len(drawn) < LOOKED_AT:
            drawn.append(row)
        elif (place := chance.randrange(seen + 1)) < LOOKED_AT:
            drawn[place] = row
    chance.shuffle(drawn)
    return drawn
