"""What every store promises about generations: one number for one set of files, and who still has to be planned by it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import create_engine, insert
from sqlalchemy.exc import IntegrityError

from messenger.domain.messages import Key, PlannedMessage, State
from messenger.ports import Change, Edition, OrderKey
from messenger.storage import SqlStore
from messenger.storage.tables import generations
from tests.storage_samples import NOW, ORDER, OTHER, accept, event, message, take_in, together

DAY = timedelta(days=1)
FILES = {"schedules.toml": "version = 1\n# 日本\n".encode(), "templates/ru/shipped.md": bytes(range(256))}


def edition(digest: str = "a" * 64, *, files: dict[str, bytes] | None = None, by: str = "ana") -> Edition:
    return Edition(number=0, digest=digest, published_at=NOW, by=by, files=FILES if files is None else files)


def test_a_generation_comes_back_with_every_byte_of_its_files(store: SqlStore) -> None:
    assert (store.newest_generation(), store.generation(1)) == (0, None)

    assert store.publish(edition()) == 1
    assert store.generation(1) == replace(edition(), number=1)
    assert store.newest_generation() == 1


def test_files_that_did_not_change_make_no_new_generation(store: SqlStore) -> None:
    assert [store.publish(edition("a" * 64)), store.publish(edition("a" * 64, by="ben"))] == [1, 1]
    assert [store.publish(edition("b" * 64)), store.publish(edition("a" * 64, files={}))] == [2, 3]

    assert store.newest_generation() == 3
    (found,) = [store.generation(3)]
    assert found is not None
    assert found.files == {}


def test_publishers_that_come_together_get_each_their_own_number(store: SqlStore) -> None:
    numbers: list[int] = []

    together(*(lambda digest=digest: numbers.append(store.publish(edition(digest * 64))) for digest in "abcdefgh"))

    assert sorted(numbers) == list(range(1, 9))


def test_publishers_of_the_same_files_get_the_same_number(store: SqlStore) -> None:
    numbers: list[int] = []

    together(*([lambda: numbers.append(store.publish(edition()))] * 6))

    assert numbers == [1] * 6
    assert store.newest_generation() == 1


def test_no_number_is_given_twice(store: SqlStore, migrated_url: str) -> None:
    store.publish(edition())
    engine = create_engine(migrated_url)
    row = {"number": 1, "digest": "b" * 64, "published_at": NOW, "published_by": "ben", "content": b""}
    with engine.connect() as connection, pytest.raises(IntegrityError):
        connection.execute(insert(generations).values(row))
    engine.dispose()


# --- planning anew -----------------------------------------------------------------------------------------------------


def known(
    store: SqlStore, number: str, *, generation: int = 1, open_until: datetime | None = None, waiting: PlannedMessage | None = None
) -> OrderKey:  # fmt: skip
    order = OrderKey(shop="toys", number=number)
    with store.begin() as unit:
        unit.lock(order)
        if waiting is not None:
            unit.add([replace(waiting, key=Key("toys", "shipped", number, 1), order=number)])
        unit.describe(
            order,
            status="paid",
            buyer_key="",
            email_key="",
            updated_at=NOW,
            open_until=open_until,
            generation=generation,
        )
        unit.processed(order)
    return order


def to_replan(store: SqlStore, generation: int = 2, *, now: datetime = NOW, limit: int = 100) -> list[str]:
    return [order.number for order in store.to_replan(generation, now=now, limit=limit)]


def test_open_orders_of_earlier_generations_are_planned_anew(store: SqlStore) -> None:
    known(store, "closed", open_until=NOW - DAY)
    known(store, "never open")
    known(store, "planned already", generation=2, open_until=NOW + DAY)
    known(store, "by a newer one", generation=3, open_until=NOW + DAY)
    known(store, "second", open_until=NOW + DAY)
    known(store, "first", open_until=NOW)
    known(store, "oldest generation", generation=0, open_until=NOW + 9 * DAY)

    assert to_replan(store) == ["oldest generation", "first", "second"]
    assert to_replan(store, 1) == ["oldest generation"]
    assert to_replan(store, 0) == []


def test_an_order_with_a_message_that_waits_is_open(store: SqlStore) -> None:
    known(store, "1", open_until=NOW - DAY, waiting=message())
    known(store, "2", waiting=replace(message(), state=State.HELD))
    known(store, "3", open_until=NOW - DAY, waiting=replace(message(), state=State.SENT))
    known(store, "4", open_until=NOW - DAY, waiting=replace(message(), state=State.CANCELLED))

    assert to_replan(store) == ["1", "2"]


def test_a_message_that_waits_beyond_its_expiry_keeps_its_order_open(store: SqlStore) -> None:
    """A shop was stopped: its messages were not looked at when they expired."""
    known(store, "1", open_until=NOW - DAY, waiting=message())
    known(store, "2", open_until=NOW - DAY, waiting=replace(message(), gated=True))

    assert to_replan(store, now=NOW + 30 * DAY) == ["1", "2"]


def test_a_message_that_begins_to_wait_again_opens_its_order(store: SqlStore) -> None:
    order = known(store, "1", open_until=NOW - DAY, waiting=replace(message(), state=State.SKIPPED))
    (row,) = store.messages_of(order)
    with store.begin() as unit:
        unit.change([Change(message=replace(row, state=State.PLANNED), was=State.SKIPPED)])

    assert to_replan(store) == ["1"]


def test_open_until_stays_when_nothing_is_told(store: SqlStore) -> None:
    known(store, "1", open_until=NOW + DAY)
    known(store, "1")

    assert to_replan(store) == ["1"]
    known(store, "1", open_until=NOW - DAY)
    assert to_replan(store) == []


def chunks(store: SqlStore, generation: int, limit: int) -> Iterator[list[str]]:
    while found := to_replan(store, generation, limit=limit):
        yield found
        for number in found:
            known(store, number, generation=generation)


def test_orders_come_in_chunks_each_once(store: SqlStore) -> None:
    for number in range(25):
        known(store, f"{number:02}", generation=number % 3, open_until=NOW + number * DAY)
    known(store, "late", open_until=NOW - DAY, waiting=message())

    assert to_replan(store, 3, limit=4) == to_replan(store, 3, limit=4)
    found = list(chunks(store, 3, 4))
    assert [len(chunk) for chunk in found] == [4, 4, 4, 4, 4, 4, 2]
    assert len({number for chunk in found for number in chunk}) == 26


def test_what_is_folded_anyway_or_was_given_up_is_left_out(store: SqlStore) -> None:
    known(store, ORDER.number, open_until=NOW + DAY)
    known(store, OTHER.number, open_until=NOW + DAY)
    accept(store, event("e1"))
    for _ in range(5):
        store.failed(ORDER, error="boom", at=NOW)
    store.failed(OTHER, error="boom", at=NOW)

    assert to_replan(store) == []
    assert store.backlog(limit=9) == [OTHER]
    take_in(store, OTHER)
    assert to_replan(store) == [OTHER.number]
    assert store.newest_generation() == 0


def test_a_unit_knows_by_which_generation_an_order_was_planned(store: SqlStore) -> None:
    known(store, "1", generation=4)
    with store.begin() as unit:
        assert unit.planned_by(OrderKey(shop="toys", number="1")) == 4
        assert unit.planned_by(OTHER) == 0
