"""Bringing a database to this version's tables, step by step, and telling whether it is there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import Connection, inspect

from messenger.errors import StorageError
from messenger.storage.engine import Database, connect, parsed

_LOCK = 7242131
"""Any number, the same for ever: two programs that start together must not take the same step together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """Which step a database has taken, and which is this version's last.

    Args:
        current: the database's last step; None for one that is empty or not there yet.
        head: this version's last step.
    """

    current: str | None
    head: str

    @property
    def is_current(self) -> bool:
        """Whether the database fits this version."""
        return self.current == self.head


def migrate(url: str) -> None:
    """Take every step that is missing; does nothing on a database that is up to date.

    Raises:
        StorageError: the database cannot be reached, is newer than this program, or is not messenger's.
    """
    with _opened(url) as database, _steps() as (config, scripts):
        if _looked_up(database, scripts).is_current:
            return
        with database.write() as connection:
            if not database.is_sqlite:
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
            config.attributes["connection"] = connection
            command.upgrade(config, "head")


def status(url: str) -> Status:
    """Return where a database stands; makes nothing.

    Raises:
        StorageError: the database cannot be reached, is newer than this program, or is not messenger's.
    """
    where = parsed(url)
    with _steps() as (_, scripts):
        is_file = where.get_backend_name() == "sqlite" and where.database not in {None, "", ":memory:"}
        if is_file and not Path(where.database or "").exists():
            return Status(current=None, head=scripts.get_current_head() or "")
        with _opened(url) as database:
            return _looked_up(database, scripts)


def check(database: Database) -> None:
    """Return when the database has this version's tables.

    Raises:
        StorageError: it cannot be reached, is empty, older, newer, or not messenger's; the message says what to do.
    """
    with _steps() as (_, scripts):
        found = _looked_up(database, scripts)
    if found.current is None:
        raise StorageError("the database is empty (make its tables with messenger db upgrade)")
    if not found.is_current:
        raise StorageError(
            f"the database is at step {found.current}, this version needs {found.head} (run messenger db upgrade)"
        )


def _looked_up(database: Database, scripts: ScriptDirectory) -> Status:
    with database.read() as connection:
        current = _current(connection)
        strange = set() if current else set(inspect(connection).get_table_names()) - {"alembic_version"}
    if strange:
        raise StorageError(f"this is not messenger's database: it holds {', '.join(sorted(strange)[:5])}")
    if current is not None:
        _known(scripts, current)
    return Status(current=current, head=scripts.get_current_head() or "")


@contextmanager
def _opened(url: str) -> Iterator[Database]:
    database = Database(connect(url))
    try:
        yield database
    finally:
        database.close()


@contextmanager
def _steps() -> Iterator[tuple[Config, ScriptDirectory]]:
    with as_file(files("messenger.storage").joinpath("migrations")) as folder:
        config = Config()
        config.set_main_option("script_location", str(folder).replace("%", "%%"))
        yield config, ScriptDirectory.from_config(config)


def _current(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _known(scripts: ScriptDirectory, current: str) -> None:
    try:
        scripts.get_revision(current)
    except CommandError:
        raise StorageError(
            f"the database is at step {current}, which this version does not know: use a newer messenger"
        ) from None
