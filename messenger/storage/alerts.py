"""Alerts: opened, counted and ended by anybody, told by one process at a time."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    Update,
    and_,
    delete,
    func,
    or_,
    select,
    true,
    update,
)

from messenger.domain.alerts import Alert, AlertKind
from messenger.domain.messages import State
from messenger.domain.rules import Hold
from messenger.ports.alarms import Needs, Telling
from messenger.storage.alert_tables import alerts, failed, telling
from messenger.storage.engine import Database
from messenger.storage.looks import SqlLooks, because_of, left_to_people
from messenger.storage.outbox_table import aside, outbox
from messenger.storage.sql import among, is_sqlite, not_by, upsert

A_MOMENT: Final = timedelta(minutes=1)
"""What was said within it is not written again."""
LONGEST_DETAIL: Final = 500
_PEOPLE: Final = "people"


class SqlAlarms(SqlLooks):
    """The part of the store that knows alerts; see ``ports.Alarms``."""

    _database: Database

    def raise_alert(
        self, *, kind: AlertKind, subject: str, at: datetime, shop: str = "", buyers: int = 0, detail: str = ""
    ) -> bool:
        """Open an alert, or count it; returns True when it was not open before."""
        said = {"buyers": buyers, "detail": detail[:LONGEST_DETAIL]}
        known = self._find(kind, subject, shop)
        if known is not None and _was_just_said(known, said, at):
            return False
        return self._database.transact(lambda connection: _raise(connection, kind, subject, shop, said, at))

    def end_alert(self, *, kind: AlertKind, subject: str, at: datetime, shop: str = "", by: str = "") -> bool:
        """Say that an alert is over; returns whether it was open."""
        known = self._find(kind, subject, shop)
        if known is None or known["ended_at"] is not None:
            return False
        ended = update(alerts).where(_named(kind, subject, shop), alerts.c.ended_at.is_(None))
        with self._database.write() as connection:
            return connection.execute(ended.values(ended_at=at, ended_by=by)).rowcount > 0

    def alerts(self, *, only_open: bool = True) -> list[Alert]:
        """Return alerts: what cannot wait first, then the oldest."""
        mine = alerts.c.ended_at.is_(None) if only_open else true()
        with self._database.read() as connection:
            found = [_alert(row) for row in connection.execute(select(alerts).where(mine)).mappings()]
        return sorted(found, key=lambda one: (not one.is_open, one.can_wait, one.since, one.id))

    def forget_alerts(self, *, before: datetime) -> int:
        """Forget what was over before then."""
        old = alerts.c.ended_at < before
        with self._database.read() as connection:
            if connection.execute(select(alerts.c.id).where(old).limit(1)).first() is None:
                return 0
        with self._database.write() as connection:
            return connection.execute(delete(alerts).where(old)).rowcount

    def take_telling(self, *, owner: str, now: datetime, until: datetime) -> Telling | None:
        """Let one process be the one that tells people."""
        first = {"name": _PEOPLE, "owner": "", "digest_at": now, "failures": 0}
        mine = and_(telling.c.name == _PEOPLE, or_(telling.c.until.is_(None), telling.c.until <= now))

        def take(connection: Connection) -> Telling | None:
            connection.execute(upsert(connection, telling).values(first).on_conflict_do_nothing())
            taken = update(telling).where(mine).values(owner=owner, until=until).returning(telling)
            row = connection.execute(taken).mappings().first()
            if row is None:
                return None
            return Telling(told_at=row["told_at"], digest_at=row["digest_at"], failures=row["failures"])

        return self._database.transact(take)

    def told(
        self, *, owner: str, opened: Collection[int], over: Collection[int], at: datetime, digest: bool = False
    ) -> bool:
        """Note what people were told, and let others tell."""
        values: dict[str, Any] = {"owner": "", "until": None}  # Any: column values
        if opened or over or digest:
            values["failures"] = 0
        if opened or over:
            values["told_at"] = at
        if digest:
            values["digest_at"] = at

        def note(connection: Connection) -> bool:
            if not connection.execute(_held_by(owner).values(values)).rowcount:
                return False
            for ids, column in ((opened, "told_at"), (over, "over_told_at")):
                if ids:
                    connection.execute(update(alerts).where(among(connection, alerts.c.id, ids)).values({column: at}))
            return True

        return self._database.transact(note)

    def telling_failed(self, *, owner: str, again_at: datetime) -> bool:
        """Note that people could not be told, and let nobody try before then."""
        values = {"owner": "", "until": again_at, "failures": telling.c.failures + 1}
        with self._database.write() as connection:
            return connection.execute(_held_by(owner).values(values)).rowcount > 0

    def needs(self, *, since: datetime) -> dict[str, Needs]:
        """Return what needs a person, by shop."""
        found: dict[str, dict[str, int]] = {}
        with self._database.read() as connection:
            for name, mine in _needing(since).items():
                counted = select(not_by(outbox.c.shop), func.count()).where(mine).group_by(not_by(outbox.c.shop))
                for shop, number in connection.execute(counted):
                    found.setdefault(shop, {})[name] = number
        return {shop: Needs(**numbers) for shop, numbers in sorted(found.items())}

    def _find(self, kind: AlertKind, subject: str, shop: str) -> RowMapping | None:
        with self._database.read() as connection:
            return connection.execute(select(alerts).where(_named(kind, subject, shop))).mappings().first()


def _needing(since: datetime) -> dict[str, ColumnElement[bool]]:
    held = outbox.c.state == str(State.HELD)
    return {
        "approvals": and_(aside, outbox.c.state == str(State.WAITING_APPROVAL)),
        "desk": and_(aside, outbox.c.state == str(State.AWAITING_STAFF)),
        "uncertain": left_to_people,
        "conversations": and_(aside, held, because_of(Hold.CONVERSATION)),
        "failed": and_(failed, outbox.c.claimed_at >= since),
    }


def _named(kind: AlertKind, subject: str, shop: str) -> ColumnElement[bool]:
    return and_(alerts.c.shop == shop, alerts.c.kind == str(kind), alerts.c.subject == subject)


def _was_just_said(known: RowMapping, said: dict[str, Any], at: datetime) -> bool:  # Any: column values
    is_same = all(known[name] == value for name, value in said.items())
    return known["ended_at"] is None and is_same and at - known["seen_at"] < A_MOMENT


def _raise(
    connection: Connection, kind: AlertKind, subject: str, shop: str, said: dict[str, Any], at: datetime
) -> bool:  # Any: column values
    fresh = {"since": at, "seen_at": at, "times": 1, "ended_at": None, "ended_by": "", **said}
    made = (
        upsert(connection, alerts).values(shop=shop, kind=str(kind), subject=subject, **fresh).on_conflict_do_nothing()
    )
    if connection.execute(made.returning(alerts.c.id)).first() is not None:
        return True
    named = _named(kind, subject, shop)
    held = select(alerts).where(named)
    row = connection.execute(held if is_sqlite(connection) else held.with_for_update()).mappings().first()
    if row is None or row["ended_at"] is not None:  # forgotten, or over
        connection.execute(update(alerts).where(named).values(fresh))
        return True
    connection.execute(update(alerts).where(named).values(seen_at=at, times=alerts.c.times + 1, **said))
    return False


def _held_by(owner: str) -> Update:
    return update(telling).where(telling.c.name == _PEOPLE, telling.c.owner == owner)


def _alert(row: RowMapping) -> Alert:
    return Alert(**(dict(row) | {"kind": AlertKind(row["kind"])}))
