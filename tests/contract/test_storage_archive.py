"""What is over moves away, and is found, and comes back as it was; on both engines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from threading import Event as Signal
from threading import Thread
from typing import Any

import pytest
from sqlalchemy import create_engine, func, insert, select, update

from messenger.domain.messages import Outcome, PlannedMessage, Reason, State
from messenger.ports import Change, Entry, OrderKey, Unit
from messenger.storage import SqlStore
from messenger.storage.engine import Database, connect
from messenger.storage.moving import ROWS, move_some
from messenger.storage.rows import values_of
from messenger.storage.tables import archive, archived_keys, attempts, bodies, orders, outbox, record, ticks
from messenger.storage.unit import SqlUnit
from tests.storage_samples import (
    LETTER,
    NOW,
    ORDER,
    accept,
    claim,
    commitment,
    event,
    message,
    result,
    settlement,
    take_in,
    together,
)

LATER = NOW + timedelta(days=200)
LONG_AGO = LATER - timedelta(days=180)
NEWEST = OrderKey(shop="toys", number="newest")
"""An order that goes on, so that none of the others holds the highest number of anything."""


@pytest.fixture
def table(migrated_url: str) -> Iterator[Any]:  # Any: a function over tables
    """Reads all rows of a table, by its key."""
    engine = create_engine(migrated_url)

    def rows(of: Any, **where: object) -> list[dict[str, Any]]:  # Any: a table, and its rows
        asked = select(of).order_by(*of.primary_key)
        for name, value in where.items():
            asked = asked.where(of.c[name] == value)
        with engine.connect() as connection:
            return [dict(row) for row in connection.execute(asked).mappings()]

    yield rows
    engine.dispose()


def open_until(store: SqlStore, order: OrderKey, until: datetime | None = NOW, *, at: datetime = NOW) -> None:
    with store.begin() as unit:
        unit.lock(order)
        unit.describe(order, status="received", buyer_key="", email_key="", updated_at=at, open_until=until)


def told(store: SqlStore, row: PlannedMessage, what: str, at: datetime = NOW) -> None:
    with store.begin() as unit:
        unit.note([Entry(shop=row.key.shop, order=row.order, at=at, what=what, key=row.key)])


def send(store: SqlStore, row: PlannedMessage, state: State = State.SENT, *, at: datetime = NOW) -> PlannedMessage:
    """Let a claimed message leave, or fail."""
    letter = replace(LETTER, key=row.key, message_id=f"{row.id}@toys.example")
    row = replace(row, message_id=letter.message_id, channel="email", transport="main", locale="ru")
    store.commit([replace(commitment(row, letter=letter), at=at)])
    outcome = Outcome.ACCEPTED if state is State.SENT else Outcome.PERMANENT
    sent_at = at if state is State.SENT else None
    ended = result(row, state, outcome)
    store.record([replace(ended, at=at, message=replace(ended.message, sent_at=sent_at))])
    return row


def goes_on(store: SqlStore) -> None:
    """An order with a message that has left, and one that waits; each of its kinds of rows is the newest."""
    with store.begin() as unit:
        unit.lock(NEWEST)
        unit.add(
            [replace(message(number, due=LATER - timedelta(days=10 - number)), order="newest",
                     key=replace(message().key, scope=f"newest/{number}")) for number in (1, 2)]
        )  # fmt: skip
    open_until(store, NEWEST, LATER)
    (row,) = claim(store, now=LATER - timedelta(days=9), limit=1)
    send(store, row, at=LATER)


@pytest.fixture
def finished(store: SqlStore) -> list[PlannedMessage]:
    """An order of which one message left, one failed and one was cancelled, all long ago; and one that goes on."""
    accept(store, event("e-1"))
    take_in(store)
    with store.begin() as unit:
        unit.lock(ORDER)
        unit.add([message(1), message(2), message(3, due=NOW + timedelta(days=1))])
        unit.note(
            [
                Entry(
                    shop="toys",
                    order="8134",
                    at=NOW,
                    what="planned",
                    key=message().key,
                    because="erp#e-1",
                    detail={"template": "shipped"},
                )
            ]
        )
    open_until(store, ORDER)
    one, two = claim(store)
    send(store, one)
    send(store, two, State.FAILED)
    with store.begin() as unit:
        unit.lock(ORDER)
        (three,) = [row for row in unit.messages(ORDER) if row.state is State.PLANNED]
        unit.change(
            [Change(message=replace(three, state=State.CANCELLED, reason=Reason.STAFF), was=three.state)], at=NOW
        )
    goes_on(store)
    return store.messages_of(ORDER)


def archived(store: SqlStore, *, before: datetime = LONG_AGO) -> int:
    return store.archive(before=before, now=LATER)


def test_an_order_that_is_over_moves_away_and_is_seen_as_before(
    store: SqlStore, finished: list[PlannedMessage], table: Any
) -> None:
    entries = store.record_of(ORDER)
    frozen = store.frozen(finished[0].id)
    assert frozen is not None

    assert archived(store) == 1

    assert table(outbox, order_number="8134") == table(record, order_number="8134") == []
    assert len(table(attempts)) == len(table(bodies)) == 1
    assert [row.order for row in store.outbox()] == ["newest", "newest"]
    assert store.messages_of(ORDER) == finished
    assert store.find_messages(ORDER, rule="shipped") == finished
    assert store.record_of(ORDER) == entries
    assert [store.message(row.id) for row in finished] == finished
    assert store.frozen(finished[0].id) == replace(frozen, letter=None)
    assert store.by_message_id([f"{finished[1].id}@toys.example"]) == finished[1]
    assert ORDER in set(store.find_orders())


def test_what_never_was_is_not_found_in_the_archive(store: SqlStore, finished: list[PlannedMessage]) -> None:
    archived(store)

    assert store.message(999) is None
    assert store.frozen(999) is None
    assert store.by_message_id(["999@toys.example"]) is None
    assert store.messages_of(OrderKey(shop="toys", number="0")) == []


def test_whoever_works_on_the_order_finds_every_row_as_it_was(
    store: SqlStore, finished: list[PlannedMessage], table: Any
) -> None:
    kept = {one: table(one) for one in (outbox, record, attempts)}
    letters = [
        row | {"letter": b"", "frozen_at": None}
        for row in table(bodies)
        if row["outbox_id"] in {one.id for one in finished}
    ]
    archived(store)

    with store.begin() as unit:
        unit.lock(ORDER)
        assert unit.messages(ORDER) == finished

    assert {one: table(one) for one in (outbox, record, attempts)} == kept
    assert [row for row in table(bodies) if row["letter"] == b""] == letters
    assert table(archive) == table(archived_keys) == []
    assert table(orders, number="8134")[0]["archived_at"] is None


def test_what_fails_leaves_the_archive_as_it_is(store: SqlStore, finished: list[PlannedMessage], table: Any) -> None:
    archived(store)

    def fail(unit: Unit) -> None:
        unit.lock(ORDER)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        store.together(fail)

    assert len(table(archive)) == 1
    assert store.messages_of(ORDER) == finished


def test_a_key_is_never_planned_twice(store: SqlStore, finished: list[PlannedMessage]) -> None:
    archived(store)

    with store.begin() as unit:
        unit.lock(ORDER)
        unit.add([replace(message(number), trigger="erp#again") for number in (1, 2, 3)])

    assert store.messages_of(ORDER) == finished


def test_not_even_by_a_program_that_does_not_know_the_archive(
    store: SqlStore, finished: list[PlannedMessage], migrated_url: str
) -> None:
    archived(store)
    engine = create_engine(migrated_url)

    with engine.begin() as connection:
        connection.execute(insert(outbox), [values_of(message(1)), values_of(message(4))])
    engine.dispose()

    assert {row.key.scope for row in store.outbox()} == {"8134/4", "newest/1", "newest/2"}


def waits(store: SqlStore) -> None:
    with store.begin() as unit:
        unit.lock(ORDER)
        unit.add([message(4)])


def is_uncertain(store: SqlStore) -> None:
    waits(store)
    (row,) = claim(store)
    store.commit([commitment(row)])
    store.rescue(now=NOW + timedelta(hours=1))
    (row,) = store.unresolved()
    store.postpone(key=row.key, resend_at=None, because="left to staff")


def was_touched(store: SqlStore) -> None:
    told(store, store.messages_of(ORDER)[0], "noted", LONG_AGO + timedelta(seconds=1))


def was_taken_in(store: SqlStore) -> None:
    open_until(store, ORDER, at=LONG_AGO + timedelta(seconds=1))


def is_still_open(store: SqlStore) -> None:
    open_until(store, ORDER, LONG_AGO + timedelta(seconds=1))


@pytest.mark.parametrize("spoil", [waits, is_uncertain, was_touched, was_taken_in, is_still_open])
def test_an_order_stays_while(spoil: Any, store: SqlStore, finished: list[PlannedMessage]) -> None:
    spoil(store)

    assert archived(store) == 0
    assert len(list(store.outbox())) >= 5


def test_an_order_that_is_to_be_folded_again_stays(
    store: SqlStore, finished: list[PlannedMessage], migrated_url: str
) -> None:
    engine = create_engine(migrated_url)
    with engine.begin() as connection:
        connection.execute(update(orders).values(needs_fold=True))
    engine.dispose()

    assert archived(store) == 0


def test_one_that_has_to_stay_keeps_no_other_waiting(store: SqlStore) -> None:
    for number in range(30):
        key = OrderKey(shop="toys", number=f"n{number:02}")
        row = replace(message(due=NOW), key=replace(message().key, scope=key.number), order=key.number)
        with store.begin() as unit:
            unit.lock(key)
            unit.add([row])
            if number % 3:
                unit.change(
                    [
                        Change(
                            message=replace(row, id=number + 1, state=State.SKIPPED, reason=Reason.ONCE),
                            was=State.PLANNED,
                        )
                    ],
                    at=NOW,
                )
        open_until(store, key, NOW + timedelta(minutes=number))
    goes_on(store)

    assert archived(store) == 20
    assert archived(store) == 0


def test_a_transaction_moves_few_rows(store: SqlStore, migrated_url: str) -> None:
    numbers = [f"n{number:02}" for number in range(12)]
    for number in numbers:
        key = OrderKey(shop="toys", number=number)
        open_until(store, key)
        with store.begin() as unit:
            unit.note(
                [Entry(shop="toys", order=number, at=NOW, what="noted") for _ in range(60 if number == "n03" else 20)]
            )
    goes_on(store)
    database = Database(connect(migrated_url))
    sizes: list[int] = []
    place = None
    while True:
        with database.write() as connection:
            before = connection.execute(select(func.count()).select_from(record)).scalar_one()
            done = move_some(connection, before=LONG_AGO, now=LATER, after=place)
            sizes.append(before - connection.execute(select(func.count()).select_from(record)).scalar_one())
        place = done.place
        if place is None:
            break
    database.close()

    assert sum(sizes) == 11 * 20 + 60
    assert [size for size in sizes if size > ROWS] == [60]


def merged(store: SqlStore) -> tuple[OrderKey, OrderKey]:
    """Two orders; a message of the second went out with one of the first."""
    first, second = ORDER, OrderKey(shop="toys", number="8135")
    rider = replace(message(2), order="8135", key=replace(message().key, scope="8135/1"))
    for key, row in ((first, message(1)), (second, rider)):
        with store.begin() as unit:
            unit.lock(key)
            unit.add([row])
        open_until(store, key)
    carrier, rider = sorted(claim(store), key=lambda row: row.order)
    with store.begin() as unit:
        taken = replace(rider, state=State.MERGED, carrier=carrier.id, because=str(carrier.key))
        unit.settle([settlement(carrier, carrier), settlement(rider, taken)])
    send(store, carrier)
    goes_on(store)
    return first, second


def test_orders_whose_messages_went_out_together_move_together(store: SqlStore, table: Any) -> None:
    first, second = merged(store)
    before = [store.messages_of(first), store.messages_of(second)]

    assert archived(store) == 2
    assert [store.messages_of(first), store.messages_of(second)] == before


@pytest.mark.parametrize("which", [0, 1])
def test_they_come_back_together(which: int, store: SqlStore, table: Any) -> None:
    both = merged(store)
    before = [store.messages_of(one) for one in both]
    archived(store)

    with store.begin() as unit:
        unit.lock(both[which])

    assert table(archive) == table(archived_keys) == []
    assert [store.messages_of(one) for one in both] == before


@pytest.mark.parametrize("which", [0, 1])
def test_none_of_them_moves_while_one_has_to_stay(which: int, store: SqlStore, table: Any) -> None:
    both = merged(store)
    open_until(store, both[which], LATER)

    assert archived(store) == 0


def test_a_late_bounce_finds_its_message(store: SqlStore, finished: list[PlannedMessage]) -> None:
    archived(store)

    assert store.came_back(finished[0].id, state=State.BOUNCED, because="5.1.1 unknown", at=LATER)

    assert [row.state for row in store.messages_of(ORDER)] == [State.BOUNCED, State.FAILED, State.CANCELLED]
    assert [row.state for row in store.outbox(states=[State.BOUNCED])] == [State.BOUNCED]


def test_what_is_older_than_rules_look_back_now_stays_away_and_the_rest_comes_back(
    store: SqlStore, finished: list[PlannedMessage]
) -> None:
    archived(store)

    assert store.unarchive(since=NOW + timedelta(seconds=1)) == 0
    assert store.unarchive(since=NOW) == 1
    assert len(list(store.outbox())) == 5


def test_numbers_are_given_once(store: SqlStore) -> None:
    """SQLite would number the next row like the highest one that has just been moved away."""
    with store.begin() as unit:
        unit.lock(ORDER)
        unit.add([message(1)])
        (row,) = unit.messages(ORDER)
        unit.change([Change(message=replace(row, state=State.SKIPPED, reason=Reason.ONCE), was=row.state)], at=NOW)
    open_until(store, ORDER)
    archived(store)

    goes_on(store)

    ids = [row.id for key in (ORDER, NEWEST) for row in store.messages_of(key)]
    assert len(ids) == len(set(ids)) == 3


def test_old_texts_are_forgotten_and_their_digests_stay(store: SqlStore, finished: list[PlannedMessage]) -> None:
    sent, failed, _ = finished
    last = claim(store, now=LATER)[0]
    send(store, last, at=LATER)

    assert store.forget_letters(before=NOW, now=LATER) == 0
    assert store.forget_letters(before=NOW + timedelta(days=1), now=LATER) == 2

    for row in (sent, failed):
        frozen = store.frozen(row.id)
        assert frozen is not None
        assert (frozen.letter, frozen.digest, frozen.template_version) == (None, "d", "v")
    assert (kept := store.frozen(last.id)) is not None
    assert kept.letter is not None
    assert store.forget_letters(before=NOW + timedelta(days=1), now=LATER) == 0


def test_what_may_be_tried_again_keeps_its_text(store: SqlStore) -> None:
    with store.begin() as unit:
        unit.lock(ORDER)
        unit.add([replace(message(1), expires_at=LATER + timedelta(days=1)), message(2)])
    for row in claim(store):
        send(store, row, State.FAILED if row.key.scope == "8134/1" else State.UNCERTAIN)

    assert store.forget_letters(before=LATER, now=LATER) == 0


def test_slots_are_forgotten_but_the_last_of_each_name(store: SqlStore, table: Any) -> None:
    for slot in ("2026-01-01", "2026-01-02", "2026-01-03"):
        store.buys_tick("lanes", slot)
    store.buys_tick("accounts", "7")
    assert store.forget_ticks(before=NOW, now=NOW) == 0

    assert store.forget_ticks(before=LATER, now=LATER) == 2

    assert {(row["name"], row["slot"]) for row in table(ticks)} == {("accounts", "7"), ("lanes", "2026-01-03")}
    assert not store.buys_tick("accounts", "7")
    assert not store.buys_tick("lanes", "2026-01-03")


def test_whoever_looks_sees_everything_while_it_moves(store: SqlStore, finished: list[PlannedMessage]) -> None:
    """Neither twice nor not at all, at whatever moment."""
    over = Signal()
    entries = store.record_of(ORDER)
    seen: list[tuple[int, int]] = []

    def move() -> None:
        try:
            for _ in range(40):
                archived(store)
                store.unarchive(since=NOW)
        finally:
            over.set()

    def look() -> None:
        while not over.is_set():
            seen.append((len(store.messages_of(ORDER)), len(store.record_of(ORDER))))

    together(move, look)

    assert set(seen) == {(3, len(entries))}


def test_many_take_orders_back_while_they_are_moved_away(store: SqlStore, table: Any) -> None:
    keys = [*merged(store)]
    for number in range(6):
        keys.append(OrderKey(shop="toys", number=f"n{number}"))
        open_until(store, keys[-1])
        with store.begin() as unit:
            unit.note([Entry(shop="toys", order=keys[-1].number, at=NOW, what="noted")])
    with store.begin() as unit:
        unit.note([Entry(shop="toys", order="newest", at=LATER, what="noted")])
    before = {key: (store.messages_of(key), store.record_of(key)) for key in keys}

    def touch(first: int) -> None:
        for number in range(60):
            store.together(partial(SqlUnit.lock, order=keys[(first + number) % len(keys)]))

    threads = [Thread(target=touch, args=(first,)) for first in (0, 3)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        archived(store)

    assert {key: (store.messages_of(key), store.record_of(key)) for key in keys} == before
    archived(store)
    assert {row["order_number"] for row in table(archive)} == {key.number for key in keys}
