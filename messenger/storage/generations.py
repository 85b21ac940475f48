"""Generations: the files of a home as they were published, numbered, and which orders were planned by which."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final

import orjson
from sqlalchemy import Connection, Select, and_, func, insert, select

from messenger.domain.messages import WAITING
from messenger.ports import Edition, OrderKey
from messenger.storage.engine import Database
from messenger.storage.intake import blocked
from messenger.storage.outbox_table import claimable, gated, outbox, stated
from messenger.storage.sql import is_sqlite
from messenger.storage.tables import generations, needs_fold, orders

_LOCK: Final = 7242133
"""Two publishers shut each other out (PostgreSQL; SQLite has one writer)."""


def publish(database: Database, edition: Edition) -> int:
    """Keep a generation; see ``ports.Store.publish``."""
    kept = {
        "digest": edition.digest, "published_at": edition.published_at, "published_by": edition.by, "content": _pack(edition.files),
    }  # fmt: skip

    def keep(connection: Connection) -> int:
        if not is_sqlite(connection):
            connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
        last = select(generations.c.number, generations.c.digest).order_by(generations.c.number.desc()).limit(1)
        number, digest = connection.execute(last).one_or_none() or (0, "")
        if digest == edition.digest:
            return int(number)
        connection.execute(insert(generations).values(number=number + 1, **kept))
        return int(number) + 1

    return database.transact(keep)


def newest(database: Database) -> int:
    """Return the number of the newest generation; 0 when there is none."""
    with database.read() as connection:
        return connection.execute(select(func.max(generations.c.number))).scalar() or 0


def find(database: Database, number: int) -> Edition | None:
    """Return a generation with its files."""
    with database.read() as connection:
        row = connection.execute(select(generations).where(generations.c.number == number)).first()
    if row is None:
        return None
    return Edition(
        number=row.number, digest=row.digest, published_at=row.published_at, by=row.published_by, files=_unpack(row.content)
    )  # fmt: skip


def _pack(files: Mapping[str, bytes]) -> bytes:
    """Files as they are kept: one compressed document. Latin-1 gives every byte a character, whatever a file holds."""
    return zlib.compress(orjson.dumps({path: files[path].decode("latin-1") for path in sorted(files)}), 6)


def _unpack(kept: bytes) -> dict[str, bytes]:
    files: dict[str, str] = orjson.loads(zlib.decompress(kept))
    return {path: text.encode("latin-1") for path, text in files.items()}


def to_replan(database: Database, generation: int, *, now: datetime, limit: int) -> list[OrderKey]:
    """Return orders to be planned anew; see ``ports.Store.to_replan``.

    ``open_until`` is never before the expiry of a row that waits (see ``unit``), so only what has expired and was not
    looked at yet is found through the outbox. What is folded anyway, or was given up, is left out.
    """
    with database.read() as connection:
        found: dict[OrderKey, None] = {}
        for older in connection.execute(_older_with_open_orders(generation, now)).scalars().all():
            is_open = and_(orders.c.generation == older, orders.c.open_until >= now)
            page = select(orders.c.shop, orders.c.number).where(is_open, *_FREE)
            page = page.order_by(orders.c.open_until, orders.c.shop, orders.c.number).limit(limit - len(found))
            found |= _keys(connection, page)
            if len(found) >= limit:
                return list(found)
        for page in _late(generation, now):
            if len(found) < limit:
                found |= _keys(connection, page.limit(limit - len(found)))
    return list(found)


_FREE: Final = (~needs_fold, ~blocked(orders.c.shop, orders.c.number))


def _keys(connection: Connection, page: Select[str, str]) -> dict[OrderKey, None]:
    return {OrderKey(shop=shop, number=number): None for shop, number in connection.execute(page)}


def _late(generation: int, now: datetime) -> Iterator[Select[str, str]]:
    """Orders of rows that expired and were not looked at: their shop is stopped, or their valve was not judged."""
    its_order = and_(orders.c.shop == outbox.c.shop, orders.c.number == outbox.c.order_number)
    older = select(orders.c.number).where(its_order, orders.c.generation < generation, *_FREE).exists()
    late = and_(stated(WAITING), outbox.c.expires_at < now, older)
    rows = select(outbox.c.shop, outbox.c.order_number)
    yield rows.where(claimable, outbox.c.due_at <= now, late).order_by(outbox.c.due_at, outbox.c.id)
    yield rows.where(gated, late).order_by(outbox.c.intake, outbox.c.id)


def _older_with_open_orders(generation: int, now: datetime) -> Select[int]:
    """Earlier generations by which an open order was planned, found by one step of the index each."""
    newest_of = func.max(orders.c.generation)
    each = select(newest_of.label("number")).where(orders.c.generation < generation).cte("each_older", recursive=True)
    older = select(newest_of).where(orders.c.generation < each.c.number).scalar_subquery()
    each = each.union_all(select(older).where(each.c.number.is_not(None)))
    is_open = select(orders.c.shop).where(orders.c.generation == each.c.number, orders.c.open_until >= now).exists()
    return select(each.c.number).where(each.c.number.is_not(None), is_open).order_by(each.c.number)
