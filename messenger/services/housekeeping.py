"""Housekeeping: what every process does now and then, whoever else does it too; nothing here needs a leader."""

from __future__ import annotations

import logging
from collections import defaultdict
from dataclasses import dataclass
from functools import partial

from messenger.domain.breakers import hurried
from messenger.domain.lanes import LOOK_BACK, Journey, LaneKey, snapshot
from messenger.domain.pacing import LONG_PAUSE, SPREAD
from messenger.domain.rules import Hold
from messenger.ports import Clock, Store
from messenger.services.clearing import silent_sources
from messenger.services.clocks import SharedClock
from messenger.services.dispatching import Dispatcher
from messenger.services.ingesting import Ingest
from messenger.services.lookout import tell_of_outage
from messenger.services.retaining import Retaining

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Housekeeping:
    """Keeps the queue in order: frees what dead workers left, decides what is undecided, wakes what may go on."""

    store: Store
    clock: Clock
    ingest: Ingest
    dispatcher: Dispatcher

    def tidy(self) -> None:
        """Do everything once."""
        self._agree()
        freed, uncertain = self.store.rescue(now=self.clock.now())
        if freed or uncertain:
            log.info("rescued", extra={"claimed": freed, "sending": uncertain})
        self.dispatcher.resolve_uncertain()
        self.ingest.judge_left()
        self.replan()
        self._wake()
        self._keep_lanes()
        Retaining(self.store, self.ingest.home, self.clock).run()

    def replan(self) -> None:
        """Plan anew, by the present generation, what an earlier one has planned."""
        generation = self.ingest.home.generation
        if not generation:
            return
        self._look_at_accounts_again(generation)
        horizon = self.clock.now() - self.ingest.home.look_back
        if self.store.to_replan(generation, now=horizon, limit=1):
            looked_at = self.ingest.replan()
            log.info("replanned", extra={"generation": generation, "orders": looked_at})

    def spread_after_outage(self) -> None:
        """After a long stand-still nobody gets a heap at once: what is due is spread, and told."""
        self._agree()
        now = self.clock.now()
        last = self.store.last_alive()
        if last is not None and now - last > LONG_PAUSE:
            moved = self.store.spread(now=now, over=SPREAD)
            if moved:
                log.warning("spread_after_outage", extra={"messages": moved, "since": last.isoformat()})
                tell_of_outage(self.store, now, messages=moved, since=last)
        self.store.alive(now=now)

    def _agree(self) -> None:
        """Let this machine's clock be what it is at the database; before anything is claimed, and ever again."""
        if isinstance(self.clock, SharedClock):
            self.clock.agree(self.store.skew())

    def _look_at_accounts_again(self, generation: int) -> None:
        """With new settings an account may be in order, or another may be used: nothing waits for an old mistake."""
        now, open_ = self.clock.now(), {name: one for name, one in self.store.breakers().items() if one.is_open}
        if not open_ or not self.store.buys_tick("accounts", str(generation)):
            return
        edition = self.store.generation(generation)
        older = [name for name, one in open_.items() if edition and one.since and one.since < edition.published_at]
        for name in older:
            self.store.turn_breaker(name, partial(hurried, now=now))
        if older:
            self.store.look_again()

    def _wake(self) -> None:
        """Let what a silent source held be looked at, once all sources of its shop are heard again."""
        shops = [shop for shop in self.ingest.home.shops.values() if shop.sources]
        if not shops:
            return
        now, heard = self.clock.now(), self.store.heard()
        for shop in shops:
            if not silent_sources(shop, heard, now):
                self.store.wake(shop=shop.id, hold=str(Hold.SOURCE_SILENT), now=now)

    def _keep_lanes(self) -> None:
        """Take the day's snapshot of how long parcels take; one process does it."""
        now = self.clock.now()
        if not self.store.buys_tick("lanes", f"{now:%Y-%m-%d}"):
            return
        arrived: defaultdict[LaneKey, list[Journey]] = defaultdict(list)
        for journey in self.store.journeys(since=now - LOOK_BACK):
            arrived[journey.lane].append(journey)
        self.store.keep_lanes([snapshot(key, found, now.date()) for key, found in arrived.items()])
