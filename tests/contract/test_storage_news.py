"""Whoever waits for work hears of it: on PostgreSQL at once, however it was made; on SQLite nobody has to."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest
from sqlalchemy import create_engine, text

from messenger.domain.messages import State
from messenger.ports import Change
from messenger.storage import SqlStore, open_store
from messenger.storage.news import CHANNEL
from tests.storage_samples import NOW, ORDER, accept, event, message, plan

PATIENCE = 20.0
"""Seconds that news may take on a machine that is busy with everything else."""


@dataclass(slots=True)
class Ears:
    """Counts what was heard."""

    times: int = 0
    _heard: threading.Condition = field(default_factory=threading.Condition)

    def __call__(self) -> None:
        with self._heard:
            self.times += 1
            self._heard.notify_all()

    def until(self, times: int) -> bool:
        """Wait until it was heard so often."""
        with self._heard:
            return self._heard.wait_for(lambda: self.times >= times, PATIENCE)


@pytest.fixture
def listening(engine_name: str, migrated_url: str, store: SqlStore) -> Iterator[Callable[[], Ears]]:
    """Makes ears, each with a store of its own, that hear already."""
    with ExitStack() as ends:

        @contextmanager
        def opened() -> Iterator[Ears]:
            other = open_store(migrated_url)
            ears = Ears()
            with other.news(ears):
                if engine_name == "postgres":
                    assert ears.until(1)
                yield ears
            other.close()

        yield lambda: ends.enter_context(opened())


on_postgres = pytest.mark.parametrize("engine_name", [pytest.param("postgres", marks=pytest.mark.postgres)])
on_sqlite = pytest.mark.parametrize("engine_name", ["sqlite"])


def gated(store: SqlStore) -> None:
    plan(store, replace(message(), gated=True, intake=1))


def is_received(store: SqlStore) -> None:
    accept(store, event("e-1"))


def is_planned(store: SqlStore) -> None:
    plan(store, message(1), message(2))


def is_judged(store: SqlStore) -> None:
    store.judge(1, limit=10, now=NOW)


def is_woken(store: SqlStore) -> None:
    assert store.wake(shop="toys", hold="staff", now=NOW) == 1


def held(store: SqlStore) -> None:
    plan(store, replace(message(), state=State.HELD, because="staff Ann", due_at=NOW + timedelta(days=1)))


def is_let_go(store: SqlStore) -> None:
    with store.begin() as unit:
        unit.lock(ORDER)
        (row,) = unit.messages(ORDER)
        unit.change([Change(message=replace(row, state=State.PLANNED, due_at=NOW), was=row.state)], at=NOW)


def paused(store: SqlStore) -> None:
    store.pause("toys", at=NOW, by="Ann")


def goes_on(store: SqlStore) -> None:
    store.resume("toys")


def nothing(store: SqlStore) -> None:
    """As it is."""


@on_postgres
@pytest.mark.parametrize(
    ("before", "work"),
    [(nothing, is_received), (nothing, is_planned), (gated, is_judged), (held, is_woken), (held, is_let_go), (paused, goes_on)],
    ids=lambda one: one.__name__,
)  # fmt: skip
def test_it_is_heard_once_that(
    before: Callable[[SqlStore], None], work: Callable[[SqlStore], None], store: SqlStore, listening: Callable[[], Ears]
) -> None:
    before(store)
    ears, others = listening(), listening()
    was = [ears.times, others.times]

    work(store)
    assert ears.until(was[0] + 1)
    assert others.until(was[1] + 1)
    store.resume("nobody")
    is_received_again(store)
    assert ears.until(was[0] + 2)

    assert ears.times == was[0] + 2


def is_received_again(store: SqlStore) -> None:
    accept(store, event("e-2"))


def later(store: SqlStore) -> None:
    with store.begin() as unit:
        unit.lock(ORDER)
        unit.describe(ORDER, status="paid", buyer_key="", email_key="", updated_at=NOW)
        unit.add([message(1, due=NOW + timedelta(hours=1))])


def nothing_new(store: SqlStore) -> None:
    store.close_intake(store.open_intake(kind="poll", name="erp", at=NOW), at=NOW, source="erp")


def undone(store: SqlStore) -> None:
    def fail(unit: object) -> None:
        unit.lock(ORDER)  # type: ignore[attr-defined]  # a unit
        unit.add([message()])  # type: ignore[attr-defined]  # the same
        raise RuntimeError

    with pytest.raises(RuntimeError):
        store.together(fail)


@on_postgres
@pytest.mark.parametrize("work", [gated, later, nothing_new, undone, paused], ids=lambda one: one.__name__)
def test_nothing_is_heard_of_what_makes_nothing_to_do(
    work: Callable[[SqlStore], None], store: SqlStore, listening: Callable[[], Ears]
) -> None:
    ears = listening()
    was = ears.times

    work(store)
    is_received_again(store)

    assert ears.until(was + 1)
    assert ears.times == was + 1


@on_postgres
def test_a_lost_line_is_made_anew(
    store: SqlStore, listening: Callable[[], Ears], engine_name: str, migrated_url: str
) -> None:
    ears = listening()
    was = ears.times
    engine = create_engine(migrated_url)
    cut = text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = :listens AND pid <> pg_backend_pid()"
    )
    with engine.connect() as connection:
        assert connection.execute(cut, {"listens": f"LISTEN {CHANNEL}"}).all()
    engine.dispose()

    assert ears.until(was + 1), "a new line begins as if there were news"
    is_received(store)
    assert ears.until(was + 2)


def test_it_ends_when_nobody_listens_any_more(store: SqlStore, engine_name: str) -> None:
    with store.news(Ears()):
        listeners = [one for one in threading.enumerate() if one.name == "news"]
        assert len(listeners) == (engine_name == "postgres")

    assert not any(one.is_alive() for one in listeners)


@on_sqlite
def test_where_one_machine_works_nothing_is_told(store: SqlStore, listening: Callable[[], Ears]) -> None:
    ears = listening()

    is_received(store)
    is_planned(store)

    assert ears.times == 0
