"""Retention: finished orders move away, old letters are forgotten, old ticks too; always a few rows at a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, Connection, and_, delete, func, select, tuple_, update

from messenger.ports import OrderKey
from messenger.ports.archive import CHUNKS
from messenger.storage import archived
from messenger.storage.engine import Database
from messenger.storage.moving import LOOKED_AT, ROWS, Place, move_some
from messenger.storage.outbox_table import open_, outbox
from messenger.storage.sql import among, is_sqlite
from messenger.storage.tables import archive, bodies, ticks

GIVE_WAY: Final = 0.005
"""Seconds between two transactions, so that whoever else wants to write comes first."""


class SqlArchive:
    """The part of the store that keeps the queue small; see ``ports.Archive``."""

    _database: Database

    def archive(self, *, before: datetime, now: datetime, most: int = CHUNKS) -> int:
        """Move away orders that were over before then; returns how many."""
        moved, place = 0, None
        for _ in range(most):

            def some(connection: Connection, after: Place | None = place) -> tuple[int, Place | None]:
                done = move_some(connection, before=before, now=now, after=after)
                return done.orders, done.place

            count, place = self._database.transact(some)
            moved += count
            if place is None:
                break
            time.sleep(GIVE_WAY)
        return moved

    def unarchive(self, *, since: datetime, most: int = CHUNKS) -> int:
        """Bring back orders of which a message left since then; returns how many."""

        def some(connection: Connection) -> int:
            late = select(archive.c.shop, archive.c.order_number).where(archive.c.left_at >= since).limit(LOOKED_AT)
            keys = [OrderKey(shop=shop, number=number) for shop, number in connection.execute(late)]
            return len(archived.bring_back(connection, keys))

        return self._again_and_again(some, most)

    def forget_letters(self, *, before: datetime, now: datetime, most: int = CHUNKS) -> int:
        """Forget the texts of messages that ended before then; returns how many."""
        last = func.coalesce(outbox.c.sent_at, outbox.c.claimed_at, outbox.c.due_at)
        is_over = and_(~open_, outbox.c.owner.is_(None), outbox.c.expires_at < now, last < before)
        old = and_(
            bodies.c.frozen_at < before, select(outbox.c.id).where(outbox.c.id == bodies.c.outbox_id, is_over).exists()
        )
        forgotten = {"letter": b"", "frozen_at": None}

        def some(connection: Connection) -> int:
            ids = select(bodies.c.outbox_id).where(old).order_by(bodies.c.frozen_at).limit(ROWS)
            if not is_sqlite(connection):
                ids = ids.with_for_update(skip_locked=True)
            mine = among(connection, bodies.c.outbox_id, connection.execute(ids).scalars().all())
            return connection.execute(update(bodies).where(mine).values(forgotten)).rowcount

        return self._again_and_again(some, most)

    def forget_ticks(self, *, before: datetime, now: datetime) -> int:
        """Forget old slots; returns how many. A slot that nobody has dated yet is dated now."""
        newest = _newest_slots()

        def all_of_them(connection: Connection) -> int:
            connection.execute(update(ticks).where(ticks.c.bought_at.is_(None)).values(bought_at=now))
            return connection.execute(delete(ticks).where(ticks.c.bought_at < before, ~newest)).rowcount

        return self._database.transact(all_of_them)

    def _again_and_again(self, some: Callable[[Connection], int], most: int) -> int:
        done = 0
        for _ in range(most):
            count = self._database.transact(some)
            done += count
            if not count:
                break
            time.sleep(GIVE_WAY)
        return done


def _newest_slots() -> ColumnElement[bool]:
    """The condition that a slot is the last that was bought of its name: whoever asks for it again must still not get it."""
    other = ticks.alias()
    later = tuple_(other.c.bought_at, other.c.slot) > tuple_(ticks.c.bought_at, ticks.c.slot)
    return ~select(other.c.name).where(other.c.name == ticks.c.name, later).exists()
