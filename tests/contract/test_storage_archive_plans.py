"""What retention does reads no large table whole either, and holds the lock of SQLite for a moment only."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from time import perf_counter

import pytest
from sqlalchemy import create_engine, text

from messenger.storage import SqlStore
from messenger.storage.engine import Database
from tests.contract.test_storage_plans import DAY, statements, store, whole_reads  # noqa: F401  # the fixture is of use, too
from tests.storage_samples import NOW

WORK: dict[str, Callable[[SqlStore], object]] = {
    "archive": lambda one: one.archive(before=NOW - 180 * DAY, now=NOW, most=2),
    "unarchive": lambda one: (
        one.archive(before=NOW - 180 * DAY, now=NOW, most=2),
        one.unarchive(since=NOW - 250 * DAY, most=2),
    ),
    "forget letters": lambda one: one.forget_letters(before=NOW - 90 * DAY, now=NOW, most=2),
    "one archived message": lambda one: (one.message(10**9), one.frozen(10**9), one.by_message_id(["x"])),
}


@pytest.fixture(autouse=True)
def letters(store: SqlStore, migrated_url: str) -> None:  # noqa: F811  # the fixture
    """Every message that left has its letter."""
    engine = create_engine(migrated_url)
    kept = """INSERT INTO bodies (outbox_id, shop, digest, template_version, letter, frozen_at)
        SELECT id, shop, 'd', 'v', CAST(scope AS {}), sent_at FROM outbox WHERE sent_at IS NOT NULL"""
    with engine.begin() as connection:
        connection.execute(text(kept.format("BLOB" if engine.dialect.name == "sqlite" else "bytea")))
        connection.execute(text("ANALYZE"))
    engine.dispose()


@pytest.mark.parametrize("name", WORK)
def test_no_large_table_is_read_whole(store: SqlStore, name: str) -> None:  # noqa: F811  # the fixture
    engine = store._database.engine
    said = statements(engine, lambda: WORK[name](store))

    assert said
    found = {(statement, reads) for statement, given in said for reads in whole_reads(engine, statement, given)}
    assert found == set()


def test_all_of_it_moves_and_everything_is_found_again(store: SqlStore) -> None:  # noqa: F811  # the fixture
    """Some sixteen hundred of four thousand orders were over for long enough."""
    rows = {row.id: row for row in store.outbox()}
    old = {id_ for id_, row in rows.items() if row.sent_at is not None and row.sent_at < NOW - 180 * DAY}

    moved = store.archive(before=NOW - 180 * DAY, now=NOW, most=10_000)

    assert moved == len(old) > 1000
    assert {row.id for row in store.outbox()} == rows.keys() - old
    assert all(store.message(id_) == rows[id_] for id_ in sorted(old)[::50])


def test_a_transaction_is_short(store: SqlStore, engine_name: str) -> None:  # noqa: F811  # the fixture
    if engine_name != "sqlite":
        pytest.skip("one writer at a time is SQLite's")
    held = _Held(store._database)
    store._database = held

    store.archive(before=NOW - 180 * DAY, now=NOW, most=40)
    store.forget_letters(before=NOW - 90 * DAY, now=NOW, most=40)

    assert len(held.spans) == 80
    assert sorted(held.spans)[40] < timedelta(milliseconds=10)


class _Held(Database):
    """Measures how long each write transaction lasts."""

    def __init__(self, database: Database) -> None:
        super().__init__(database.engine)
        self.spans: list[timedelta] = []

    def transact(self, work, *, again_if_there=False):  # type: ignore[no-untyped-def]  # as it is measured, not what
        begun = perf_counter()
        try:
            return super().transact(work, again_if_there=again_if_there)
        finally:
            self.spans.append(timedelta(seconds=perf_counter() - begun))
