"""What every store promises about events: none is lost, none is hidden, none is taken in unseen."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import datetime

import pytest
from sqlalchemy.exc import StatementError

from messenger.domain.messages import Key
from messenger.ports import Verdict
from messenger.storage import SqlStore
from tests.storage_samples import NOW, ORDER, OTHER, accept, event, message, take_in, together


def test_the_same_event_twice_in_one_batch_is_stored_once(store: SqlStore) -> None:
    verdicts = accept(store, event("e1"), event("e1"), event("e1", "order.shipped"))

    assert verdicts == [Verdict.NEW, Verdict.DUPLICATE, Verdict.CONFLICT]
    assert store.inbox_counts().received == 1


def test_the_same_conflict_is_counted_once(store: SqlStore) -> None:
    accept(store, event("e1"))
    for _ in range(2):
        accept(store, event("e1", "order.shipped"))

    assert store.inbox_counts().conflict == 1
    assert [one.type for one in store.events_of([ORDER])[ORDER]] == ["order.paid"]


def test_a_file_that_is_never_finished_hides_nothing_that_was_accepted_before(store: SqlStore) -> None:
    accept(store, event("e1"))
    store.accept([event("e1")], intake=store.open_intake(kind="file", name="f", at=NOW), at=NOW)

    assert store.backlog(limit=10) == [ORDER]


def test_sources_that_tell_the_same_at_once_store_it_once(store: SqlStore) -> None:
    events = [event(f"e{number}") for number in range(20)]
    told: list[Verdict] = []

    together(
        *(lambda part=part: told.extend(accept(store, *part)) for part in (events, events[::-1], events, events[::-1]))
    )

    assert told.count(Verdict.NEW) == 20
    assert told.count(Verdict.DUPLICATE) == 60
    assert store.inbox_counts().received == 20


def test_events_of_a_file_still_being_read_are_neither_shown_nor_marked(store: SqlStore) -> None:
    accept(store, event("e1"))
    intake = store.open_intake(kind="file", name="f", at=NOW)
    store.accept([event("e2")], intake=intake, at=NOW)

    assert take_in(store) == {"e1"}
    assert store.failed(ORDER, error="boom", at=NOW) is False

    store.close_intake(intake, at=NOW)
    assert store.backlog(limit=10) == [ORDER]
    assert take_in(store) == {"e1", "e2"}
    assert store.backlog(limit=10) == []


def test_an_event_that_comes_while_its_order_is_taken_in_waits_for_the_next_time(store: SqlStore) -> None:
    accept(store, event("e1"))
    late = threading.Thread(target=accept, args=(store, event("e2")))
    with store.begin() as unit:
        unit.lock(ORDER)
        unit.events(ORDER)
        late.start()
        late.join(0.5)  # PostgreSQL lets it in now; SQLite when the unit has ended
        unit.processed(ORDER)
    late.join()

    assert store.backlog(limit=10) == [ORDER]


def test_the_backlog_is_oldest_first_and_not_longer_than_asked(store: SqlStore) -> None:
    accept(store, event("e1", number="3"), event("e2", number="1"), event("e3", number="2"), event("e4", number="3"))

    assert [key.number for key in store.backlog(limit=2)] == ["3", "1"]


def test_a_parcel_that_is_matched_while_its_event_is_settled_finds_its_order(store: SqlStore) -> None:
    accept(store, event("e1"), event("s1", "shipment.in_transit", number=None, shipment={"number": "RR1"}))
    settling = threading.Thread(target=store.backlog, kwargs={"limit": 10})
    with store.begin() as unit:
        unit.lock(ORDER)
        unit.match(ORDER, ["RR1"])
        settling.start()
        settling.join(0.3)
    settling.join()

    assert store.inbox_counts().unmatched == 0
    assert {one.id for one in store.events_of([ORDER])[ORDER]} == {"e1", "s1"}


def test_a_matched_parcel_belongs_to_its_shop_only(store: SqlStore) -> None:
    accept(store, event("s1", "shipment.in_transit", number=None, shipment={"number": "RR1"}))
    store.backlog(limit=10)
    with store.begin() as unit:
        other_shop = replace(ORDER, shop="books")
        unit.lock(other_shop)
        assert unit.match(other_shop, ["RR1"]) == 0
        assert unit.match(other_shop, []) == 0

    assert store.inbox_counts().unmatched == 1


def test_an_adopted_event_is_seen_and_marked_by_the_unit_that_adopted_it(store: SqlStore) -> None:
    accept(store, event("s1", "shipment.in_transit", number=None, shipment={"number": "RR1"}), event("e1"))
    store.backlog(limit=10)
    with store.begin() as unit:
        unit.lock(ORDER)
        assert [one.id for one in unit.events(ORDER)] == ["e1"]
        assert unit.match(ORDER, ["RR1"]) == 1
        assert {one.id for one in unit.events(ORDER)} == {"e1", "s1"}
        unit.processed(ORDER)

    assert store.backlog(limit=10) == []
    assert store.inbox_counts().processed == 2


def test_what_a_buyer_said_before_the_first_order_is_known_to_its_first_fold(store: SqlStore) -> None:
    accept(store, event("u1", "buyer.unsubscribed", number=None, buyer={"email": "ana@example.com"}))
    assert store.backlog(limit=10) == []
    accept(store, event("e1", buyer={"id": "b1", "email": "Ana@Example.com"}))

    assert take_in(store) == {"e1", "u1"}


def test_what_a_buyer_says_waits_until_every_order_has_taken_it_in(store: SqlStore) -> None:
    for number, order in (("8134", ORDER), ("9000", OTHER)):
        accept(store, event(f"e{number}", number=number))
        take_in(store, order, buyer_key="id:b1")
    accept(store, event("m1", "message.received", number=None, buyer={"id": "b1"}, message={"text": "Hi"}))
    assert store.backlog(limit=10) == [ORDER, OTHER]

    assert take_in(store, ORDER, buyer_key="id:b1") == {"e8134", "m1"}
    assert store.backlog(limit=10) == [OTHER]
    assert store.pulse(now=NOW).backlog == 1
    assert "m1" in take_in(store, OTHER, buyer_key="id:b1")
    assert store.pulse(now=NOW).backlog == 0


def test_the_words_of_one_buyer_reach_no_other(store: SqlStore) -> None:
    accept(store, event("e1", buyer={"id": "b1"}), event("e2", number="9000", buyer={"id": "b2"}))
    accept(store, event("u1", "buyer.unsubscribed", number=None, buyer={"id": "b1"}))
    take_in(store, ORDER, buyer_key="id:b1")
    take_in(store, OTHER, buyer_key="id:b2")
    store.backlog(limit=10)

    found = store.events_of([ORDER, OTHER])
    assert {key: {one.id for one in events} for key, events in found.items()} == {ORDER: {"e1", "u1"}, OTHER: {"e2"}}


def test_a_given_up_order_is_no_work_even_when_more_is_told_about_it(store: SqlStore) -> None:
    accept(store, event("e1"))
    assert [store.failed(ORDER, error="boom", at=NOW) for _ in range(5)][-1]
    accept(store, event("e2"))

    assert store.backlog(limit=10) == []
    assert store.pulse(now=NOW).backlog == 0
    assert (store.inbox_counts().failed, store.inbox_counts().received) == (1, 1)


def test_an_event_that_joins_a_failing_order_fails_with_it(store: SqlStore) -> None:
    accept(store, event("e1"))
    for _ in range(4):
        store.failed(ORDER, error="boom", at=NOW)
    accept(store, event("e2"))

    assert store.failed(ORDER, error="boom", at=NOW)
    assert store.inbox_counts().failed == 2


def test_an_order_that_cannot_take_in_what_its_buyer_said_is_not_tried_for_ever(store: SqlStore) -> None:
    accept(store, event("e1"))
    take_in(store, buyer_key="id:b1")
    accept(store, event("m1", "message.received", number=None, buyer={"id": "b1"}, message={"text": "Hi"}))
    assert store.backlog(limit=10) == [ORDER]

    assert [store.failed(ORDER, error="boom", at=NOW) for _ in range(5)] == [False, False, False, False, True]
    assert store.backlog(limit=10) == []
    assert store.pulse(now=NOW).backlog == 0

    take_in(store, buyer_key="id:b1")
    accept(store, event("m2", "message.received", number=None, buyer={"id": "b1"}, message={"text": "Hi"}))
    assert store.backlog(limit=10) == [ORDER]


def test_units_on_one_order_follow_each_other(store: SqlStore) -> None:
    def add_five() -> None:
        for _ in range(5):
            with store.begin() as unit:
                unit.lock(ORDER)
                scope = f"8134/{len(unit.messages(ORDER))}"
                unit.add([replace(message(), key=Key("toys", "shipped", scope, 1))])

    together(add_five, add_five, add_five, add_five)

    assert len(store.messages_of(ORDER)) == 20


def test_a_naive_time_is_refused(store: SqlStore) -> None:
    with pytest.raises((ValueError, StatementError), match="must be aware"):
        store.open_intake(kind="test", name="test", at=datetime(2026, 3, 2))  # noqa: DTZ001  # the point
