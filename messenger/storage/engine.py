"""Connections: SQLite in WAL mode with full synchronisation, or PostgreSQL; one way to write, one way to read."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import QueuePool

from messenger.errors import StorageError
from messenger.storage.trouble import ConnectionDropped, file_in_use, is_crossed, is_trouble, worded

Answer = TypeVar("Answer")
TRIES: Final = 5
PRAGMAS: Final = ("busy_timeout=30000", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "cache_size=-16000")
STANDING_STILL: Final = 10.0
"""Seconds that a process may stand still inside a transaction: then PostgreSQL gives what it has locked to others. A machine
that is suspended in the middle of one would else keep its rows from everybody until it wakes."""
DEAD_LINE: Final = 15
"""Seconds after which a line to PostgreSQL that answers nothing is given up, and another one made. Left alone, the machine would
wait for a quarter of an hour, and so would whoever waits on it."""
LINE: Final[Mapping[str, int]] = {
    "connect_timeout": 10, "tcp_user_timeout": DEAD_LINE * 1000,
    "keepalives_idle": DEAD_LINE // 3, "keepalives_interval": DEAD_LINE // 3, "keepalives_count": 2,
}  # fmt: skip
"""What every line to PostgreSQL is told about itself; what a machine does not know (``tcp_user_timeout``) it leaves out."""
_FULL: Final = 2
"""What SQLite calls ``synchronous=FULL``."""


def parsed(url: str) -> URL:
    """Return the parts of a database URL.

    Raises:
        StorageError: it cannot be read, or names an engine that is not supported.
    """
    try:
        found = make_url(url)
    except ArgumentError:
        raise StorageError(
            "the database url cannot be read (write sqlite:///data/messenger.db or postgresql+psycopg://user@host/name)"
        ) from None
    if found.get_backend_name() != "sqlite" and found.drivername != "postgresql+psycopg":
        raise StorageError(f"the database {found.drivername!r} is not supported (use sqlite or postgresql+psycopg)")
    return found


def connect(url: str) -> Engine:
    """Return an engine for the database; nothing is opened yet, but SQLite's folder is made. Its errors show no values.

    Raises:
        StorageError: the URL names no engine we know, or the folder cannot be made.
    """
    where = parsed(url)
    if where.get_backend_name() == "sqlite":
        return _sqlite(where)
    idle = f"-c idle_in_transaction_session_timeout={int(STANDING_STILL * 1000)}"
    return create_engine(
        where, pool_size=5, max_overflow=10, pool_pre_ping=True, connect_args={"options": idle, **LINE}, hide_parameters=True
    )  # fmt: skip


def _sqlite(url: URL) -> Engine:
    path = url.database or ""
    if path and path != ":memory:":
        try:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(f"the folder of the database {path} cannot be made: {error.strerror}") from error
    engine = create_engine(
        url, poolclass=QueuePool, pool_size=5, max_overflow=20, connect_args={"check_same_thread": False, "timeout": 30},
        hide_parameters=True,
    )  # fmt: skip

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _: object) -> None:
        try:
            connection.isolation_level = None
            for pragma in PRAGMAS:
                connection.execute(f"PRAGMA {pragma}").close()
            check_durable(connection)
        except sqlite3.Error as error:
            connection.close()
            raise file_in_use(error) from error
        except StorageError:
            connection.close()
            raise

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("writes") else "BEGIN")

    return engine


def check_durable(connection: sqlite3.Connection) -> None:
    """Return when what is committed stays committed, whatever happens to the machine.

    Raises:
        StorageError: a power cut could undo what was acknowledged; no setting allows that.
    """
    (level,) = connection.execute("PRAGMA synchronous").fetchone()
    (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
    if level < _FULL:
        raise StorageError(
            f"the database would forget what it was told in a power cut: synchronous is {level}, not FULL"
        )
    if mode not in {"wal", "memory"}:
        raise StorageError(
            f"the disk of the database cannot be used: SQLite keeps its journal there as {mode!r}, not WAL (is it a network share? "
            "Use a disk of this machine, or PostgreSQL)"
        )


class Database:
    """One database: short write transactions, one at a time in this process on SQLite, and reads beside them."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.is_sqlite = engine.dialect.name == "sqlite"
        self._writer = threading.RLock()

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Yield a connection inside a write transaction; an error undoes all of it.

        Raises:
            StorageError: the database cannot be reached or refuses to work.
        """
        with _worded():
            if not self.is_sqlite:
                with self.engine.begin() as connection:
                    yield connection
                return
            with self._writer, self.engine.connect().execution_options(writes=True) as connection, connection.begin():
                yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Yield a connection that only reads.

        Raises:
            StorageError: the database cannot be reached or refuses to work.
        """
        with _worded(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def read_at_once(self) -> Iterator[Connection]:
        """Yield a connection that only reads, and sees everything as it was at one moment, whatever moves meanwhile.

        Raises:
            StorageError: as ``read``.
        """
        with self.read() as connection:
            yield connection if self.is_sqlite else connection.execution_options(isolation_level="REPEATABLE READ")

    def transact(self, work: Callable[[Connection], Answer], *, again_if_there: bool = False) -> Answer:
        """Return what ``work`` returns inside a write transaction of its own.

        It is tried again when another transaction crossed it, and when the line broke before it was to be committed. A line
        that breaks while it commits leaves open whether it did: that is raised, for the caller to find out.

        Args:
            work: does everything that belongs together; it may be run more than once.
            again_if_there: also try again when a row with the same key appeared meanwhile.
        """
        for _ in range(TRIES - 1):
            has_worked = False
            try:
                with self.write() as connection:
                    answer = work(connection)
                    has_worked = True
            except DBAPIError as error:
                if not (is_crossed(error) or (again_if_there and isinstance(error, IntegrityError))):
                    raise
            except ConnectionDropped:
                if has_worked:  # it broke while committing: nobody knows whether it is written
                    raise
            else:
                return answer
        with self.write() as connection:
            return work(connection)

    def check_durable(self) -> None:
        """Return when the server keeps what it has committed; SQLite's connections are looked at one by one.

        Raises:
            StorageError: it would forget in a crash what was acknowledged.
        """
        if self.is_sqlite:
            return
        with self.read() as connection:
            setting = connection.exec_driver_sql("SHOW synchronous_commit").scalar_one()
        if setting == "off":
            raise StorageError(
                "the database would forget what it was told in a crash: synchronous_commit is off (set it to on for the user of the url)"
            )

    def close(self) -> None:
        """Release the connections."""
        self.engine.dispose()


@contextmanager
def _worded() -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        if not is_trouble(error):
            raise
        raise worded(error) from error
    except PoolTimeout as error:
        raise StorageError(
            "the database cannot be used: all its connections have been busy for half a minute"
        ) from error
