"""What every database promises before a store is opened on it."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine, text

from messenger.errors import StorageError
from messenger.storage import Status, create, migrate, open_store, status
from messenger.storage.engine import Database, connect
from messenger.storage.schema import _steps
from messenger.storage.tables import metadata
from tests.storage_samples import ORDER, together


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


def test_the_steps_lead_to_the_tables_we_use(store_url: str) -> None:
    migrate(store_url)
    engine = create_engine(store_url)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()


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
