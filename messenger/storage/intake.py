"""The inbox: events accepted once and given to their orders."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, and_, func, insert, or_, select, update

from messenger.domain.events import Event
from messenger.ports import InboxCounts, OrderKey, Verdict
from messenger.storage.documents import event_text, fingerprint
from messenger.storage.engine import Database
from messenger.storage.news import tell
from messenger.storage.sql import among, is_sqlite, pair_among, upsert
from messenger.storage.tables import (
    FAILED,
    MOST_FAILURES,
    TOO_OFTEN,
    conflicts,
    inbox,
    intakes,
    needs_fold,
    orders,
    parcels,
    received,
    sources,
)

SETTLED_AT_ONCE: Final = 50
"""Events without an order that one transaction deals with."""
HOMELESS_LOCK: Final = 7242132
"""Settling events without an order and working on orders shut each other out (PostgreSQL; SQLite has one writer)."""

_still_open = select(intakes.c.id).where(intakes.c.closed_at.is_(None))
may_be_taken = and_(received, inbox.c.intake.not_in(_still_open))
"""Received, and the file or batch it came in has been read to its end."""


@cache
def blocked(shop: ColumnElement[str], number: ColumnElement[str]) -> ColumnElement[bool]:
    """Return the condition that an order was given up: one of its events failed, or folding it anew did."""
    other, order = inbox.alias(), orders.alias()
    event_failed = select(1).where(other.c.shop == shop, other.c.order_number == number, other.c.state == FAILED)
    fold_failed = select(1).where(order.c.shop == shop, order.c.number == number, order.c.failures >= TOO_OFTEN)
    return or_(event_failed.exists(), fold_failed.exists())


def open_intake(database: Database, *, kind: str, name: str, at: datetime, stands: bool = False) -> int:
    """Begin an intake, or go on with the one that stands; returns its id."""
    if stands:
        same = select(func.max(intakes.c.id)).where(intakes.c.kind == kind, intakes.c.name == name)
        with database.read() as connection:
            if found := connection.execute(same).scalar():
                return int(found)
    row = {"kind": kind, "name": name, "opened_at": at, "closed_at": at if stands else None}
    with database.write() as connection:
        made = connection.execute(insert(intakes).values(row)).inserted_primary_key
        return int(made[0]) if made else 0


def close_intake(database: Database, intake: int, *, at: datetime, source: str) -> None:
    """Say that the intake was read to its end, and its source heard from."""
    with database.write() as connection:
        connection.execute(
            update(intakes).where(intakes.c.id == intake, intakes.c.closed_at.is_(None)).values(closed_at=at)
        )
        tell(connection, select(inbox.c.id).where(received, inbox.c.intake == intake).exists())
        if source:
            told = upsert(connection, sources).values(name=source, heard_at=at)
            later = told.excluded.heard_at > sources.c.heard_at
            connection.execute(
                told.on_conflict_do_update(
                    index_elements=["name"], set_={"heard_at": told.excluded.heard_at}, where=later
                )
            )


def heard(database: Database) -> dict[str, datetime]:
    """Return when each configured source was last heard from."""
    with database.read() as connection:
        return {row.name: row.heard_at for row in connection.execute(select(sources))}


def accept(database: Database, events: Sequence[Event], *, intake: int, at: datetime) -> list[Verdict]:
    """Store events once; see ``ports.Store.accept``."""
    if not events:
        return []
    rows = [_inbox_row(event, intake=intake, at=at) for event in events]
    return database.transact(lambda connection: _accept(connection, rows, intake), again_if_there=True)


def _accept(connection: Connection, rows: Sequence[dict[str, Any]], intake: int) -> list[Verdict]:
    known = _known(connection, rows)
    told: dict[Verdict, list[dict[str, Any]]] = {verdict: [] for verdict in Verdict}
    verdicts: list[Verdict] = []
    for row in rows:
        first = known.setdefault((row["source"], row["event_id"]), row)
        same = first is not row and first["fingerprint"] == row["fingerprint"]
        verdicts.append(Verdict.NEW if first is row else Verdict.DUPLICATE if same else Verdict.CONFLICT)
        told[verdicts[-1]].append(row)
    if told[Verdict.NEW]:
        connection.execute(insert(inbox), told[Verdict.NEW])
    if told[Verdict.DUPLICATE]:
        _adopt(connection, told[Verdict.DUPLICATE], intake)
    if told[Verdict.CONFLICT]:
        names = ("shop", "source", "event_id", "fingerprint", "document", "received_at")
        kept = [{name: row[name] for name in names} for row in told[Verdict.CONFLICT]]
        connection.execute(upsert(connection, conflicts).on_conflict_do_nothing(), kept)
    return verdicts


def _inbox_row(event: Event, *, intake: int, at: datetime) -> dict[str, Any]:  # Any: column values
    document = event_text(event)
    buyer = event.data.get("buyer", {})
    return {
        "shop": event.shop, "order_number": event.order, "source": event.source, "event_id": event.id, "type": event.type,
        "time": event.time, "number": event.tracking_number, "state": "received", "intake": intake, "received_at": at,
        "buyer_key": f"id:{buyer['id']}" if buyer.get("id") else None,
        "email_key": f"email:{str(buyer['email']).casefold()}" if buyer.get("email") else None,
        "fingerprint": fingerprint(document), "document": document,
    }  # fmt: skip


def _known(connection: Connection, rows: Sequence[dict[str, Any]]) -> dict[tuple[str, str], dict[str, Any]]:
    found = connection.execute(
        select(inbox.c.source, inbox.c.event_id, inbox.c.fingerprint).where(_named(connection, rows))
    )
    return {(row["source"], row["event_id"]): dict(row) for row in found.mappings()}


def _named(connection: Connection, rows: Sequence[dict[str, Any]]) -> ColumnElement[bool]:
    names = [(row["source"], row["event_id"]) for row in rows]
    return pair_among(connection, inbox.c.source, inbox.c.event_id, names)


def _adopt(connection: Connection, rows: Sequence[dict[str, Any]], intake: int) -> None:
    """Take over what a reading that was cut short has left; what was read to its end already waits for nobody."""
    left = and_(received, inbox.c.intake.in_(_still_open))
    connection.execute(update(inbox).where(_named(connection, rows), left).values(intake=intake))


def backlog(database: Database, *, limit: int) -> list[OrderKey]:
    """Return orders to be folded; settles on the way what belongs to no single order."""
    _settle_homeless(database)
    with database.read() as connection:
        waiting = connection.execute(
            select(inbox.c.shop, inbox.c.order_number)
            .where(may_be_taken, inbox.c.order_number.is_not(None), ~blocked(inbox.c.shop, inbox.c.order_number))
            .group_by(inbox.c.shop, inbox.c.order_number)
            .order_by(func.min(inbox.c.id))
            .limit(limit)
        ).all()
        asked = connection.execute(
            select(orders.c.shop, orders.c.number)
            .where(needs_fold, ~blocked(orders.c.shop, orders.c.number))
            .order_by(orders.c.shop, orders.c.number)
            .limit(limit)
        ).all()
    return [
        OrderKey(shop=shop, number=number) for shop, number in dict.fromkeys((*map(tuple, waiting), *map(tuple, asked)))
    ][:limit]


def _settle_homeless(database: Database) -> None:
    homeless = and_(may_be_taken, inbox.c.order_number.is_(None))

    def settle_some(connection: Connection) -> int:
        if not is_sqlite(connection):
            connection.execute(select(func.pg_advisory_xact_lock(HOMELESS_LOCK)))
        some = select(inbox).where(homeless).order_by(inbox.c.id).limit(SETTLED_AT_ONCE)
        rows = connection.execute(some).mappings().all()
        for row in rows:
            _settle_one(connection, dict(row))
        return len(rows)

    with database.read() as connection:
        if connection.execute(select(inbox.c.id).where(homeless).limit(1)).first() is None:
            return
    while database.transact(settle_some) == SETTLED_AT_ONCE:
        pass


def _settle_one(connection: Connection, row: dict[str, Any]) -> None:
    this = update(inbox).where(inbox.c.id == row["id"])
    if row["type"].startswith("shipment."):
        owner = connection.execute(
            select(parcels.c.order_number).where(parcels.c.shop == row["shop"], parcels.c.number == row["number"])
        ).scalar()
        connection.execute(this.values(order_number=owner) if owner else this.values(state="unmatched"))
        return
    connection.execute(this.values(state="processed"))
    keys = [key for key in (row["buyer_key"], row["email_key"]) if key]
    theirs = or_(among(connection, orders.c.buyer_key, keys), among(connection, orders.c.email_key, keys))
    connection.execute(update(orders).where(orders.c.shop == row["shop"], theirs).values(needs_fold=True))


def failed(database: Database, order: OrderKey, *, error: str) -> bool:
    """Count a failed taking-in; see ``ports.Store.failed``."""
    mine = and_(inbox.c.shop == order.shop, inbox.c.order_number == order.number, may_be_taken)
    itself = and_(orders.c.shop == order.shop, orders.c.number == order.number)

    def count(connection: Connection) -> bool:
        has_events = bool(
            connection.execute(
                update(inbox).where(mine).values(failures=inbox.c.failures + 1, error=error[:500])
            ).rowcount
        )
        # With no event of its own it failed while it was planned anew: it is folded again until it is given up.
        asked = itself if not has_events else and_(itself, needs_fold)
        again = {"failures": orders.c.failures + 1, "needs_fold": True}
        connection.execute(update(orders).where(asked).values(again))
        events = connection.execute(select(func.max(inbox.c.failures)).where(mine)).scalar() or 0
        folds = connection.execute(select(orders.c.failures).where(itself, needs_fold)).scalar() or 0
        if events >= MOST_FAILURES:
            connection.execute(update(inbox).where(mine).values(state="failed"))
        return max(events, folds) >= MOST_FAILURES

    return database.transact(count)


def counts(database: Database) -> InboxCounts:
    """Return how many events stand in each state."""
    with database.read() as connection:
        found = dict(map(tuple, connection.execute(select(inbox.c.state, func.count()).group_by(inbox.c.state)).all()))
        conflict = connection.execute(select(func.count()).select_from(conflicts)).scalar() or 0
    return InboxCounts(conflict=conflict, **found)


def to_be_taken_in(connection: Connection) -> int:
    """Return how many events and orders ``backlog`` still has to give out; what was given up does not count."""
    return sum(connection.execute(one).scalar() or 0 for one in (_EVENTS_WAITING, _FOLDS_WAITING))


_EVENTS_WAITING = select(func.count()).where(
    may_be_taken, or_(inbox.c.order_number.is_(None), ~blocked(inbox.c.shop, inbox.c.order_number))
)
_FOLDS_WAITING = select(func.count()).where(needs_fold, ~blocked(orders.c.shop, orders.c.number))
