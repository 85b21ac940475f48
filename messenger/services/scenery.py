"""What all orders of a simulation share: how long parcels take, and the texts, which answer the same question at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import fields
from datetime import date

from messenger.domain.lanes import Journey, Lane, LaneKey, snapshot
from messenger.domain.orders import Order
from messenger.rendering.catalogue import Catalogue, Chosen
from messenger.services.home import Home
from messenger.services.ingesting import journeys_of


class Lanes:
    """The daily snapshots of a play, from the parcels that have arrived in it so far."""

    def __init__(self, home: Home) -> None:
        self._schedule = home.schedule
        self.are_asked = any(one.field.startswith("lane.") for rule in home.schedule.rules for one in rule.where)
        self._journeys: defaultdict[LaneKey, dict[tuple[str, str], Journey]] = defaultdict(dict)
        self._day = date.min
        self._snapshot: dict[LaneKey, Lane] = {}

    def learn(self, order: Order) -> None:
        """Remember the parcels of an order that have arrived."""
        for journey in journeys_of(order, self._schedule) if self.are_asked else ():
            self._journeys[journey.lane][journey.order, journey.shipment] = journey

    def on(self, day: date) -> Mapping[LaneKey, Lane]:
        """Return the snapshot of a day, as it was when the day began."""
        if self.are_asked and day != self._day:
            self._day = day
            self._snapshot = {key: snapshot(key, found.values(), day) for key, found in self._journeys.items()}
        return self._snapshot


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
