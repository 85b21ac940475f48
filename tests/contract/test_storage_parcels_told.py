"""What every store promises about parcels that events have told of."""

from __future__ import annotations

from datetime import timedelta

from messenger.domain.events import Event
from messenger.ports.parcels import ToldParcel
from messenger.storage import SqlStore
from tests.builders import event
from tests.storage_samples import NOW

MINUTE = timedelta(minutes=1)


def shipped(order: str | None, number: str | None, *, shop: str = "toys") -> Event:
    parcel = {"number": number} if number else {"id": "1"}
    return event("shipment.picked_up", at="2026-03-02T10:00", order=order, shop=shop, shipment=parcel)


def accept(store: SqlStore, *events: Event, at: timedelta = timedelta(0)) -> None:
    intake = store.open_intake(kind="file", name="x", at=NOW + at)
    store.accept(events, intake=intake, at=NOW + at)


def told(
    store: SqlStore, *, after: int = 0, at: timedelta = MINUTE, limit: int = 10, shop: str = "toys"
) -> tuple[list[str], int]:
    found, mark = store.parcels_told(shop, after=after, before=NOW + at, limit=limit)
    return [f"{one.order}/{one.number}" for one in found], mark


def test_parcels_come_in_the_order_in_which_they_were_told(store: SqlStore) -> None:
    accept(store, shipped("1", "RR1"), shipped("2", "RR2"))

    found, mark = told(store)

    assert found == ["1/RR1", "2/RR2"]
    assert told(store, after=mark) == ([], mark)


def test_a_few_at_a_time_are_all_of_them_in_the_end(store: SqlStore) -> None:
    accept(store, *(shipped(str(number), f"RR{number}") for number in range(7)))
    found, mark = list[str](), 0
    for _ in range(4):
        some, mark = told(store, after=mark, limit=2)
        found += some

    assert found == [f"{number}/RR{number}" for number in range(7)]
    assert told(store, after=mark, limit=2) == ([], mark)


def test_other_shops_orders_without_parcels_and_parcels_without_orders_are_left_out(store: SqlStore) -> None:
    accept(store, shipped("1", "RR1", shop="games"), shipped(None, "RR2"), event("order.paid", order="3"))

    found, mark = told(store)

    assert found == []
    assert told(store, after=mark) == ([], mark)
    assert told(store, shop="games")[0] == ["1/RR1"]


def test_what_came_later_is_for_the_next_time(store: SqlStore) -> None:
    accept(store, shipped("1", "RR1"))
    accept(store, shipped("2", "RR2"), at=5 * MINUTE)
    found, mark = told(store)

    assert found == ["1/RR1"]
    assert told(store, after=mark, at=6 * MINUTE)[0] == ["2/RR2"]


def test_a_parcel_is_a_plain_value() -> None:
    one = ToldParcel(shop="toys", order="1", number="RR1")

    assert {one, ToldParcel(shop="toys", order="1", number="RR1")} == {one}
