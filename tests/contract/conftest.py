"""Stores to run the contract on: SQLite in a file, and a real PostgreSQL."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from messenger.storage import SqlStore, migrate, open_store
from tests.postgres import cluster, drop_database, new_database


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a server."""
    with cluster() as url:
        yield url


@pytest.fixture(scope="session")
def postgres_template(postgres: str) -> str:
    """The URL of a database with all tables, to be copied."""
    url = new_database(postgres)
    migrate(url)
    return url


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with all tables, to be copied."""
    path = tmp_path_factory.mktemp("template") / "messenger.db"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def engine_name(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def store_url(engine_name: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of an empty database."""
    if engine_name == "sqlite":
        yield f"sqlite:///{tmp_path}/messenger.db"
        return
    url = new_database(request.getfixturevalue("postgres"))
    yield url
    drop_database(url)


@pytest.fixture
def migrated_url(engine_name: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a database with all tables: the one that ``store`` opens."""
    if engine_name == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path / "migrated.db")
        yield f"sqlite:///{tmp_path}/migrated.db"
        return
    url = new_database(request.getfixturevalue("postgres"), template=request.getfixturevalue("postgres_template"))
    yield url
    drop_database(url)


@pytest.fixture
def store(migrated_url: str) -> Iterator[SqlStore]:
    opened = open_store(migrated_url)
    yield opened
    opened.close()
