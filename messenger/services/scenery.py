"""What all orders of a simulation share: how long parcels take, and the texts, which answer the same question at once."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date, datetime, timedelta
from decimal import Decimal

from messenger.domain.events import Event, ShipmentState
from messenger.domain.lanes import LOOK_BACK, Journey, Lane, LaneKey, lane_with
from messenger.rendering.catalogue import Catalogue, Chosen
from messenger.services.gathering import Inbox, OrderName
from messenger.services.home import Home
from messenger.services.ingesting import journeys_of

A_DAY = timedelta(days=1)
Moments = Iterable[tuple[datetime, Sequence[Event]]]
"""Events as they come in, and when."""


@dataclass(slots=True)
class _Course:
    """How one lane changed: since a day, what was known of it on the morning of that day."""

    since: list[date] = field(default_factory=list)
    lanes: list[Lane] = field(default_factory=list)

    def on(self, day: date) -> Lane | None:
        """Return the snapshot of a day."""
        found = bisect_right(self.since, day)
        return self.lanes[found - 1] if found else None


class Lanes:
    """The daily snapshots of a play.

    What parcels take follows from the facts alone, so it is known before anything is played. A snapshot is taken when the
    day begins (UTC), of what had been told by then.
    """

    def __init__(self, courses: Mapping[LaneKey, _Course] | None = None) -> None:
        self._courses = courses or {}

    @classmethod
    def of(cls, home: Home, plays: Iterable[Moments]) -> Lanes:
        """Return what the events of these plays tell; nothing when neither a rule nor a text asks for it."""
        if not _are_asked(home):
            return cls()
        changes: defaultdict[LaneKey, defaultdict[date, list[tuple[bool, Decimal]]]] = defaultdict(
            lambda: defaultdict(list)
        )
        for moments in plays:
            for first, gone, journey in _stays(_versions(home, moments).values()):
                changes[journey.lane][first].append((True, journey.days))
                changes[journey.lane][gone].append((False, journey.days))
        return cls({key: _course(key, found) for key, found in changes.items()})

    def on(self, day: date) -> Mapping[LaneKey, Lane]:
        """Return the snapshot of a day."""
        return {key: lane for key, course in self._courses.items() if (lane := course.on(day)) is not None}


def _are_asked(home: Home) -> bool:
    by_rules = any(one.field.startswith("lane.") for rule in home.schedule.rules for one in rule.where)
    return by_rules or any(b"lane" in text for text in home.catalogue.contents.values())


def _versions(home: Home, moments: Moments) -> dict[tuple[OrderName, str], list[tuple[datetime, Journey]]]:
    """What was told of each parcel's journey, and when, as long as it was told otherwise than before."""
    inbox = Inbox()
    told: set[OrderName] = set()
    found: defaultdict[tuple[OrderName, str], list[tuple[datetime, Journey]]] = defaultdict(list)
    for now, events in moments:
        told.update((one.shop, one.order) for one in events if one.order is not None and _tells_of_arrival(one))
        must_look = inbox.has_homeless or any(one.order is None for one in events)
        for name in inbox.receive(events, now):
            if not must_look and name not in told:
                continue
            order = home.order(inbox.events(name))
            if order is not None and inbox.meet(name, order, now):
                order = home.order(inbox.events(name))
            for journey in journeys_of(order, home.schedule) if order is not None else ():
                versions = found[name, journey.shipment]
                if not versions or versions[-1][1] != journey:
                    versions.append((now, journey))
    return found


def _tells_of_arrival(event: Event) -> bool:
    return event.type == "shipment.delivered" or event.data.get("shipment", {}).get("state") == ShipmentState.DELIVERED


def _stays(versions: Iterable[Sequence[tuple[datetime, Journey]]]) -> Iterator[tuple[date, date, Journey]]:
    """From which day on a journey counts, and from which day on no longer."""
    for told in versions:
        told_otherwise = [at.date() + A_DAY for at, _ in told[1:]]
        for (at, journey), otherwise in zip(told, [*told_otherwise, date.max], strict=True):
            first = max(at.date(), journey.delivered_at.date()) + A_DAY
            gone = min(journey.delivered_at.date() + LOOK_BACK + A_DAY, otherwise)
            if first < gone:
                yield first, gone, journey


def _course(key: LaneKey, changes: Mapping[date, Sequence[tuple[bool, Decimal]]]) -> _Course:
    course, days = _Course(), list[Decimal]()
    for day in sorted(changes):
        for comes, length in changes[day]:
            if comes:
                insort(days, length)
            else:
                days.remove(length)
        course.since.append(day)
        course.lanes.append(lane_with(key, days, day))
    return course


class Texts(Catalogue):
    """A catalogue that remembers what it chose: buyers are many, countries and languages few."""

    @classmethod
    def of(cls, catalogue: Catalogue) -> Texts:
        """Return the same texts."""
        return cls(**{one.name: getattr(catalogue, one.name) for one in fields(catalogue)})

    def choose(
        self, template: str, *, buyer: str | None, conversation: str | None, country: str | None, countries: Mapping[str, str],
        shop_language: str, selectors: Mapping[str, str | None], locale: str | None = None,
    ) -> Chosen:  # fmt: skip
        """Return the text for a message; see ``Catalogue.choose``. ``countries`` are always the same."""
        asked = (template, buyer, conversation, country, shop_language, *selectors.items(), locale)
        known: dict[object, Chosen] = self.__dict__.setdefault("_chosen", {})
        if asked not in known:
            known[asked] = super().choose(
                template, buyer=buyer, conversation=conversation, country=country, countries=countries,
                shop_language=shop_language, selectors=selectors, locale=locale,
            )  # fmt: skip
        return known[asked]
