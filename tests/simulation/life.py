"""One life: orders, what happens to them, and what happens to the program meanwhile; all decided by a seed."""

from __future__ import annotations

import asyncio
import random
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Final

from messenger.domain.events import Event
from messenger.domain.messages import PlannedMessage, State
from messenger.ports import Line
from messenger.services.home import Home
from messenger.storage import open_store
from messenger.storage.store import SqlStore
from tests.builders import event, parcel
from tests.simulation.loop import START, SimulatedLoop
from tests.simulation.network import Accepted, Post
from tests.simulation.process import Process

RULES: Final = """\
version = 1
[safety]
max_new_messages = 1000
[defaults]
window = "08:00-21:00"
cap = { per_order = "2/1d" }
[rules.shipped]
template = "shipped"
on = "order.shipped"
delay = "20m"
cancel_on = ["order.cancelled", "shipment.delivered"]
[rules.late]
template = "delay-apology"
on = "order.shipped"
delay = "3h"
cancel_on = ["order.cancelled", "shipment.delivered"]
[rules.stuck]
template = "customs-delay"
silent = "2h"
since = "shipment.*"
where = { shipment.state = ["import_customs"] }
[rules.review]
template = "review-request"
on = "order.delivered"
delay = "1h"
category = "relational"
"""
ZONES: Final = ("Europe/Madrid", "Asia/Kathmandu", "America/Sao_Paulo", "Pacific/Apia", "Europe/Moscow")
JUMPS: Final = tuple(timedelta(hours=hours) for hours in (3, -1, 48, -48))
"""By how much a machine's clock may suddenly be off."""
TROUBLED: Final = 8 * 3600.0
"""Seconds during which things happen and go wrong; then the world is well again, and the program has to come to rest."""
PATIENCE: Final = 12 * 86400.0
"""Seconds after which a program that has not come to rest never will."""


@dataclass(frozen=True, slots=True)
class World:
    """What all lives begin with: a home, and a database in which nothing has happened yet."""

    home: Home
    database: Path


@dataclass(slots=True)
class Life:
    """What is left of one life."""

    seed: int
    rows: list[PlannedMessage] = field(default_factory=list)
    accepted: list[Accepted] = field(default_factory=list)
    taken_in: dict[str, float] = field(default_factory=dict)
    """When each event was known for certain: its taking-in was confirmed. By event id."""
    set_out: dict[str, list[float]] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    kills: int = 0
    has_jumped: bool = False
    """A machine's clock was hours or days off for a while: it may then take night for day, but nothing else."""
    came_to_rest: bool = False
    trace: str = ""

    @property
    def copies(self) -> Counter[str]:
        """How often the server took responsibility for each message."""
        return Counter(one.message_id for one in self.accepted)


def live(seed: int, world: World, folder: Path) -> Life:
    """Live one life and return what is left of it."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{seed}.db"
    shutil.copy(world.database, path)
    chance = random.Random(seed)
    post = Post(random.Random(chance.random()), trouble=chance.choice((0.0, 0.02, 0.1, 0.3)))
    loop = SimulatedLoop(random.Random(chance.random()), post)
    loop.set_exception_handler(lambda _loop, _context: None)  # what a killed process left behind is nobody's any more
    asyncio.set_event_loop(loop)
    try:
        with closing(open_store(f"sqlite:///{path}")) as store:
            return loop.run_until_complete(_Fate(seed, chance, loop, post, store, world).play())
    finally:
        asyncio.set_event_loop(None)
        loop.close()


class _Fate:
    """Lets events happen and processes die."""

    def __init__(
        self, seed: int, chance: random.Random, loop: SimulatedLoop, post: Post, store: SqlStore, world: World
    ) -> None:
        self._chance = chance
        self._loop = loop
        self._post = post
        self._store = store
        self._world = world
        self._life = Life(seed)
        self._digest = sha256()
        self._processes: list[Process] = []
        self._dead: list[Process] = []
        self._born = 0
        self._jumps = "clock" if chance.random() < 0.3 else "stand still"

    async def play(self) -> Life:
        """Live it."""
        self._processes = [self._process() for _ in range(self._chance.randint(1, 3))]
        deaths = [self._loop.create_task(self._troubles(number)) for number in range(len(self._processes))]
        news = [self._loop.create_task(self._deliver(*delivery)) for delivery in self._deliveries()]
        downs = self._loop.create_task(self._outages())
        await asyncio.gather(*deaths, *news, downs)
        self._post.trouble = 0.0
        await self._rest()
        for process in [*self._processes, *self._dead]:
            process.is_alive = False
            await process.end()
        self._life.rows = list(self._store.outbox())
        self._life.accepted = self._post.accepted
        self._digest.update(repr(self._post.accepted).encode())
        self._life.trace = self._digest.hexdigest()
        return self._life

    def _process(self) -> Process:
        self._born += 1
        process = Process(
            loop=self._loop, store=self._store, home=self._world.home, owner=f"process-{self._born}",
            chance=random.Random(self._chance.random()), told=self._hear,
        )  # fmt: skip
        process.start()
        return process

    def _hear(self, what: str) -> None:
        self._digest.update(f"{self._loop.time():.6f} {what}\n".encode())

    async def _troubles(self, number: int) -> None:
        """Kill, stop and start one process again and again."""
        for _ in range(self._chance.randint(0, 4)):
            await asyncio.sleep(self._chance.uniform(0.0, TROUBLED / 4))
            process = self._processes[number]
            match self._chance.choice(("kill", "call", "call", "stand still", self._jumps)):
                case "kill":
                    process.kill()
                case "call":
                    process.calls_left = self._chance.randint(0, 60)
                    await asyncio.sleep(self._chance.uniform(0.0, 1800.0))
                case "clock":
                    self._life.has_jumped = True
                    process.clock.skew = self._chance.choice(JUMPS)
                    await asyncio.sleep(self._chance.uniform(60.0, 3600.0))
                    process.clock.skew = timedelta(0)
                case _:
                    process.stop(self._chance.uniform(1.0, 300.0))
            if not process.is_alive:
                self._life.kills += 1
                await asyncio.sleep(self._chance.uniform(0.0, 600.0))
                self._dead.append(process)
                self._processes[number] = self._process()
        self._processes[number].calls_left = 10**9
        if not self._processes[number].is_alive:
            self._dead.append(self._processes[number])
            self._processes[number] = self._process()

    async def _outages(self) -> None:
        """The mail server is down now and then."""
        for _ in range(self._chance.randint(0, 2)):
            await asyncio.sleep(self._chance.uniform(0.0, TROUBLED / 2))
            self._post.is_down = True
            await asyncio.sleep(self._chance.uniform(10.0, 3000.0))
            self._post.is_down = False

    def _deliveries(self) -> list[tuple[float, list[Event]]]:
        """What is told when: in portions, late, twice and out of order."""
        told: list[tuple[float, Event]] = []
        for number in range(self._chance.randint(2, 8)):
            for happened, one in self._story(str(number)):
                self._life.events.append(one)
                times = self._chance.choice((1, 1, 1, 2))
                told += [(happened + self._chance.expovariate(1 / 600.0), one) for _ in range(times)]
        told.sort(key=lambda one: one[0])
        portions: list[tuple[float, list[Event]]] = []
        while told:
            size = self._chance.randint(1, 4)
            portion, told = told[:size], told[size:]
            self._chance.shuffle(portion)
            portions.append((max(at for at, _ in portion), [one for _, one in portion]))
        return portions

    def _story(self, order: str) -> Iterator[tuple[float, Event]]:
        """What happens to one order, and how many seconds after the start."""
        buyer = {
            "id": f"b{order}", "name": "Ana", "email": f"b{order}@example.com", "country": "ES",
            "language": self._chance.choice(("en", "es")), "timezone": self._chance.choice(ZONES),
        }  # fmt: skip
        at = self._chance.uniform(0.0, TROUBLED / 4)
        yield at, event("order.paid", at=_iso(at), order=order, buyer=buyer, told={"items": [{"title": "Puzzle"}]})
        at += self._chance.uniform(0.0, 1800.0)
        yield at, event("order.shipped", at=_iso(at), order=order, shipment={"number": f"RR{order}"})
        for _ in range(self._chance.randint(0, 2)):
            at += self._chance.uniform(60.0, 7200.0)
            yield at, parcel("import_customs", at=_iso(at), number=f"RR{order}")
        at += self._chance.uniform(60.0, 7200.0)
        match self._chance.choice(("delivered", "cancelled", "nothing", "dispute")):
            case "delivered":
                yield at, parcel("delivered", at=_iso(at), number=f"RR{order}")
            case "cancelled":
                yield at, event("order.cancelled", at=_iso(at), order=order)
            case "dispute":
                yield at, event("dispute.opened", at=_iso(at), order=order, dispute={"id": "d", "reason": "late"})
                at += self._chance.uniform(60.0, 7200.0)
                yield at, event("dispute.closed", at=_iso(at), order=order, dispute={"id": "d"})
            case _:
                pass

    async def _deliver(self, at: float, events: list[Event]) -> None:
        """Tell a portion, again until somebody has confirmed it."""
        await asyncio.sleep(at)
        lines = [Line(file="fate", line=number, event=one) for number, one in enumerate(events, start=1)]
        while True:
            process = self._chance.choice(self._processes)
            if process.is_alive:
                await asyncio.wait([process.do(self._told(process, lines))], timeout=60.0)
                if all(one.id in self._life.taken_in for one in events):
                    return
            await asyncio.sleep(30.0)

    async def _told(self, process: Process, lines: list[Line]) -> None:
        await asyncio.to_thread(process.take, lines)
        now = self._loop.time()
        for line in lines:
            self._life.taken_in.setdefault(line.event.id, now)
        for one in self._processes:
            one.wake.set()

    async def _rest(self) -> None:
        """Wait until nothing waits any more."""
        open_states = [one for one in State if one.is_waiting or one is State.SENDING]
        until = self._loop.time() + PATIENCE
        while self._loop.time() < until:
            pulse = self._store.pulse(now=self._processes[0].clock.now())
            if (
                not (pulse.backlog or pulse.next_resend)
                and next(iter(self._store.outbox(states=open_states)), None) is None
            ):
                self._life.came_to_rest = True
                return
            await asyncio.sleep(600.0)


def _iso(seconds: float) -> str:
    return (START + timedelta(seconds=seconds)).replace(tzinfo=None).isoformat()
