"""Stores to run the contract on: SQLite in a file, and a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from messenger.storage import SqlStore, migrate, open_store
from tests.postgres import cluster, new_database


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    with cluster() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgres"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/messenger.db"
    url: str = request.getfixturevalue("postgres")
    return new_database(url)


@pytest.fixture
def store(store_url: str) -> Iterator[SqlStore]:
    migrate(store_url)
    opened = open_store(store_url)
    yield opened
    opened.close()
