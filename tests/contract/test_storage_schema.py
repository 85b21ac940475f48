"""What every database promises before a store is opened on it."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Column, Connection, MetaData, String, create_engine, inspect, text

from messenger.domain.messages import Reason, State
from messenger.errors import StorageError
from messenger.storage import Status, create, migrate, open_store, status
from messenger.storage.columns import microseconds
from messenger.storage.engine import Database, connect
from messenger.storage.schema import _steps
from messenger.storage.spool_table import spool_metadata
from messenger.storage.tables import metadata, outbox, record
from tests.postgres import drop_database, new_database
from tests.storage_samples import NOW, ORDER, claim, together


def migrate_to(url: str, step: str) -> None:
    database = Database(connect(url))
    with _steps() as (config, _), database.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, step)
    database.close()


def test_a_database_is_made_and_opened(store_url: str) -> None:
    store = create(store_url)

    assert list(store.outbox()) == []
    assert status(store_url).is_current
    store.close()


def test_an_empty_database_is_not_opened(store_url: str) -> None:
    with pytest.raises(StorageError, match="the database is empty"):
        open_store(store_url)


def test_an_older_database_is_not_opened_but_brought_forward_with_its_rows(store_url: str) -> None:
    migrate_to(store_url, "0001")
    engine = create_engine(store_url)
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO orders (shop, number) VALUES ('toys', '8134')"))
    engine.dispose()
    with pytest.raises(StorageError, match=r"is at step 0001, this version needs \d+ \(run messenger db upgrade\)"):
        open_store(store_url)

    store = create(store_url)
    assert list(store.find_orders()) == [ORDER]
    store.close()


def rooms_of(engine_name: str) -> list[MetaData]:
    """What the steps make: on SQLite the spool is a file of its own."""
    return [metadata] if engine_name == "sqlite" else [metadata, spool_metadata]


def test_the_steps_lead_to_the_tables_we_use(store_url: str, engine_name: str) -> None:
    migrate(store_url)
    engine = create_engine(store_url)
    with engine.connect() as connection:
        for room in rooms_of(engine_name):
            is_of_room = {"include_name": lambda name, kind, _, tables=room.tables: kind != "table" or name in tables}
            assert compare_metadata(MigrationContext.configure(connection, opts=is_of_room), room) == []
        wanted = {name for room in rooms_of(engine_name) for name in room.tables}
        assert set(inspect(connection).get_table_names()) - {"alembic_version"} == wanted
    engine.dispose()


def indexes_of(url: str) -> set[str]:
    """Every index as its engine tells it, conditions included."""
    engine = create_engine(url)
    told = {
        "sqlite": "SELECT sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL",
        "postgresql": "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename <> 'alembic_version'",
    }
    with engine.connect() as connection:
        found = {" ".join(sql.split()) for sql in connection.execute(text(told[engine.dialect.name])).scalars()}
    engine.dispose()
    return found


def test_the_steps_lead_to_the_indexes_we_use(
    store_url: str, engine_name: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """A query meets a partial index only if both state the same condition; Alembic does not compare conditions."""
    if engine_name == "sqlite":
        other = f"sqlite:///{tmp_path}/other.db"
    else:
        other = new_database(request.getfixturevalue("postgres"))
    migrate(store_url)
    engine = create_engine(other)
    for one in rooms_of(engine_name):
        one.create_all(engine)
    engine.dispose()

    assert indexes_of(store_url) == indexes_of(other)
    if engine_name != "sqlite":
        drop_database(other)


def insert_old_row(connection: Connection, number: int, state: str) -> None:
    connection.execute(
        text(
            "INSERT INTO outbox (shop, rule, scope, step, order_number, template, category, trigger, trigger_at, wanted_at, "
            "due_at, expires_at, stale_at, state) VALUES ('toys', 'shipped', :scope, 1, '8134', 'shipped', 'transactional', "
            "'erp#e', :now, :now, :now, :later, :later, :state)"
        ),
        {
            "scope": f"8134/{number}",
            "state": state,
            "now": microseconds(NOW),
            "later": microseconds(NOW + timedelta(days=200)),
        },
    )


def old_database(url: str) -> None:
    """One as version 0002 left it, with a message in every state and two orders."""
    migrate_to(url, "0002")
    engine = create_engine(url)
    with engine.begin() as connection:
        for number, state in enumerate(State):
            insert_old_row(connection, number, state)
        order = text("INSERT INTO orders (shop, number, updated_at) VALUES ('toys', :number, :at)")
        for name, updated in (("8134", microseconds(NOW)), ("9000", microseconds(NOW)), ("1", None)):
            connection.execute(order, {"number": name, "at": updated})
    engine.dispose()


def test_old_messages_keep_their_meaning(store_url: str) -> None:
    old_database(store_url)
    store = create(store_url)
    try:
        rows = list(store.outbox())
        assert {row.buyer for row in rows} == {"order:8134"}
        assert {(row.urgent, row.gated, row.intake, row.approved_by, row.carrier) for row in rows} == {
            (False, False, 0, "", None)
        }
        waits = {State.WAITING_APPROVAL, State.AWAITING_STAFF}
        assert {row.state for row in rows if row.due_at == row.expires_at} == waits
        assert {row.state for row in rows if row.due_at == NOW} == set(State) - waits
        assert {row.key.scope for row in claim(store)} == {"8134/0", "8134/1"}
    finally:
        store.close()


def test_old_orders_are_found_by_the_first_generation_for_a_while(store_url: str) -> None:
    old_database(store_url)
    store = create(store_url)
    try:
        for days, numbers in ((90, ["9000", "8134"]), (91, ["8134"]), (201, ["8134"])):
            found = store.to_replan(1, now=NOW + timedelta(days=days), limit=9)
            assert [order.number for order in found] == numbers
    finally:
        store.close()


def test_a_message_of_an_older_worker_is_its_orders(store_url: str) -> None:
    migrate(store_url)
    engine = create_engine(store_url)
    with engine.begin() as connection:
        insert_old_row(connection, 1, "planned")
    engine.dispose()
    store = open_store(store_url)
    try:
        (row,) = claim(store)
        assert row.buyer == "order:8134"
    finally:
        store.close()


def test_the_step_can_be_undone(store_url: str) -> None:
    old_database(store_url)
    migrate(store_url)
    database = Database(connect(store_url))
    with _steps() as (config, _), database.write() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0002")
    with database.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM outbox")).scalar() == len(State)
        tables = set(inspect(connection).get_table_names())
    database.close()
    assert not tables & {"journeys", "lanes", "pauses", "sources", "generations", "ticks", "alive"}
    assert status(store_url).current == "0002"

    migrate(store_url)
    assert status(store_url).is_current


@pytest.mark.parametrize(("words", "column"), [
    pytest.param(Reason, outbox.c.reason, id="reasons of messages"),
    pytest.param(Reason, record.c.reason, id="reasons in the record"),
    pytest.param(State, outbox.c.state, id="states"),
    pytest.param(State, record.c.what, id="what the record says"),
])  # fmt: skip
def test_every_word_fits_its_column(words: type[StrEnum], column: Column[str]) -> None:
    assert isinstance(column.type, String)
    assert column.type.length is not None
    assert max(map(len, words)) <= column.type.length


def test_programs_that_start_together_migrate_once(store_url: str) -> None:
    together(*(lambda: migrate(store_url) for _ in range(3)))

    assert status(store_url).is_current


def test_asking_where_a_database_stands_makes_nothing(tmp_path: Path) -> None:
    found = status(f"sqlite:///{tmp_path}/data/messenger.db")

    assert found == Status(current=None, head=found.head)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("url", "problem"), [
    pytest.param("nonsense", "cannot be read", id="no url"),
    pytest.param("mysql://root@localhost/x", "'mysql' is not supported", id="another engine"),
    pytest.param("postgresql+psycopg://nobody@127.0.0.1:1/x", "cannot be used", id="nobody answers"),
])  # fmt: skip
def test_a_database_that_is_not_there_is_told(url: str, problem: str) -> None:
    for ask in (status, migrate, open_store):
        with pytest.raises(StorageError, match=problem):
            ask(url)


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    (tmp_path / "letter.db").write_text("Dear Ana, this is a letter and not a database. " * 40, encoding="utf-8")
    for ask in (status, migrate, open_store):
        with pytest.raises(StorageError, match="not a database"):
            ask(f"sqlite:///{tmp_path}/letter.db")


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file, where a folder should be", encoding="utf-8")

    with pytest.raises(StorageError, match="the folder of the database"):
        open_store(f"sqlite:///{tmp_path}/data/messenger.db")
