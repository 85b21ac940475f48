"""The spool: deliveries as they came. On SQLite in a file of its own, so that no worker can make a sender wait."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections import deque
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import orjson
from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    and_,
    bindparam,
    delete,
    func,
    insert,
    select,
    true,
    update,
)
from sqlalchemy.exc import DBAPIError

from messenger.errors import StorageError
from messenger.ports.deliveries import SUSPECT, Delivery, DeliveryState, Ending, KeptDelivery
from messenger.storage.engine import Database, connect, parsed
from messenger.storage.spool_table import deliveries, is_received, spool_metadata
from messenger.storage.sql import among, is_sqlite

log = logging.getLogger(__name__)

FILE: Final = "spool.db"
VERSION: Final = 1
"""Of the tables in SQLite's file; on PostgreSQL they are made by the steps of the database."""
LONGEST_NOTE: Final = 500
AT_ONCE: Final = 100
"""Rows that a list holds in memory."""
TOGETHER: Final = 50
"""Deliveries that one transaction writes."""
_ENDED = (
    update(deliveries)
    .where(deliveries.c.number == bindparam("its"))
    .values(state=bindparam("now"), ended_at=bindparam("at"), note=bindparam("said"))
)

_NAMES = ("source", "name", "fingerprint", "state", "received_at", "due_at", "tries", "note", "headers", "body")
_KNOWN = select(deliveries.c.fingerprint).where(
    deliveries.c.source == bindparam("its_source"), deliveries.c.name == bindparam("its_name")
)
_KEPT = insert(deliveries).values({name: bindparam(name) for name in _NAMES})


@dataclass(slots=True, eq=False)
class _Waiting:
    """A delivery that is about to be written together with others; ``is_new`` says what it was, once it is."""

    row: dict[str, Any]  # Any: column values of many types
    is_new: bool | None = None
    had_its_turn: bool = False


class SqlSpool:
    """Keeps deliveries; see ``ports.deliveries.Spool``. May be used from several threads."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queue: deque[_Waiting] = deque()
        self._turn = threading.Lock()

    def keep(self, delivery: Delivery) -> bool:
        """Keep a delivery; False when it was kept before. What comes while others are written is written together."""
        mine = _Waiting(_row(delivery))
        self._queue.append(mine)
        with self._turn:
            while not mine.had_its_turn:
                self._keep_together([self._queue.popleft() for _ in range(min(len(self._queue), TOGETHER))])
        return self._kept_alone(mine) if mine.is_new is None else mine.is_new

    def _keep_together(self, batch: list[_Waiting]) -> None:
        """Write these in one transaction; if that is not possible, each is left to whoever brought it."""
        try:
            found = self._database.transact(lambda connection: [_keep(connection, one.row) for one in batch])
            for one, is_new in zip(batch, found, strict=True):
                one.is_new = is_new
        except (StorageError, DBAPIError):
            log.info("kept_one_by_one", extra={"deliveries": len(batch)})
        finally:
            for one in batch:
                one.had_its_turn = True

    def _kept_alone(self, mine: _Waiting) -> bool:
        return self._database.transact(lambda connection: _keep(connection, mine.row), again_if_there=True)

    def take(self, *, now: datetime, until: datetime, limit: int) -> list[KeptDelivery]:
        """Return what was received and nobody else has in hand."""
        ready = and_(is_received, deliveries.c.due_at <= now)
        with self._database.read() as connection:
            if connection.execute(select(deliveries.c.number).where(ready).limit(1)).first() is None:
                return []

        def work(connection: Connection) -> list[KeptDelivery]:
            usual = _take(connection, and_(ready, deliveries.c.tries < SUSPECT), until, limit)
            return usual or _take(connection, and_(ready, deliveries.c.tries >= SUSPECT), until, 1)

        return self._database.transact(work)

    def end(self, endings: Collection[Ending], *, at: datetime) -> None:
        """Say what became of deliveries."""
        rows = [{"its": one.number, "now": str(one.state), "said": one.note[:LONGEST_NOTE]} for one in endings]
        if rows:
            self._database.transact(lambda connection: connection.execute(_ENDED, [row | {"at": at} for row in rows]))

    def listed(
        self, *, states: Collection[DeliveryState] = (), source: str = "", numbers: Collection[int] = ()
    ) -> Iterator[KeptDelivery]:
        """Stream deliveries, oldest first, a few at a time."""
        last = 0
        while True:
            with self._database.read() as connection:
                wanted = _wanted(connection, states, source, numbers)
                some = select(deliveries).where(wanted, deliveries.c.number > last).order_by(deliveries.c.number)
                found = [_kept(row) for row in connection.execute(some.limit(AT_ONCE)).mappings()]
            yield from found
            if len(found) < AT_ONCE:
                return
            last = found[-1].number

    def replay(self, numbers: Collection[int], *, at: datetime) -> int:
        """Let these deliveries be read again."""
        anew = {"state": str(DeliveryState.RECEIVED), "due_at": at, "tries": 0, "note": "", "ended_at": None}
        is_no_double = deliveries.c.state != str(DeliveryState.CONFLICT)

        def work(connection: Connection) -> int:
            mine = and_(among(connection, deliveries.c.number, list(numbers)), is_no_double)
            return connection.execute(update(deliveries).where(mine).values(anew)).rowcount

        return self._database.transact(work)

    def counts(self, states: Collection[DeliveryState] = ()) -> dict[tuple[str, DeliveryState], int]:
        """Return how many deliveries of each source stand in each of these states, or in any."""
        mine = deliveries.c.state.in_([str(one) for one in states]) if states else true()
        columns = (deliveries.c.source, deliveries.c.state)
        each = select(*columns, func.count()).where(mine).group_by(*columns)
        with self._database.read() as connection:
            return {(source, DeliveryState(state)): count for source, state, count in connection.execute(each)}

    def forget(self, *, before: datetime, states: Collection[DeliveryState], limit: int) -> int:
        """Forget what came before then."""
        words = [str(one) for one in states]
        old = and_(deliveries.c.received_at < before, deliveries.c.state.in_(words))
        some = select(deliveries.c.number).where(old).order_by(deliveries.c.received_at).limit(limit)
        forgotten = delete(deliveries).where(deliveries.c.number.in_(some))
        return self._database.transact(lambda connection: connection.execute(forgotten).rowcount)

    def close(self) -> None:
        """Release connections."""
        self._database.close()


def open_spool(url: str) -> SqlSpool:
    """Return the spool that goes with a database; SQLite's is a file beside it, made when it is not there.

    Raises:
        StorageError: it cannot be reached, or a newer version has written it.
    """
    where = parsed(url)
    is_file = where.get_backend_name() == "sqlite"
    beside = f"sqlite:///{Path(where.database or '').parent / FILE}" if is_file else url
    database = Database(connect(beside))
    try:
        if is_file:
            _make(database)
        database.check_durable()
    except BaseException:
        database.close()
        raise
    return SqlSpool(database)


def _make(database: Database) -> None:
    with database.write() as connection:
        version = int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())
        if version > VERSION:
            raise StorageError(f"{FILE} is at step {version}, this version knows {VERSION}: use a newer messenger")
        if version < VERSION:
            spool_metadata.create_all(connection)
            connection.exec_driver_sql(f"PRAGMA user_version = {VERSION}")


def _keep(connection: Connection, row: dict[str, Any]) -> bool:  # Any: column values of many types
    same_name = {"its_source": row["source"], "its_name": row["name"]}
    known = set(connection.execute(_KNOWN, same_name).scalars())
    if row["fingerprint"] in known:
        return False
    state = DeliveryState.CONFLICT if known else DeliveryState.RECEIVED
    connection.execute(_KEPT, row | {"state": str(state)})
    return not known


def _take(connection: Connection, ready: ColumnElement[bool], until: datetime, limit: int) -> list[KeptDelivery]:
    some = select(deliveries.c.number).where(ready).order_by(deliveries.c.number).limit(limit)
    if not is_sqlite(connection):
        some = some.with_for_update(skip_locked=True)
    held = {"due_at": until, "tries": deliveries.c.tries + 1}
    mine = update(deliveries).where(deliveries.c.number.in_(some)).values(held).returning(deliveries)
    return sorted((_kept(row) for row in connection.execute(mine).mappings()), key=lambda one: one.number)


def _wanted(
    connection: Connection, states: Collection[DeliveryState], source: str, numbers: Collection[int]
) -> ColumnElement[bool]:
    return and_(
        deliveries.c.state.in_([str(one) for one in states]) if states else true(),
        deliveries.c.source == source if source else true(),
        among(connection, deliveries.c.number, list(numbers)) if numbers else true(),
    )


def _row(delivery: Delivery) -> dict[str, Any]:  # Any: column values of many types
    return {
        "source": delivery.source, "name": delivery.id, "received_at": delivery.received_at, "due_at": delivery.received_at,
        "fingerprint": hashlib.sha256(delivery.body).hexdigest(), "headers": orjson.dumps(dict(delivery.headers)).decode(),
        "body": delivery.body, "tries": 0, "note": "",
    }  # fmt: skip


def _kept(row: RowMapping) -> KeptDelivery:
    delivery = Delivery(
        source=row["source"], id=row["name"], received_at=row["received_at"], headers=orjson.loads(row["headers"]),
        body=bytes(row["body"]),
    )  # fmt: skip
    state = DeliveryState(row["state"])
    return KeptDelivery(number=row["number"], delivery=delivery, state=state, tries=row["tries"], note=row["note"])
