"""What lies in the archive: read where it lies, or brought back before anybody touches it."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from sqlalchemy import ColumnElement, Connection, delete, insert, or_, select, update

from messenger.domain.messages import PlannedMessage
from messenger.ports import Entry, Frozen, OrderKey
from messenger.storage.archive_tables import archived_names, archived_riders
from messenger.storage.bundles import PARTS, Bundle, Row, unpack
from messenger.storage.rows import entry_of, message_of
from messenger.storage.sql import among, is_sqlite, pair_among
from messenger.storage.tables import archive, archived_keys, orders


def bring_back(connection: Connection, keys: Iterable[OrderKey]) -> set[OrderKey]:
    """Put orders back where they were, with all whose messages went out together with theirs; returns those that came.

    Args:
        connection: in a write transaction; the orders are locked in it.
        keys: which; those that are not in the archive are left alone.
    """
    back = set[OrderKey]()
    wanted = set(keys)
    while wanted:
        bundles = _take_out(connection, wanted)
        back |= bundles.keys()
        rows = [row for one in bundles.values() for row in one.messages]
        wanted = _kin(connection, rows) - back
    return back


def _take_out(connection: Connection, keys: Collection[OrderKey]) -> dict[OrderKey, Bundle]:
    pairs = sorted((key.shop, key.number) for key in keys)
    mine = pair_among(connection, orders.c.shop, orders.c.number, pairs)
    if not is_sqlite(connection):
        locked = select(orders.c.shop).where(mine).order_by(orders.c.shop, orders.c.number).with_for_update()
        connection.execute(locked).all()
    there = pair_among(connection, archive.c.shop, archive.c.order_number, pairs)
    rows = connection.execute(delete(archive).where(there).returning(archive)).all()
    bundles = {OrderKey(shop=row.shop, number=row.order_number): unpack(row.content) for row in rows}
    if not bundles:
        return bundles
    ids = [row["id"] for one in bundles.values() for row in one.messages]
    connection.execute(delete(archived_keys).where(among(connection, archived_keys.c.id, ids)))
    for name, table in PARTS.items():
        part = [row for one in bundles.values() for row in getattr(one, name)]
        if part:
            connection.execute(insert(table), part)
    connection.execute(update(orders).where(mine).values(archived_at=None))
    return bundles


def _kin(connection: Connection, rows: Collection[Row]) -> set[OrderKey]:
    """Orders in the archive with a message that carried one of these, or was carried by one."""
    if not rows:
        return set()
    carriers = [row["carrier"] for row in rows if row["carrier"]]
    with_them = archived_riders & among(connection, archived_keys.c.carrier, [row["id"] for row in rows])
    theirs = or_(with_them, among(connection, archived_keys.c.id, carriers)) if carriers else with_them
    return _named(connection, theirs)


def _named(connection: Connection, condition: ColumnElement[bool]) -> set[OrderKey]:
    found = select(archived_keys.c.shop, archived_keys.c.order_number).where(condition).distinct()
    return {OrderKey(shop=shop, number=number) for shop, number in connection.execute(found)}


def bring_back_message(connection: Connection, id_: int) -> bool:
    """Bring the order of this message back; returns whether it had been moved away."""
    return bool(bring_back(connection, _named(connection, archived_keys.c.id == id_)))


def order_named(connection: Connection, message_ids: Collection[str]) -> PlannedMessage | None:
    """Return the archived message with one of these Message-IDs."""
    mine = archived_names & among(connection, archived_keys.c.message_id, message_ids)
    id_ = connection.execute(select(archived_keys.c.id).where(mine).limit(1)).scalar()
    return None if id_ is None else message(connection, id_)


def bundle(connection: Connection, key: OrderKey) -> Bundle:
    """Return what lies in the archive about an order; an empty bundle when nothing does."""
    mine = select(archive.c.content).where(archive.c.shop == key.shop, archive.c.order_number == key.number)
    content = connection.execute(mine).scalar()
    return Bundle() if content is None else unpack(content)


def messages_of(connection: Connection, key: OrderKey) -> list[PlannedMessage]:
    """Return the archived messages of an order, by id."""
    return [_message(row) for row in bundle(connection, key).messages]


def record_of(connection: Connection, key: OrderKey) -> list[Entry]:
    """Return the archived record of an order, oldest first."""
    return [entry_of(row) for row in bundle(connection, key).record]


def message(connection: Connection, id_: int) -> PlannedMessage | None:
    """Return one archived message."""
    found = _of_message(connection, id_)
    return next((_message(row) for row in found.messages if row["id"] == id_), None)


def frozen(connection: Connection, id_: int) -> Frozen | None:
    """Return digest and version of what was frozen for an archived message; its text is forgotten."""
    for row in _of_message(connection, id_).letters:
        if row["outbox_id"] == id_:
            return Frozen(letter=None, digest=row["digest"], template_version=row["template_version"])
    return None


def _of_message(connection: Connection, id_: int) -> Bundle:
    (key,) = _named(connection, archived_keys.c.id == id_) or (None,)
    return Bundle() if key is None else bundle(connection, key)


def _message(row: Row) -> PlannedMessage:
    return message_of(row)
