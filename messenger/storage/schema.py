"""Bringing a database to this version's tables, step by step, and telling whether it is there."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import as_file, files

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import Connection, inspect
from sqlalchemy.exc import DatabaseError

from messenger.errors import StorageError
from messenger.storage.engine import Database, connect


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """Which step a database has taken, and which is this version's last."""

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
    database = Database(connect(url))
    try:
        _migrate(database)
    except DatabaseError as error:
        raise StorageError(f"the database cannot be used: {error.orig}") from error
    finally:
        database.engine.dispose()


def _migrate(database: Database) -> None:
    with as_file(files("messenger.storage").joinpath("migrations")) as folder:
        config = _config(str(folder))
        scripts = ScriptDirectory.from_config(config)
        head = scripts.get_current_head()
        with database.read() as connection:
            current = _current(connection)
            if current == head:
                return
            if current is None and (strange := set(inspect(connection).get_table_names()) - {"alembic_version"}):
                raise StorageError(f"this is not messenger's database: it holds {', '.join(sorted(strange)[:5])}")
        _known(scripts, current)
        with database.write() as connection:
            if not database.is_sqlite:
                connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7242131)")
            config.attributes["connection"] = connection
            command.upgrade(config, "head")


def status(url: str) -> Status:
    """Return where a database stands.

    Raises:
        StorageError: the database cannot be reached.
    """
    database = Database(connect(url))
    try:
        with as_file(files("messenger.storage").joinpath("migrations")) as folder, database.read() as connection:
            head = ScriptDirectory.from_config(_config(str(folder))).get_current_head()
            return Status(current=_current(connection), head=head or "")
    except DatabaseError as error:
        raise StorageError(f"the database cannot be used: {error.orig}") from error
    finally:
        database.engine.dispose()


def _current(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _known(scripts: ScriptDirectory, current: str | None) -> None:
    if current is None:
        return
    try:
        scripts.get_revision(current)
    except CommandError:
        raise StorageError(
            f"the database is at step {current}, which this version does not know: use a newer messenger"
        ) from None


def _config(folder: str) -> Config:
    config = Config()
    config.set_main_option("script_location", folder.replace("%", "%%"))
    return config
