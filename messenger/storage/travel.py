"""Lanes: how long parcels took, one row a parcel that arrived, and the snapshot made of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, Row, select, tuple_

from messenger.domain.lanes import Journey, Lane, LaneKey
from messenger.storage.engine import Database
from messenger.storage.sql import upsert
from messenger.storage.tables import journeys, lanes

PAGE: Final = 1000
"""Journeys that a stream keeps in memory."""


def arrived(connection: Connection, told: Sequence[Journey]) -> None:
    """Remember journeys; one that is told again replaces what was told before."""
    if not told:
        return
    rows = [
        {
            "shop": one.lane.shop, "country": one.lane.country, "method": one.lane.method, "order_number": one.order,
            "shipment": one.shipment, "shipped_at": one.shipped_at, "delivered_at": one.delivered_at,
        }
        for one in told
    ]  # fmt: skip
    made = upsert(connection, journeys)
    fresh = {name: made.excluded[name] for name in ("country", "method", "shipped_at", "delivered_at")}
    connection.execute(
        made.on_conflict_do_update(index_elements=["shop", "order_number", "shipment"], set_=fresh), rows
    )


def stream(database: Database, *, since: datetime) -> Iterator[Journey]:
    """Yield the journeys that ended since then, lane by lane, in bounded memory."""
    by = (journeys.c.shop, journeys.c.country, journeys.c.method, journeys.c.order_number, journeys.c.shipment)
    page = select(journeys).where(journeys.c.delivered_at >= since).order_by(*by).limit(PAGE)
    after = page
    while True:
        with database.read() as connection:
            rows = connection.execute(after).all()
        yield from map(_journey, rows)
        if len(rows) < PAGE:
            return
        last = rows[-1]
        after = page.where(tuple_(*by) > (last.shop, last.country, last.method, last.order_number, last.shipment))


def _journey(row: Row[tuple[str, ...]]) -> Journey:
    return Journey(
        lane=LaneKey(shop=row.shop, country=row.country, method=row.method), order=row.order_number, shipment=row.shipment,
        shipped_at=row.shipped_at, delivered_at=row.delivered_at,
    )  # fmt: skip


def keep(database: Database, snapshots: Sequence[Lane]) -> None:
    """Replace the snapshot of each of these lanes, unless a later one is there."""
    if not snapshots:
        return
    rows = [
        {
            "shop": one.key.shop, "country": one.key.country, "method": one.key.method, "day": one.day, "parcels": one.parcels,
            "p50_days": one.p50_days, "p90_days": one.p90_days,
        }
        for one in snapshots
    ]  # fmt: skip

    def write(connection: Connection) -> None:
        made = upsert(connection, lanes)
        fresh = {name: made.excluded[name] for name in ("day", "parcels", "p50_days", "p90_days")}
        connection.execute(
            made.on_conflict_do_update(
                index_elements=["shop", "country", "method"], set_=fresh, where=made.excluded.day >= lanes.c.day
            ),
            rows,
        )

    database.transact(write)


def newest(database: Database) -> dict[LaneKey, Lane]:
    """Return the snapshot of every lane."""
    with database.read() as connection:
        rows = connection.execute(select(lanes).order_by(lanes.c.shop, lanes.c.country, lanes.c.method)).all()
    found = [
        Lane(
            key=LaneKey(shop=row.shop, country=row.country, method=row.method), day=row.day, parcels=row.parcels,
            p50_days=row.p50_days, p90_days=row.p90_days,
        )
        for row in rows
    ]  # fmt: skip
    return {lane.key: lane for lane in found}
