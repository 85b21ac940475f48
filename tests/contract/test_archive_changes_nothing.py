"""A shop whose finished orders move away plans, sends and tells exactly what one does that keeps everything at hand."""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from sqlalchemy import insert, select

from messenger.domain.events import Event
from messenger.domain.messages import Outcome, State
from messenger.domain.retention import Retention
from messenger.homes import load_home, load_settings_only
from messenger.mail.memory import MemoryTransport
from messenger.mail.mime import MimeComposer
from messenger.ports import Line, OrderKey
from messenger.services.clocks import SetClock
from messenger.services.dispatching import Dispatcher
from messenger.services.home import Home
from messenger.services.ingesting import Ingest
from messenger.services.queueing import Choice, Queue, Verb
from messenger.storage import SqlStore, migrate, open_store
from messenger.storage.tables import archive
from messenger.storage.tables import secrets as kept_secrets
from tests.builders import event
from tests.postgres import drop_database, new_database
from tests.stage import KEPT, START, stage

LIVES: Final = int(os.environ.get("MESSENGER_TWINS", "2"))
"""How many pairs of shops are tried; half as many on PostgreSQL."""
STEPS: Final = 100
ANSWERS: Final = (*[Outcome.ACCEPTED] * 5, Outcome.PERMANENT, Outcome.TEMPORARY, Outcome.UNCERTAIN)
"""No trouble with the account: whom it meets first is chance."""
RULES = """\
[defaults]
window = "always"
cap = { per_order = "2/1d", per_buyer = "3/2d" }
[rules.shipped]
template = "shipped"
on = "order.shipped"
delay = ["1h", "2d"]
merge = { within = "6h", same = "buyer" }
[rules.late]
template = "delay-apology"
on = "order.shipped"
delay = "3d"
where = { told.shipped = true }
cancel_on = ["shipment.delivered"]
[rules.stuck]
template = "customs-delay"
silent = ["1d", "3d"]
since = "shipment.*"
where = { shipment.state = ["import_customs"] }
supersedes = ["late"]
[rules.review]
template = "review-request"
on = "order.delivered"
delay = "1d"
category = "relational"
once_per = "buyer/25d"
"""
ORDERS = [OrderKey(shop="toys", number=str(number)) for number in range(16)]
KINDS = (
    "order.paid", "order.shipped", "import_customs", "delivered", "delivered", "order.cancelled", "dispute.opened", "dispute.closed",
)  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    made = stage(tmp_path_factory.mktemp("shop"))
    (made.folder / "schedules.toml").write_text(
        f"version = 1\n[safety]\nmax_new_messages = 1000\n{RULES}", encoding="utf-8"
    )
    found = load_home(made.folder, load_settings_only(made.folder, {}))
    assert set(KEPT) <= {one.template for one in found.schedule.rules}
    return replace(found, retention=Retention(finished=timedelta(days=1)))


@dataclass(slots=True)
class World:
    """One shop with its own database."""

    store: SqlStore
    home: Home
    clock: SetClock
    transport: MemoryTransport

    def take_in(self, told: Event) -> None:
        ingest = Ingest(self.store, self.home, self.clock)
        ingest.accept([Line(file="t", line=1, event=told)], kind="file", name="t")
        ingest.take_in()

    def send(self) -> None:
        dispatcher = Dispatcher(
            store=self.store, home=self.home, clock=self.clock, composer=MimeComposer(), transports={"main": self.transport},
            owner="w", lease=timedelta(seconds=60), batch=50,
        )  # fmt: skip
        self.store.rescue(now=self.clock.now())
        dispatcher.resolve_uncertain()
        asyncio.run(dispatcher.run_due())

    def act(self, verb: Verb, order: OrderKey) -> None:
        queue = Queue(self.store, self.home, self.clock)
        if self.store.messages_of(order):
            queue.act(verb, queue.choose(verb, Choice(order=order)), by="Ann")

    def comes_back(self, order: OrderKey) -> None:
        for row in self.store.messages_of(order):
            if row.state is State.SENT and row.message_id:
                found = self.store.by_message_id([row.message_id])
                assert found is not None
                self.store.came_back(found.id, state=State.BOUNCED, because="5.1.1", at=self.clock.now())
                return

    def told(self) -> dict[OrderKey, tuple[object, ...]]:
        """Everything about every order, and all that has left."""
        return {
            key: (
                [replace(row, lease_until=None) for row in self.store.messages_of(key)],
                Counter(map(repr, self.store.record_of(key))),
            )
            for key in ORDERS
        } | {OrderKey(shop="", number="sent"): (Counter((str(one.key), one.content) for one in self.transport.sent),)}


class Twins:
    """Two shops to which the same happens; what is over moves away in the first. A seed decides what."""

    def __init__(self, chance: random.Random, moving: World, keeping: World) -> None:
        self._chance = chance
        self._moving = moving
        self._both = (moving, keeping)
        self._known = 0
        """How many orders there are."""
        self.away = 0
        """How many orders have been moved away."""
        self.back = 0
        """How many came back."""

    def live(self, steps: int) -> None:
        """Let so many things happen, and compare after each."""
        acts = {
            self._an_order_comes: 12, self._time_passes: 40, self._something_happens: 30, self._staff_decide: 6, self._minds_change: 8,
            self._a_mail_returns: 4,
        }  # fmt: skip
        for (act,) in (self._chance.choices([*acts], [*acts.values()]) for _ in range(steps)):
            before = self._archived()
            act()
            self.back += max(0, before - self._archived())
            self._move_away()
            self._compare(act.__name__)

    def _an_order_comes(self) -> None:
        if self._known < len(ORDERS):
            self._known += 1
            self._tell("order.shipped", ORDERS[self._known - 1], timedelta(0))

    def _something_happens(self) -> None:
        """Perhaps known only much later."""
        ago = timedelta(hours=self._chance.choice([0, 0, 0, 0, 2, 30, 900]))
        self._tell(self._chance.choice(KINDS), self._order(), ago)

    def _tell(self, kind: str, order: OrderKey, ago: timedelta) -> None:
        at = (self._moving.clock.now() - ago).replace(tzinfo=None).isoformat()
        for one in self._both:
            one.take_in(_event(kind, order, at))

    def _time_passes(self) -> None:
        span = timedelta(hours=self._chance.choice([1, 5, 5, 26, 26, 26, 26, 26, 50, 50, 50, 700]))
        for one in self._both:
            one.clock.advance_to(one.clock.now() + span)
            one.send()

    def _minds_change(self) -> None:
        """The mail server's, about one buyer."""
        buyer, outcome = self._chance.choice("01"), self._chance.choice(ANSWERS)
        for one in self._both:
            one.transport.answer_for(f"b{buyer}@example.com", outcome)

    def _staff_decide(self) -> None:
        order, verb = self._order(), self._chance.choice([*Verb])
        for one in self._both:
            one.act(verb, order)

    def _a_mail_returns(self) -> None:
        order = self._order()
        for one in self._both:
            one.comes_back(order)

    def _order(self) -> OrderKey:
        """Mostly one of the last ones."""
        first = 0 if self._chance.random() < 0.3 else max(0, self._known - 4)
        return ORDERS[self._chance.randrange(first, max(1, self._known))]

    def _move_away(self) -> None:
        now, keep = self._moving.clock.now(), self._moving.home.retention.kept(self._moving.home.schedule)
        self._moving.store.forget_letters(before=now - keep, now=now)
        self.away += self._moving.store.archive(before=now - keep, now=now)

    def _archived(self) -> int:
        with self._moving.store._database.read() as connection:
            return len(connection.execute(select(archive.c.shop)).all())

    def _compare(self, after: str) -> None:
        one, other = (world.told() for world in self._both)
        assert one == other, f"they differ after {after}"
        keys = [row.key for order in ORDERS[: self._known] for row in self._moving.store.messages_of(order)]
        assert len(keys) == len(set(keys))


def _event(kind: str, order: OrderKey, at: str) -> Event:
    buyer = f"b{int(order.number) % 2}"
    if kind in {"import_customs", "delivered"}:
        return event(f"shipment.{kind}", at=at, order=None, shipment={"number": f"RR{order.number}"})
    sections: dict[str, Any] = {
        "buyer": {"id": buyer, "email": f"{buyer}@example.com", "country": "ES", "language": "es"}
    }  # Any: sections of an event
    match kind:
        case "order.shipped":
            sections |= {"shipment": {"number": f"RR{order.number}"}, "told": {"items": [{"title": "Puzzle"}]}}
        case "dispute.opened" | "dispute.closed":
            sections |= {"dispute": {"id": "d", "reason": "late"}}
        case _:
            pass
    return event(kind, at=at, order=order.number, **sections)


@pytest.fixture
def twins(
    engine_name: str, home: Home, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Callable[[int], Twins]]:
    """Makes pairs of new shops; they share what makes Message-IDs."""
    opened: list[SqlStore] = []
    urls: list[str] = []

    def world() -> World:
        if engine_name == "sqlite":
            urls.append(f"sqlite:///{tmp_path}/{len(urls)}.db")
            migrate(urls[-1])
        else:
            template = request.getfixturevalue("postgres_template")
            urls.append(new_database(request.getfixturevalue("postgres"), template=template))
        opened.append(open_store(urls[-1]))
        return World(opened[-1], home, SetClock(START), MemoryTransport("main"))

    def pair(seed: int) -> Twins:
        one, other = world(), world()
        one.send()
        _share_secrets(one.store, other.store)
        return Twins(random.Random(seed), one, other)

    yield pair
    for store in opened:
        store.close()
    for url in urls if engine_name == "postgres" else ():
        drop_database(url)


def _share_secrets(one: SqlStore, other: SqlStore) -> None:
    with one._database.read() as connection:
        rows = [dict(row) for row in connection.execute(select(kept_secrets)).mappings()]
    with other._database.write() as connection:
        connection.execute(insert(kept_secrets), rows)


@pytest.mark.timeout(900)
def test_moving_away_what_is_over_changes_nothing(twins: Callable[[int], Twins], engine_name: str) -> None:
    lives = LIVES if engine_name == "sqlite" else max(1, LIVES // 2)
    pairs = [twins(seed) for seed in range(lives)]

    for pair in pairs:
        pair.live(STEPS)

    assert sum(pair.away for pair in pairs) > 3 * lives
    assert sum(pair.back for pair in pairs) > 0
