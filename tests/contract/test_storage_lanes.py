"""What every store promises about lanes: each parcel counts once, and the snapshot that is read is the newest."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from messenger.domain.lanes import Journey, Lane, LaneKey
from messenger.ports import OrderKey
from messenger.storage import SqlStore
from messenger.storage.travel import PAGE
from tests.storage_samples import NOW

DAY = timedelta(days=1)
BRAZIL = LaneKey(shop="toys", country="BR", method="epacket")


def journey(order: str, shipment: str = "RR1", *, lane: LaneKey = BRAZIL, ended: timedelta = timedelta(0)) -> Journey:
    return Journey(lane=lane, order=order, shipment=shipment, shipped_at=NOW - 30 * DAY, delivered_at=NOW + ended)


def arrived(store: SqlStore, *journeys: Journey) -> None:
    with store.begin() as unit:
        unit.arrived(OrderKey(shop="toys", number="1"), journeys)


def test_parcels_come_back_lane_by_lane(store: SqlStore) -> None:
    spain = replace(BRAZIL, country="ES")
    unknown = LaneKey(shop="toys", country="", method="")
    told = [
        journey("3", lane=spain),
        journey("1"),
        journey("2", lane=spain),
        journey("1", "RR2"),
        journey("9", lane=unknown),
    ]
    arrived(store, *told)

    assert list(store.journeys(since=NOW)) == [told[4], told[1], told[3], told[2], told[0]]


def test_a_parcel_that_is_told_again_replaces_its_journey(store: SqlStore) -> None:
    arrived(store, journey("1"))
    corrected = replace(journey("1"), lane=replace(BRAZIL, method="standard"), delivered_at=NOW + DAY)
    arrived(store, corrected, journey("1", "RR2"))
    arrived(store)

    assert list(store.journeys(since=NOW)) == [journey("1", "RR2"), corrected]


def test_only_what_arrived_since_then_is_told(store: SqlStore) -> None:
    arrived(store, *(journey(str(days), ended=days * DAY) for days in (-1, 0, 1)))

    assert [one.order for one in store.journeys(since=NOW)] == ["0", "1"]


def test_journeys_stream_over_many_pages(store: SqlStore) -> None:
    many = 2 * PAGE + 3
    arrived(store, *(journey(f"{number:05}", ended=DAY if number % 2 else -DAY) for number in range(2 * many)))

    found = [one.order for one in store.journeys(since=NOW)]
    assert found == sorted(found)
    assert len(found) == len(set(found)) == many


def test_a_snapshot_is_kept_exactly_and_replaced_by_the_next(store: SqlStore) -> None:
    first = Lane(key=BRAZIL, day=date(2026, 3, 2), parcels=20, p50_days=Decimal("30.0"), p90_days=Decimal("41.5"))
    few = Lane(key=replace(BRAZIL, country="ES"), day=date(2026, 3, 2), parcels=3, p50_days=None, p90_days=None)
    assert store.lanes() == {}
    store.keep_lanes([first, few])
    store.keep_lanes([])
    assert store.lanes() == {first.key: first, few.key: few}

    later = replace(first, day=date(2026, 3, 3), parcels=21, p90_days=Decimal("41.4"))
    store.keep_lanes([later])
    store.keep_lanes([replace(first, parcels=1)])
    assert store.lanes() == {first.key: later, few.key: few}
    assert str(store.lanes()[BRAZIL].p50_days) == "30.0"
