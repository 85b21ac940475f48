"""A process that may be killed at any call of the database, between any two of them, and started again."""

from __future__ import annotations

import asyncio
import contextvars
import random
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from messenger.mail.mime import MimeComposer
from messenger.mail.smtp import Security, SmtpSettings, SmtpTransport
from messenger.ports import Line, Store
from messenger.services.dispatching import Dispatcher
from messenger.services.home import Home
from messenger.services.ingesting import Ingest
from messenger.services.working import Worker
from tests.simulation.loop import Gone, SimulatedClock, SimulatedLoop
from tests.simulation.whose import running

LEASE: Final = timedelta(seconds=60)
LONGEST_SLEEP: Final = 30.0
"""Seconds between two looks for something due, at most; the program itself looks every second."""


class MortalStore:
    """The store as one process sees it: every call may be its last, before or after it was done."""

    def __init__(self, store: Store, process: Process) -> None:
        self._store = store
        self._process = process

    def __getattr__(self, name: str) -> Any:  # Any: whatever the store's method is
        found = getattr(self._store, name)
        if not callable(found):
            return found

        def call(*args: object, **more: object) -> object:
            self._process.lives(name)
            if name == "begin":
                return self._unit(found())
            answer = found(*args, **more)
            self._process.lives(f"{name}'")
            return answer

        return call

    @contextmanager
    def _unit(self, opened: AbstractContextManager[Any]) -> Any:  # Any: a unit
        with opened as unit:
            yield unit
            self._process.lives("commit")
        self._process.lives("commit'")


@dataclass(slots=True, eq=False)
class Process:
    """One worker process. ``told`` hears every call of the database: the trace of a life."""

    loop: SimulatedLoop
    store: Store
    home: Home
    owner: str
    chance: random.Random
    told: Callable[[str], None]
    is_alive: bool = True
    calls_left: int = 10**9
    """After so many calls of the database it is killed."""
    lines: list[Any] = field(default_factory=list)  # Any: lines of the network
    worker: Worker = field(init=False)
    clock: SimulatedClock = field(init=False)
    wake: asyncio.Event = field(init=False)
    busy: asyncio.Event = field(init=False)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)
    _stopped_until: float = 0.0

    def __post_init__(self) -> None:
        self.clock = SimulatedClock(self.loop)
        self.wake, self.busy = asyncio.Event(), asyncio.Event()
        mortal: Any = MortalStore(self.store, self)  # Any: it is the store, method by method
        post = SmtpTransport(
            SmtpSettings(name="main", host="127.0.0.1", port=25, security=Security.NONE, connections=2)
        )
        dispatcher = Dispatcher(
            store=mortal, home=self.home, clock=self.clock, composer=MimeComposer(), transports={"main": post}, owner=self.owner,
            lease=LEASE, batch=20,
        )  # fmt: skip
        self.worker = Worker(
            store=mortal, clock=self.clock, ingest=Ingest(mortal, self.home, self.clock), dispatcher=dispatcher, owner=self.owner,
            lease=LEASE,
        )  # fmt: skip

    def lives(self, at: str) -> None:
        """Go on, or die here.

        Raises:
            Gone: the process is dead.
        """
        self.calls_left -= 1
        if self.calls_left < 0 and self.is_alive:
            self.kill()
        if not self.is_alive:
            raise Gone
        self.told(f"{self.owner} {at}")

    def start(self) -> None:
        """Begin to work."""
        context = contextvars.copy_context()
        context.run(running.set, self)
        for work in (self._ticks(), self._houses(), self._beats()):
            self._tasks.append(self.loop.create_task(work, context=context))

    def kill(self) -> None:
        """End at once, as by ``kill -9``."""
        self.is_alive = False
        self.told(f"{self.owner} killed")
        for line in self.lines:
            line.cut()

    def stop(self, seconds: float) -> None:
        """Stand still, as by SIGSTOP, without the lease being renewed; lines stay open."""
        self._stopped_until = self.loop.time() + seconds

    def do(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Let the process do something besides."""
        context = contextvars.copy_context()
        context.run(running.set, self)
        task = self.loop.create_task(work, context=context)
        self._tasks.append(task)
        return task

    def take(self, lines: list[Line]) -> None:
        """Take events in; whether it was killed meanwhile is for the caller to see."""
        self.worker.ingest.accept(lines, kind="file", name="fate")
        self.worker.ingest.take_in()

    async def end(self) -> None:
        """Drop what a dead process left of itself in memory."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _standing(self) -> None:
        while self.loop.time() < self._stopped_until:  # noqa: ASYNC110  # it may be stopped anew meanwhile
            await asyncio.sleep(self._stopped_until - self.loop.time())

    async def _ticks(self) -> None:
        while self.is_alive:
            await self._standing()
            self.wake.clear()
            self.busy.set()
            await self.worker._tick()
            self.busy.clear()
            await self._sleep()

    async def _sleep(self) -> None:
        """Until something may be due, or somebody says so."""
        pulse = await asyncio.to_thread(self.worker.store.pulse, now=self.clock.now())
        moments = [one for one in (pulse.next_due, pulse.next_resend, pulse.next_lease) if one is not None]
        waits = min(((one - self.clock.now()).total_seconds() for one in moments), default=10**6)
        try:
            async with asyncio.timeout(max(self.chance.uniform(1.0, LONGEST_SLEEP), waits)):
                await self.wake.wait()
        except TimeoutError:
            pass  # time has come

    async def _houses(self) -> None:
        while self.is_alive:
            await self._standing()
            await asyncio.to_thread(self.worker._housekeeping)
            await self._until_needed()

    async def _until_needed(self) -> None:
        """A third of a lease; longer when nobody holds anything."""
        pulse = await asyncio.to_thread(self.worker.store.pulse, now=self.clock.now())
        await asyncio.sleep(LEASE.total_seconds() / 3 if pulse.in_hand or pulse.next_resend or pulse.due else 1200.0)

    async def _beats(self) -> None:
        """The heartbeat is a thread of its own, but this loop has none: it beats here."""
        while self.is_alive:
            await self.busy.wait()
            await asyncio.sleep(LEASE.total_seconds() / 3)
            await self._standing()
            await asyncio.to_thread(self.worker.store.heartbeat, owner=self.owner, lease_until=self.clock.now() + LEASE)
