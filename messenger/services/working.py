"""The long-running process: takes in what was received, sends what is due, frees what dead workers left."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from messenger.errors import StorageError
from messenger.ports import Clock, Composer, Pulse, Store, Transport
from messenger.services.accounts import Limits
from messenger.services.clocks import SetClock
from messenger.services.dispatching import Dispatcher, Tally
from messenger.services.home import Home
from messenger.services.housekeeping import Housekeeping
from messenger.services.ingesting import Ingest

log = logging.getLogger(__name__)

TICK: Final = 1.0
"""Seconds between looks for something due."""
GATHERS: Final = 0.05
"""Seconds after news before it is looked at: mostly more of it follows at once."""
LOOK: Final = 1.5
"""Seconds between looks for edited rules and texts, or a newer generation."""
CHORES: Final = 10.0
"""Seconds between looks whether something else is to be done."""
WATCH: Final = 30.0
"""Seconds between looks for what staff must know of."""
LONGEST_WATCH: Final = 60.0
"""Seconds that a process which stops when idle waits for staff to be told."""
GRACE: Final = 30.0
"""Seconds that messages in hand have to finish after the process was asked to stop."""
LONGEST_WAIT: Final = 30.0
"""Seconds between looks whether the database is there again, at most."""


@dataclass(frozen=True, slots=True)
class Reloaded:
    """A newer generation, ready to work by."""

    home: Home
    transports: Mapping[str, Transport]
    composer: Composer
    limits: Mapping[str, Limits]


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
    receive: Callable[[], object] = lambda: None
    """Reads what was posted, just before what was received is taken in."""
    chores: Callable[[], object] = lambda: None
    """What else is looked at now and then, such as mailboxes for bounces; run in a thread of its own."""
    watch: Callable[[float], None] = lambda _: None
    """Begins to look for what staff must know of and to tell them, and waits so many seconds for it to end."""
    _stopped: asyncio.Event = field(default_factory=asyncio.Event)
    _woken: asyncio.Event = field(default_factory=asyncio.Event)
    """There is news, or it is to stop."""
    _trouble: int = 0
    """How often in a row the database was away."""

    async def run_until_idle(self, progress: Callable[[Tally], None] | None = None) -> Tally:
        """Work until nothing is due, claimed, sending or awaiting a resend, whoever left it; returns what was done.

        What waits for an account in trouble is not waited for, but told (``Tally.blocked``).
        """
        tally = Tally()
        with self.dispatcher.heart.beating(), self._stop_on_signals():
            try:
                await self._until_idle(tally, progress)
                await asyncio.to_thread(self.watch, LONGEST_WATCH)
            finally:
                await self.dispatcher.close()
        return tally

    async def _until_idle(self, tally: Tally, progress: Callable[[Tally], None] | None) -> None:
        while True:
            await asyncio.to_thread(self._look_for_edits)
            await asyncio.to_thread(self._housekeeping)
            await asyncio.to_thread(self.ingest.take_in)
            await self._dispatch(tally)
            if progress:
                progress(tally)
            pulse = await asyncio.to_thread(self.store.pulse, now=self.clock.now())
            tally.blocked = pulse.blocked
            if self.dispatcher.stopping or self._is_idle(pulse):
                return
            await self._wait_for(pulse)

    async def run(self) -> None:
        """Work until asked to stop by SIGTERM or SIGINT; then finish what is in hand and leave nothing claimed."""
        scheduler = AsyncIOScheduler(timezone="UTC")
        common = {"trigger": "interval", "coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        # Plain functions: the scheduler runs them in threads of its own. It would not await what a lambda returns.
        scheduler.add_job(self._take_in, seconds=TICK, id="intake", **common)
        tidy, look = _calm(self._housekeeping, "housekeeping_failed"), _calm(self._look_for_edits, "edits_not_read")
        scheduler.add_job(tidy, seconds=max(TICK, self.lease.total_seconds() / 3), id="rescue", **common)
        scheduler.add_job(look, seconds=LOOK, id="edits", **common)
        scheduler.add_job(self._do_chores, seconds=CHORES, id="chores", **common)
        scheduler.add_job(self.watch, args=[0.0], seconds=WATCH, id="watch", **common)
        with self.dispatcher.heart.beating(), self._stop_on_signals(), self.store.news(self._hearing()):
            await asyncio.to_thread(self._keep().spread_after_outage)
            scheduler.start()
            try:
                await self._tick()
                while not self.dispatcher.stopping:
                    await (self._tick() if await self._rest() else self._pass())
            finally:
                scheduler.shutdown(wait=False)
                await self.dispatcher.close()

    async def _tick(self) -> None:
        """Take in, and send what is due."""
        await asyncio.to_thread(self._take_in)
        await self._pass()

    async def _pass(self) -> None:
        """Send what is due; trouble is told, and the next pass tries again."""
        try:
            await self._dispatch()
            await asyncio.to_thread(self.store.alive, now=self.clock.now())
        except StorageError as error:  # nothing is sent without it; connections are made anew by the next pass
            self._trouble += 1
            log.warning("database_away", extra={"problem": str(error), "times": self._trouble})
        except Exception:  # a worker that dies of one error sends nothing at all
            log.exception("tick_failed")
        else:
            self._trouble = 0

    async def _rest(self) -> bool:
        """Until it is time for the next pass, or to stop, or there is news; returns whether there was."""
        if self._trouble:
            await self._wait(self._stopped, min(LONGEST_WAIT, TICK * 2**self._trouble))
            return False
        await self._wait(self._woken, TICK)
        if self._woken.is_set() and not self._stopped.is_set():
            await self._wait(self._stopped, GATHERS)
        has_news = self._woken.is_set()
        self._woken.clear()
        return has_news

    @staticmethod
    async def _wait(event: asyncio.Event, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await event.wait()

    def _hearing(self) -> Callable[[], None]:
        """What is called, from another thread, when there is news."""
        loop = asyncio.get_running_loop()

        def heard() -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(self._woken.set)

        return heard

    async def _dispatch(self, tally: Tally | None = None) -> None:
        """One pass; once asked to stop, what is in hand has so many seconds to finish, and is cut off then."""
        work = asyncio.get_running_loop().create_task(self.dispatcher.run_due(tally))
        stopped = asyncio.get_running_loop().create_task(self._stopped.wait())
        try:
            await asyncio.wait({work, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                await asyncio.wait({work}, timeout=GRACE)
        finally:
            stopped.cancel()
            is_cut = not work.done()
            if is_cut:
                work.cancel()
                await asyncio.wait({work})
        if is_cut:
            log.warning("cut_off", extra={"seconds": GRACE})
        elif not work.cancelled():
            work.result()

    def _take_in(self) -> None:
        _calm(self.receive, "deliveries_not_read")()
        _calm(self.ingest.take_in, "intake_failed")()

    def _do_chores(self) -> None:
        _calm(self.chores, "chores_failed")()

    def _look_for_edits(self) -> None:
        self._adopt(self.reload())

    def _housekeeping(self) -> None:
        self._keep().tidy()

    def _replan(self) -> None:
        self._keep().replan()

    def _keep(self) -> Housekeeping:
        return Housekeeping(self.store, self.clock, self.ingest, self.dispatcher)

    def _adopt(self, newer: Reloaded | None) -> None:
        if newer is None:
            return
        before = self.ingest.home.generation
        self.ingest.home = newer.home
        self.dispatcher.adopt(newer.home, newer.transports, newer.composer, limits=newer.limits)
        if newer.home.generation != before:
            log.info("generation_adopted", extra={"generation": newer.home.generation})

    @staticmethod
    def _is_idle(pulse: Pulse) -> bool:
        return not (pulse.due or pulse.in_hand or pulse.next_resend or pulse.backlog)

    async def _wait_for(self, pulse: Pulse) -> None:
        """Until the next lease runs out, a second copy may leave, or an account has room; a set clock simply moves there."""
        room = self.dispatcher.accounts.next_room() if pulse.due else None
        moments = [moment for moment in (pulse.next_lease, pulse.next_resend, room) if moment is not None]
        if (pulse.due and room is None) or pulse.backlog or not moments:
            await asyncio.sleep(0.05)
            return
        if isinstance(self.clock, SetClock):
            self.clock.advance_to(min(moments) + timedelta(milliseconds=1))
            return
        seconds = (min(moments) - self.clock.now()).total_seconds()
        await self._wait(self._stopped, min(max(seconds, 0.05), TICK))

    @contextlib.contextmanager
    def _stop_on_signals(self) -> Iterator[None]:
        """Stop at the first SIGTERM or SIGINT; a second one ends the process at once, as it would without us."""
        loop = asyncio.get_running_loop()
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def stop() -> None:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)
                signal.signal(number, signal.SIG_DFL)
            self.dispatcher.stopping = True
            self._stopped.set()
            self._woken.set()

        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop)
        try:
            yield
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)


def _calm(work: Callable[[], object], failed: str) -> Callable[[], None]:
    """Return what does the work and lets nothing leave it: trouble is told, and the next time tries again."""

    def job() -> None:
        try:
            work()
        except StorageError as error:
            log.warning("database_away", extra={"problem": str(error)})
        except OSError as error:  # the machine's, not ours: a file that may not be opened, for example
            log.warning(failed, extra={"problem": str(error)})
        except Exception:
            log.exception(failed)

    return job
