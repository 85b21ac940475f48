"""Moving orders that are over into the archive, a few at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Table, delete, func, insert, literal, select, tuple_, update

from messenger.domain.messages import State
from messenger.ports import OrderKey
from messenger.storage.bundles import Bundle, Row, pack
from messenger.storage.columns import Instant
from messenger.storage.outbox_table import OPEN, carried, outbox
from messenger.storage.sql import among, is_sqlite, pair_among
from messenger.storage.tables import archive, archived_keys, attempts, bodies, here, needs_fold, orders, record

ROWS: Final = 50
"""Rows that one transaction moves, unless a single order has more."""
LOOKED_AT: Final = 3
"""Orders that one transaction looks at."""

Place = tuple[datetime, str, str]
"""Where in the line of ripe orders a look has come to: until when an order was open, its shop, its number."""


@dataclass(frozen=True, slots=True)
class Moved:
    """What one transaction did.

    Args:
        orders: how many orders it moved.
        place: where the next one goes on; None at the end of the line.
    """

    orders: int
    place: Place | None


def move_some(connection: Connection, *, before: datetime, now: datetime, after: Place | None) -> Moved:
    """Move the next orders that were over before then, as many as fit into one short transaction.

    Args:
        connection: in a write transaction.
        before: nothing may have been written about them since.
        now: aware, UTC.
        after: where the last look has come to; those that could not move then are passed over.
    """
    line = _ripe(connection, before, after)
    desk = _Desk(connection, before)
    desk.look_at({OrderKey(shop=shop, number=number) for _, shop, number in line})
    taken: dict[OrderKey, Bundle] = {}
    place = after
    for one in line:
        family = desk.family(OrderKey(shop=one[1], number=one[2]))
        if family.keys() <= taken.keys():
            place = one
            continue
        if taken and sum(map(len, (*taken.values(), *family.values()))) > ROWS:
            break
        taken |= family
        place = one
    else:
        place = place if len(line) == LOOKED_AT else None
    _move(connection, taken, now)
    return Moved(len(taken), place)


def _ripe(connection: Connection, before: datetime, after: Place | None) -> list[Place]:
    place = (orders.c.open_until, orders.c.shop, orders.c.number)
    line = select(*place).where(here, orders.c.open_until < before).order_by(*place).limit(LOOKED_AT)
    if after is not None:
        line = line.where(tuple_(*place) > tuple_(literal(after[0], Instant), *map(literal, after[1:])))
    if not is_sqlite(connection):
        line = line.with_for_update(skip_locked=True)
    return [(row.open_until, row.shop, row.number) for row in connection.execute(line)]


@dataclass(slots=True)
class _Desk:
    """Orders that are looked at together, locked, with those whose messages went out together with theirs."""

    connection: Connection
    before: datetime
    _bundles: dict[OrderKey, Bundle] = field(default_factory=dict)
    _kin: defaultdict[OrderKey, set[OrderKey]] = field(default_factory=lambda: defaultdict(set))
    _stay: set[OrderKey] = field(default_factory=set)
    """Those that are not over, or are in somebody's hands."""

    def look_at(self, keys: Collection[OrderKey]) -> None:
        """Fetch orders and all that hang together with them."""
        while keys:
            self._fetch(keys)
            keys = self._relate(keys) - self._bundles.keys()
        self._keep_the_highest()

    def family(self, key: OrderKey) -> dict[OrderKey, Bundle]:
        """Return the order with all that hang together with it; nothing when any of them has to stay."""
        found, new = set[OrderKey](), {key}
        while new:
            found |= new
            new = {kin for one in new for kin in self._kin[one]} - found
        return {} if found & self._stay else {one: self._bundles[one] for one in found}

    def _fetch(self, keys: Collection[OrderKey]) -> None:
        pairs = [(key.shop, key.number) for key in keys]
        stand = select(
            orders.c.shop, orders.c.number, orders.c.open_until, orders.c.updated_at, needs_fold.label("asked")
        )
        stand = stand.where(here, pair_among(self.connection, orders.c.shop, orders.c.number, pairs))
        if not is_sqlite(self.connection):
            stand = stand.with_for_update(skip_locked=True)
        told = {OrderKey(shop=row.shop, number=row.number): row for row in self.connection.execute(stand)}
        messages, entries = self._of_orders(outbox, pairs), self._of_orders(record, pairs)
        ids = [row["id"] for rows in messages.values() for row in rows]
        tries, letters = self._of_messages(attempts, attempts.c.outbox_id, ids), self._letters(ids)
        for key in keys:
            mine = [row["id"] for row in messages[key]]
            self._bundles[key] = Bundle(
                messages=messages[key], record=entries[key],
                attempts=[row for id_ in mine for row in tries[id_]], letters=[row for id_ in mine for row in letters[id_]],
            )  # fmt: skip
            row = told.get(key)
            is_over = row is not None and not row.asked and _is_before(self.before, row.open_until, row.updated_at)
            if not (is_over and all(_has_ended(one, self.before) for one in _dated(self._bundles[key]))):
                self._stay.add(key)

    def _of_orders(self, table: Table, pairs: Sequence[tuple[str, str]]) -> defaultdict[OrderKey, list[Row]]:
        mine = select(table).where(pair_among(self.connection, table.c.shop, table.c.order_number, pairs))
        if table is outbox and not is_sqlite(self.connection):
            mine = mine.with_for_update()
        found: defaultdict[OrderKey, list[Row]] = defaultdict(list)
        for row in self.connection.execute(mine.order_by(table.c.id)).mappings():
            found[OrderKey(shop=row["shop"], number=row["order_number"])].append(dict(row))
        return found

    def _of_messages(
        self, table: Table, column: Any, ids: Sequence[int]
    ) -> defaultdict[int, list[Row]]:  # Any: a column
        found: defaultdict[int, list[Row]] = defaultdict(list)
        if ids:
            for row in self.connection.execute(
                select(table).where(among(self.connection, column, ids)).order_by(*table.primary_key)
            ).mappings():
                found[row[column.name]].append(dict(row))
        return found

    def _letters(self, ids: Sequence[int]) -> Mapping[int, list[Row]]:
        found = self._of_messages(bodies, bodies.c.outbox_id, ids)
        return defaultdict(list, {id_: [row | {"frozen_at": None} for row in rows] for id_, rows in found.items()})

    def _relate(self, keys: Iterable[OrderKey]) -> set[OrderKey]:
        """Remember who hangs together with these; returns them."""
        rows = {row["id"]: key for key in keys for row in self._bundles[key].messages}
        found = set[OrderKey]()
        for id_, kin in self._links(keys, rows):
            if kin != rows[id_]:
                self._kin[rows[id_]].add(kin)
                self._kin[kin].add(rows[id_])
                found.add(kin)
        return found

    def _links(self, keys: Iterable[OrderKey], rows: Mapping[int, OrderKey]) -> Iterator[tuple[int, OrderKey]]:
        """Ids of these rows, each with an order that has a row it carried or was carried by."""
        riders = {row["id"]: row["carrier"] for key in keys for row in self._bundles[key].messages if row["carrier"]}
        columns = (outbox.c.id, outbox.c.carrier, outbox.c.shop, outbox.c.order_number)
        if rows:
            with_them = carried & among(self.connection, outbox.c.carrier, list(rows))
            for row in self.connection.execute(select(*columns).where(with_them)):
                yield row.carrier, OrderKey(shop=row.shop, number=row.order_number)
        if riders:
            theirs = among(self.connection, outbox.c.id, sorted(set(riders.values())))
            owners = {row.id: row for row in self.connection.execute(select(*columns).where(theirs))}
            for id_, carrier in riders.items():
                if carrier in owners:
                    yield id_, OrderKey(shop=owners[carrier].shop, number=owners[carrier].order_number)

    def _keep_the_highest(self) -> None:
        """SQLite gives the next row the number after the highest there is: whoever has that has to stay, or it is given twice."""
        if not is_sqlite(self.connection):
            return
        highest = {
            name: self.connection.execute(select(func.max(table.c.id))).scalar()
            for name, table in (("messages", outbox), ("attempts", attempts), ("record", record))
        }
        for key, bundle in self._bundles.items():
            if any(row["id"] == last for name, last in highest.items() for row in getattr(bundle, name)):
                self._stay.add(key)


def _dated(bundle: Bundle) -> Iterator[Row]:
    yield from bundle.messages
    yield from bundle.record


def _has_ended(row: Row, before: datetime) -> bool:
    """Whether a message, or a line of the record, is closed and old enough."""
    if "state" not in row:
        return bool(row["at"] < before)
    is_closed = State(row["state"]) not in OPEN and row["owner"] is None and not row["gated"]
    return is_closed and _is_before(before, row["sent_at"], row["claimed_at"])


def _is_before(before: datetime, *moments: datetime | None) -> bool:
    return all(one is None or one < before for one in moments)


def _move(connection: Connection, bundles: Mapping[OrderKey, Bundle], now: datetime) -> None:
    if not bundles:
        return
    connection.execute(
        insert(archive),
        [
            {"shop": key.shop, "order_number": key.number, "archived_at": now, "left_at": one.left_at, "content": pack(one)}
            for key, one in bundles.items()
        ],
    )  # fmt: skip
    rows = [row for one in bundles.values() for row in one.messages]
    if rows:
        names = [str(column.name) for column in archived_keys.columns]
        connection.execute(insert(archived_keys), [{name: row[name] for name in names} for row in rows])
    for table, column, ids in (
        (outbox, outbox.c.id, [row["id"] for row in rows]),
        (bodies, bodies.c.outbox_id, [row["id"] for row in rows]),
        (attempts, attempts.c.id, [row["id"] for one in bundles.values() for row in one.attempts]),
        (record, record.c.id, [row["id"] for one in bundles.values() for row in one.record]),
    ):
        if ids:
            connection.execute(delete(table).where(among(connection, column, ids)))
    pairs = [(key.shop, key.number) for key in bundles]
    mine = pair_among(connection, orders.c.shop, orders.c.number, pairs)
    connection.execute(update(orders).where(mine).values(archived_at=now))
