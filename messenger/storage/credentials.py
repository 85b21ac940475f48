"""Credentials: kept all at once, renewed by one process at a time, and the doors that platforms have shut."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, RowMapping, and_, delete, or_, select, update

from messenger.ports.credentials import Credentials
from messenger.storage.engine import Database
from messenger.storage.polling_tables import credentials, doors
from messenger.storage.sql import upsert

LONGEST_PROBLEM: Final = 500
_TOLD: Final = ("account", "access", "refresh", "ends_at", "refresh_ends_at", "holder", "kept_at")


class SqlVault:
    """The part of the store that keeps credentials; see ``ports.credentials.Vault``."""

    _database: Database

    def credentials(self, account: str) -> Credentials | None:
        """Return the credentials of an account, if there are any."""
        with self._database.read() as connection:
            row = connection.execute(select(credentials).where(credentials.c.account == account)).mappings().first()
        return None if row is None else _credentials(row)

    def keep_credentials(self, found: Credentials, *, at: datetime) -> None:
        """Keep what a person has obtained, and open every door."""
        values = {**_values(found, at), "owner": "", "until": None}

        def keep(connection: Connection) -> None:
            made = upsert(connection, credentials).values(account=found.account, **values)
            connection.execute(made.on_conflict_do_update(index_elements=["account"], set_=values))
            connection.execute(delete(doors).where(doors.c.account == found.account))

        self._database.transact(keep)

    def take_refresh(self, account: str, *, owner: str, now: datetime, until: datetime) -> Credentials | None:
        """Let one process renew them."""
        is_free = or_(credentials.c.until.is_(None), credentials.c.until <= now)
        mine = and_(credentials.c.account == account, is_free, credentials.c.refresh != "")

        def take(connection: Connection) -> Credentials | None:
            taken = update(credentials).where(mine).values(owner=owner, until=until).returning(credentials)
            row = connection.execute(taken).mappings().first()
            return None if row is None else _credentials(row)

        return self._database.transact(take)

    def refreshed(self, found: Credentials, *, owner: str, at: datetime) -> bool:
        """Keep renewed credentials, all at once."""
        mine = and_(credentials.c.account == found.account, credentials.c.owner == owner)
        values = {**_values(found, at), "owner": "", "until": None}
        if not found.refresh:
            del values["refresh"], values["refresh_ends_at"]
        if not found.holder:
            del values["holder"]

        def keep(connection: Connection) -> bool:
            return connection.execute(update(credentials).where(mine).values(values)).rowcount > 0

        return self._database.transact(keep)

    def leave_refresh(self, account: str, *, owner: str) -> None:
        """Let others renew them."""
        mine = and_(credentials.c.account == account, credentials.c.owner == owner)
        with self._database.write() as connection:
            connection.execute(update(credentials).where(mine).values(owner="", until=None))

    def shut_door(self, account: str, door: str, *, problem: str, at: datetime) -> bool:
        """Note that a platform does not let us do this."""

        def shut(connection: Connection) -> bool:
            made = upsert(connection, doors).values(
                account=account, door=door, problem=problem[:LONGEST_PROBLEM], since=at
            )
            return connection.execute(made.on_conflict_do_nothing().returning(doors.c.door)).first() is not None

        return self._database.transact(shut)

    def open_door(self, account: str, door: str) -> bool:
        """Let it be tried again."""
        mine = delete(doors).where(doors.c.account == account, doors.c.door == door)
        with self._database.write() as connection:
            return connection.execute(mine).rowcount > 0

    def shut_doors(self, account: str) -> dict[str, str]:
        """Return what an account must not try."""
        mine = select(doors.c.door, doors.c.problem).where(doors.c.account == account).order_by(doors.c.door)
        with self._database.read() as connection:
            return {row.door: row.problem for row in connection.execute(mine)}

    def accounts_shut(self, door: str) -> dict[str, str]:
        """Return the accounts for which this door is shut."""
        mine = select(doors.c.account, doors.c.problem).where(doors.c.door == door).order_by(doors.c.account)
        with self._database.read() as connection:
            return {row.account: row.problem for row in connection.execute(mine)}


def _values(found: Credentials, at: datetime) -> dict[str, Any]:  # Any: column values
    return {
        "access": found.access, "refresh": found.refresh, "ends_at": found.ends_at, "refresh_ends_at": found.refresh_ends_at,
        "holder": found.holder, "kept_at": at,
    }  # fmt: skip


def _credentials(row: RowMapping) -> Credentials:
    return Credentials(**{name: row[name] for name in _TOLD})
