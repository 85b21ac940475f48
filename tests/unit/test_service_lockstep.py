"""The simulator and the program keep step: random schedules and events, played, and lived through on a clock set by hand."""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings

from messenger.domain.events import Event
from messenger.domain.messages import WAITING, PlannedMessage, State
from messenger.domain.rules import Rule
from messenger.mail.memory import MemoryTransport
from messenger.mail.mime import MimeComposer
from messenger.ports import Line as Read
from messenger.ports import Store
from messenger.services.clocks import SetClock
from messenger.services.dispatching import Dispatcher
from messenger.services.gathering import unique
from messenger.services.home import Home
from messenger.services.ingesting import Ingest
from messenger.services.simulating import Line, Simulator
from messenger.storage import open_store
from messenger.storage.schema import migrate
from tests.unit.test_service_simulating import START, home_with, rules, streams

LIVES: Final = 40
MOST_STEPS: Final = 2000


@pytest.fixture(scope="module")
def empty_database() -> Iterator[Path]:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "empty.db"
        migrate(f"sqlite:///{path}")
        yield path


class Life:
    """The program with an empty database, on a clock that is moved from one thing to the next."""

    def __init__(self, store: Store, home: Home) -> None:
        self._store = store
        self._clock = SetClock(START - timedelta(days=1))
        self._ingest = Ingest(store, home, self._clock)
        self._dispatcher = Dispatcher(
            store=store, home=home, clock=self._clock, composer=MimeComposer(), transports={"main": MemoryTransport("main")},
            owner="worker", lease=timedelta(seconds=60), batch=100,
        )  # fmt: skip

    def through(self, events: list[Event]) -> list[PlannedMessage]:
        """Live through the events, each at its time, and until nothing waits."""
        for at in sorted({event.time for event in events}):
            self._work_until(at)
            self._clock.advance_to(at)
            lines = [Read(file="events", line=1, event=event) for event in events if event.time == at]
            self._ingest.accept(lines, kind="file", name=str(at))
            self._ingest.take_in()
        self._work_until(datetime.max.replace(tzinfo=UTC))
        return list(self._store.outbox())

    def _work_until(self, until: datetime) -> None:
        for _ in range(MOST_STEPS):
            due = min((row.due_at for row in self._store.outbox(states=sorted(WAITING))), default=until)
            if due >= until:
                return
            self._clock.advance_to(due)
            asyncio.run(self._dispatcher.run_due())
        raise AssertionError("the program never comes to rest")


def of_line(line: Line) -> tuple[str, ...]:
    key = (line.order, line.rule, line.scope, str(line.step))
    return (*key, line.outcome, line.reason or "", *when_sent(line.outcome, line.at, line.locale))


def of_row(row: PlannedMessage) -> tuple[str, ...]:
    key = (row.order, row.key.rule, row.key.scope, str(row.key.step))
    return (*key, str(row.state), str(row.reason or ""), *when_sent(row.state, row.sent_at, row.locale))


def when_sent(state: str, at: datetime | None, locale: str | None) -> tuple[str, str]:
    """When it was sent, and in which language; of other ends the outbox does not tell as much."""
    return (str(at), locale or "") if state == State.SENT else ("", "")


def known_from_the_start(events: list[Event]) -> list[Event]:
    """The same events, none of them before its order, and with it its buyer, has been told of."""
    opened = {event.order: event.time for event in events if event.type == "order.paid" and "buyer" in event.data}
    return unique(replace(event, time=max(event.time, opened.get(event.order, event.time))) for event in events)


@settings(max_examples=LIVES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(rules(), streams())
def test_what_is_played_is_what_happens(empty_database: Path, schedule: tuple[Rule, ...], events: list[Event]) -> None:
    home = home_with(*schedule)
    home = replace(home, schedule=replace(home.schedule, max_new_messages=sys.maxsize))
    told = known_from_the_start(unique(events))
    with TemporaryDirectory() as folder:
        path = Path(folder) / "messenger.db"
        shutil.copyfile(empty_database, path)
        store = open_store(f"sqlite:///{path}")
        try:
            rows = Life(store, home).through(told)
        finally:
            store.close()

    assert {of_row(row) for row in rows} == {of_line(line) for line in Simulator(home).play(told)}
