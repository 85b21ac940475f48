"""The long-running process: takes in what was received, sends what is due, frees what dead workers left."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from messenger.domain.lanes import LOOK_BACK, Journey, LaneKey, snapshot
from messenger.domain.rules import Hold
from messenger.ports import Clock, Composer, Pulse, Store, Transport
from messenger.services.clearing import silent_sources
from messenger.services.clocks import SetClock
from messenger.services.dispatching import Dispatcher, Tally
from messenger.services.home import Home
from messenger.services.ingesting import Ingest

log = logging.getLogger(__name__)

TICK: Final = 1.0
"""Seconds between looks for something due."""
LOOK: Final = 1.5
"""Seconds between looks for edited rules and texts, or a newer generation."""
LONG_PAUSE: Final = timedelta(hours=6)
"""After so long a stand-still, what has fallen due meanwhile is spread."""
SPREAD: Final = timedelta(hours=2)
"""Over how long."""
GRACE: Final = 30.0
"""Seconds that messages in hand have to finish after the process was asked to stop."""


@dataclass(frozen=True, slots=True)
class Reloaded:
    """A newer generation, ready to work by."""

    home: Home
    transports: Mapping[str, Transport]
    composer: Composer


@dataclass(slots=True, kw_only=True)
class Worker:
    """One worker process. ``owner`` is new at every start, so that no claim of an earlier life can be taken for ours."""

    store: Store
    clock: Clock
    ingest: Ingest
    dispatcher: Dispatcher
    owner: str
    lease: timedelta
    reload: Callable[[], Reloaded | None] = lambda: None
    """Returns what a newer generation brings; None when there is none."""

    async def run_until_idle(self, progress: Callable[[Tally], None] | None = None) -> Tally:
        """Work until nothing is due, claimed, sending or awaiting a resend, whoever left it; returns what was done."""
        tally = Tally()
        with self._heartbeat(), self._stop_on_signals():
            while not self.dispatcher.stopping:
                await asyncio.to_thread(self._look_for_edits)
                await asyncio.to_thread(self._housekeeping)
                await asyncio.to_thread(self.ingest.take_in)
                await self.dispatcher.run_due(tally)
                if progress:
                    progress(tally)
                pulse = await asyncio.to_thread(self.store.pulse, now=self.clock.now())
                if self._is_idle(pulse):
                    break
                await self._wait_for(pulse)
        return tally

    async def run(self) -> None:
        """Work until asked to stop by SIGTERM or SIGINT; then finish what is in hand and leave nothing claimed."""
        stopped = asyncio.Event()
        scheduler = AsyncIOScheduler(timezone="UTC")
        common = {"trigger": "interval", "coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        scheduler.add_job(self._tick, seconds=TICK, id="dispatch", **common)
        # Plain functions: the scheduler runs them in threads of its own. It would not await what a lambda returns.
        scheduler.add_job(self._housekeeping, seconds=max(TICK, self.lease.total_seconds() / 3), id="rescue", **common)
        scheduler.add_job(self._look_for_edits, seconds=LOOK, id="edits", **common)
        with self._heartbeat(), self._stop_on_signals(stopped.set):
            await asyncio.to_thread(self._spread_after_outage)
            scheduler.start()
            await self._tick()
            await stopped.wait()
            scheduler.shutdown(wait=False)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(GRACE):
                    while self._ticking:  # noqa: ASYNC110  # the tick in hand tells nobody when it ends
                        await asyncio.sleep(0.05)

    _ticking: bool = False

    async def _tick(self) -> None:
        if self._ticking:
            return
        self._ticking = True
        try:
            await asyncio.to_thread(self.ingest.take_in)
            await self.dispatcher.run_due()
            await asyncio.to_thread(self.store.alive, now=self.clock.now())
        except Exception:  # the next tick tries again; a worker that dies of one error sends nothing at all
            log.exception("tick_failed")
        finally:
            self._ticking = False

    def _look_for_edits(self) -> None:
        self._adopt(self.reload())

    def _housekeeping(self) -> None:
        freed, uncertain = self.store.rescue(now=self.clock.now())
        if freed or uncertain:
            log.info("rescued", extra={"claimed": freed, "sending": uncertain})
        self.dispatcher.resolve_uncertain()
        self.ingest.judge_left()
        self._replan()
        self._wake()
        self._keep_lanes()

    def _adopt(self, newer: Reloaded | None) -> None:
        if newer is None:
            return
        before = self.ingest.home.generation
        self.ingest.home = newer.home
        self.dispatcher.adopt(newer.home, newer.transports, newer.composer)
        if newer.home.generation != before:
            log.info("generation_adopted", extra={"generation": newer.home.generation})

    def _replan(self) -> None:
        """Plan anew, by the present generation, what an earlier one has planned."""
        generation = self.ingest.home.generation
        if not generation or not self.store.to_replan(
            generation, now=self.clock.now() - self.ingest.home.look_back, limit=1
        ):
            return
        looked_at = self.ingest.replan()
        log.info("replanned", extra={"generation": generation, "orders": looked_at})

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

    def _spread_after_outage(self) -> None:
        """After a long stand-still nobody gets a heap at once: what is due is spread, and told."""
        now = self.clock.now()
        last = self.store.last_alive()
        if last is not None and now - last > LONG_PAUSE:
            moved = self.store.spread(now=now, over=SPREAD)
            if moved:
                log.warning("spread_after_outage", extra={"messages": moved, "since": last.isoformat()})
        self.store.alive(now=now)

    @staticmethod
    def _is_idle(pulse: Pulse) -> bool:
        return not (pulse.due or pulse.in_hand or pulse.next_resend or pulse.backlog)

    async def _wait_for(self, pulse: Pulse) -> None:
        """Until the next lease runs out or a second copy may leave; a set clock simply moves there."""
        moments = [moment for moment in (pulse.next_lease, pulse.next_resend) if moment is not None]
        if pulse.due or pulse.backlog or not moments:
            await asyncio.sleep(0.05)
            return
        if isinstance(self.clock, SetClock):
            self.clock.advance_to(min(moments) + timedelta(milliseconds=1))
            return
        seconds = (min(moments) - self.clock.now()).total_seconds()
        await asyncio.sleep(min(max(seconds, 0.05), TICK))

    @contextlib.contextmanager
    def _heartbeat(self):  # type: ignore[no-untyped-def]  # Iterator[None]; typed by contextmanager
        """Extend our leases from a thread of its own: a slow render on the event loop must not look like a death."""
        over = threading.Event()

        def beat() -> None:
            while not over.wait(self.lease.total_seconds() / 3):
                try:
                    self.store.heartbeat(owner=self.owner, lease_until=self._lease_end())
                except Exception:  # the lease runs out if this goes on; nothing is lost
                    log.exception("heartbeat_failed")

        thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _lease_end(self) -> datetime:
        return self.clock.now() + self.lease

    @contextlib.contextmanager
    def _stop_on_signals(self, also: Callable[[], None] | None = None):  # type: ignore[no-untyped-def]  # Iterator[None]; typed by contextmanager
        def stop() -> None:
            self.dispatcher.stopping = True
            if also:
                also()

        loop = asyncio.get_running_loop()
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop)
        try:
            yield
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)
