"""Connections: SQLite in WAL mode with full synchronisation, or PostgreSQL; one way to write, one way to read."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import QueuePool

from messenger.errors import StorageError


def connect(url: str) -> Engine:
    """Return an engine for the database; nothing is opened yet.

    Raises:
        StorageError: the URL names no engine we know.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise StorageError(
            "the database url cannot be read (write sqlite:///data/messenger.db or postgresql+psycopg://user@host/name)"
        ) from None
    if parsed.get_backend_name() == "sqlite":
        return _sqlite(url, parsed.database or "")
    if parsed.drivername == "postgresql+psycopg":
        return create_engine(parsed, pool_size=5, max_overflow=10, pool_pre_ping=True)
    raise StorageError(f"the database {parsed.drivername!r} is not supported (use sqlite or postgresql+psycopg)")


def _sqlite(url: str, path: str) -> Engine:
    if path and path != ":memory:":
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        url, poolclass=QueuePool, pool_size=5, max_overflow=20, connect_args={"check_same_thread": False, "timeout": 30}
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _: object) -> None:  # Any: the driver's own connection
        assert isinstance(connection, sqlite3.Connection)
        connection.isolation_level = None
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "busy_timeout=30000",
            "cache_size=-16000",
        ):
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("writes") else "BEGIN")

    return engine


class Database:
    """One database: short write transactions, one at a time in this process on SQLite, and reads beside them."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.is_sqlite = engine.dialect.name == "sqlite"
        self._writer = threading.RLock()

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Yield a connection inside a write transaction."""
        try:
            if not self.is_sqlite:
                with self.engine.begin() as connection:
                    yield connection
                return
            with self._writer, self.engine.connect().execution_options(writes=True) as connection, connection.begin():
                yield connection
        except DBAPIError as error:
            if error.connection_invalidated:
                raise StorageError(f"the database is not there any more: {error.orig}") from error
            raise

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Yield a connection that only reads."""
        with self.engine.connect() as connection:
            yield connection
