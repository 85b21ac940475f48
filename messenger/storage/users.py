"""Users: kept with a hash of their password, sessions that end with it, and guesses counted before they are looked at."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, RowMapping, case, delete, insert, literal, or_, select, update

from messenger.domain.access import Role
from messenger.ports.users import Session, User
from messenger.storage.columns import Instant
from messenger.storage.engine import Database
from messenger.storage.sql import is_sqlite, upsert
from messenger.storage.user_tables import guesses, sessions, users


class SqlUsers:
    """The part of the store that keeps users; see ``ports.users.Users``."""

    _database: Database

    def user(self, name: str) -> User | None:
        """Return a user."""
        with self._database.read() as connection:
            row = connection.execute(select(users).where(users.c.name == name)).mappings().first()
        return None if row is None else _user(row)

    def users(self) -> list[User]:
        """Return all of them, by name."""
        with self._database.read() as connection:
            found = [_user(row) for row in connection.execute(select(users)).mappings()]
        return sorted(found, key=lambda one: one.name)

    def add_user(self, user: User) -> bool:
        """Keep a new user."""

        def add(connection: Connection) -> bool:
            made = upsert(connection, users).values(_values(user)).on_conflict_do_nothing()
            return connection.execute(made.returning(users.c.name)).first() is not None

        return self._database.transact(add)

    def change_user(self, user: User) -> bool:
        """Keep a user as they are now."""
        with self._database.write() as connection:
            kept = update(users).where(users.c.name == user.name).values(_values(user))
            return connection.execute(kept).rowcount > 0

    def change_password(self, name: str, password: str, *, but: str = "") -> bool:
        """Keep a new hash and end the other sessions."""

        def change(connection: Connection) -> bool:
            kept = update(users).where(users.c.name == name).values(password=password)
            connection.execute(delete(sessions).where(sessions.c.user == name, sessions.c.id != but))
            return connection.execute(kept).rowcount > 0

        return self._database.transact(change)

    def open_session(self, session: Session, *, password: str) -> bool:
        """Keep a session, unless the user changed meanwhile."""
        mine = select(users.c.name).where(
            users.c.name == session.user, users.c.password == password, users.c.disabled_at.is_(None)
        )

        def keep(connection: Connection) -> bool:
            if connection.execute(mine.with_for_update()).first() is None:
                return False
            values = {"id": session.id, "user": session.user, "since": session.since, "seen_at": session.seen_at}
            connection.execute(insert(sessions).values(values))
            return True

        return self._database.transact(keep)

    def session(self, id_: str) -> Session | None:
        """Return a session."""
        with self._database.read() as connection:
            row = connection.execute(select(sessions).where(sessions.c.id == id_)).mappings().first()
        return None if row is None else Session(**row)

    def seen(self, id_: str, *, at: datetime) -> None:
        """Note that the person was there."""
        with self._database.write() as connection:
            connection.execute(update(sessions).where(sessions.c.id == id_).values(seen_at=at))

    def end_session(self, id_: str) -> bool:
        """End a session."""
        with self._database.write() as connection:
            return connection.execute(delete(sessions).where(sessions.c.id == id_)).rowcount > 0

    def end_sessions(self, *, user: str) -> int:
        """End all sessions of a user."""
        with self._database.write() as connection:
            return connection.execute(delete(sessions).where(sessions.c.user == user)).rowcount

    def forget_sessions(self, *, since_before: datetime, seen_before: datetime) -> int:
        """Forget sessions that are over."""
        old = or_(sessions.c.since < since_before, sessions.c.seen_at < seen_before)
        with self._database.write() as connection:
            return connection.execute(delete(sessions).where(old)).rowcount

    def count_guess(self, subject: str, *, at: datetime, since: datetime) -> int:
        """Count a guess before it is looked at."""
        is_over = guesses.c.since < since
        again = {
            "number": case((is_over, 1), else_=guesses.c.number + 1),
            "since": case((is_over, literal(at, Instant)), else_=guesses.c.since),
        }

        def count(connection: Connection) -> int:
            connection.execute(_forgotten(connection, subject, since))
            made = upsert(connection, guesses).values(subject=subject, number=1, since=at)
            kept = made.on_conflict_do_update(index_elements=["subject"], set_=again)
            return int(connection.execute(kept.returning(guesses.c.number)).scalar_one())

        return self._database.transact(count)

    def forgive_guess(self, subject: str) -> None:
        """Take back one guess."""
        mine = update(guesses).where(guesses.c.subject == subject, guesses.c.number > 0)
        with self._database.write() as connection:
            connection.execute(mine.values(number=guesses.c.number - 1))

    def forget_guesses(self, subject: str) -> None:
        """Begin to count anew."""
        with self._database.write() as connection:
            connection.execute(delete(guesses).where(guesses.c.subject == subject))


def _forgotten(connection: Connection, subject: str, since: datetime) -> Any:  # Any: a DELETE of either engine
    """What is long over; rows that another transaction has in hand are left for the next time."""
    old = select(guesses.c.subject).where(guesses.c.since < since, guesses.c.subject != subject)
    if not is_sqlite(connection):
        old = old.with_for_update(skip_locked=True)
    return delete(guesses).where(guesses.c.subject.in_(old))


def _values(user: User) -> dict[str, object]:
    return {
        "name": user.name, "role": str(user.role), "password": user.password, "language": user.language, "since": user.since,
        "shops": orjson.dumps(sorted(user.shops)).decode(), "disabled_at": user.disabled_at,
    }  # fmt: skip


def _user(row: RowMapping) -> User:
    return User(
        name=row["name"], role=Role(row["role"]), password=row["password"], shops=frozenset(orjson.loads(row["shops"])),
        language=row["language"], since=row["since"], disabled_at=row["disabled_at"],
    )  # fmt: skip
