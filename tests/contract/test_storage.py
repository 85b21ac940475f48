"""What every store promises, on each engine."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, text

from messenger.domain.events import SECTIONS, Event, ShipmentState, parse_event
from messenger.domain.messages import Category, Key, Letter, Outcome, PlannedMessage, Reason, Receipt, State
from messenger.errors import StorageError
from messenger.ports import Change, Commitment, Entry, OrderKey, Pulse, Result, Settlement, Verdict
from messenger.storage import SqlStore, create, migrate, open_store, status
from messenger.storage.documents import event_text, read_event

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
LEASE = NOW + timedelta(minutes=1)
ORDER = OrderKey(shop="toys", number="8134")
Answer = TypeVar("Answer")


def event(
    id_: str, type_: str = "order.paid", *, number: str | None = "8134", shop: str = "toys", **sections: object
) -> Event:
    document = {
        "specversion": "1.0",
        "id": id_,
        "source": "erp",
        "type": type_,
        "time": "2026-03-02T10:00:00Z",
        "data": {"shop": shop, **sections},
    }
    return parse_event(document | ({"subject": number} if number else {}))


def message(number: int = 1, *, due: datetime = NOW, order: str = "8134") -> PlannedMessage:
    return PlannedMessage(
        key=Key("toys", "shipped", f"{order}/{number}", 1), order=order, template="shipped", category=Category.TRANSACTIONAL,
        trigger="erp#e", trigger_at=NOW, shipment=None, wanted_at=due, due_at=due, expires_at=NOW + timedelta(days=3),
        stale_at=NOW + timedelta(days=7),
    )  # fmt: skip


LETTER = Letter(
    key=Key("toys", "shipped", "8134/1", 1), sender="Toys <care@toys.example>", recipient="ana@example.com", recipient_name="Ана",
    subject="Заказ", text="Текст\n", html="<p>Текст</p>", platform_text="Текст", locale="ru", message_id="m@toys.example", date=NOW,
    headers=(("Reply-To", "a@toys.example"),),
)  # fmt: skip


def accept(store: SqlStore, *events: Event) -> list[Verdict]:
    intake = store.open_intake(kind="test", name="test", at=NOW)
    verdicts = store.accept(events, intake=intake, at=NOW)
    store.close_intake(intake, at=NOW)
    return verdicts


def plan(store: SqlStore, *messages: PlannedMessage) -> None:
    for one in messages:
        key = OrderKey(shop=one.key.shop, number=one.order)
        with store.begin() as unit:
            unit.lock(key)
            unit.add([one])


def claim(store: SqlStore, owner: str = "a", *, now: datetime = NOW, limit: int = 100) -> list[PlannedMessage]:
    return store.claim(owner=owner, now=now, lease_until=now + timedelta(minutes=1), limit=limit)


def commitment(
    row: PlannedMessage, *, owner: str = "a", token: int | None = None, letter: Letter | None = LETTER
) -> Commitment:
    return Commitment(
        id=row.id, owner=owner, token=row.token if token is None else token, message=row, letter=letter, digest="d",
        template_version="v", at=NOW,
    )  # fmt: skip


def result(
    row: PlannedMessage, state: State, outcome: Outcome, *, owner: str = "a", token: int | None = None
) -> Result:
    return Result(
        id=row.id, owner=owner, token=row.token if token is None else token, message=replace(row, state=state, reply="250 ok"),
        receipt=Receipt(outcome=outcome, reply="250 ok", code=250), started_at=NOW, at=NOW,
    )  # fmt: skip


def settlement(row: PlannedMessage, state: State, *, owner: str = "a", token: int | None = None) -> Settlement:
    message = replace(row, state=state)
    return Settlement(id=row.id, owner=owner, token=row.token if token is None else token, at=NOW, message=message)


def rows_of(url: str, query: str) -> list[tuple[object, ...]]:
    """Look past the store, for what no method of it shows."""
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(query))]
    finally:
        engine.dispose()


def at_once(works: Sequence[Callable[[], Answer]]) -> list[Answer]:
    """Run each work in a thread of its own, all starting together; an error in any is an error here."""
    start = threading.Barrier(len(works))

    def run(work: Callable[[], Answer]) -> Answer:
        start.wait(timeout=30)
        return work()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def states(store: SqlStore) -> list[State]:
    return [row.state for row in store.outbox()]


def test_an_event_is_stored_once_and_other_content_is_a_conflict(store: SqlStore) -> None:
    assert accept(store, event("e1"), event("e2")) == [Verdict.NEW, Verdict.NEW]
    assert accept(store, event("e1"), event("e2", "order.shipped")) == [Verdict.DUPLICATE, Verdict.CONFLICT]
    counts = store.inbox_counts()
    assert (counts.received, counts.conflict) == (2, 1)


def test_an_intake_is_taken_in_only_when_it_has_been_read_to_its_end(store: SqlStore) -> None:
    intake = store.open_intake(kind="file", name="f", at=NOW)
    store.accept([event("e1")], intake=intake, at=NOW)
    assert store.backlog(limit=10) == []

    store.close_intake(intake, at=NOW)
    assert store.backlog(limit=10) == [ORDER]


def test_a_cut_short_file_is_completed_by_reading_it_again(store: SqlStore) -> None:
    store.accept([event("e1")], intake=store.open_intake(kind="file", name="f", at=NOW), at=NOW)

    assert accept(store, event("e1"), event("e2")) == [Verdict.DUPLICATE, Verdict.NEW]
    assert store.backlog(limit=10) == [ORDER]
    assert {one.id for one in store.events_of([ORDER])[ORDER]} == {"e1", "e2"}


def test_an_event_told_twice_in_one_reading_is_stored_once(store: SqlStore, migrated_url: str) -> None:
    told = [event("e1"), event("e1"), event("e1", "order.shipped"), event("e1", "order.shipped")]

    assert accept(store, *told) == [Verdict.NEW, Verdict.DUPLICATE, Verdict.CONFLICT, Verdict.CONFLICT]
    assert [one.type for one in store.events_of([ORDER])[ORDER]] == ["order.paid"]
    assert rows_of(migrated_url, "SELECT count(*) FROM conflicts") == [(1,)]


def test_readers_that_bring_the_same_event_together_store_it_once(store: SqlStore) -> None:
    verdicts = at_once([lambda: accept(store, *(event(f"e{number}") for number in range(20)))] * 4)

    for same in zip(*verdicts, strict=True):
        assert sorted(same) == [Verdict.DUPLICATE] * 3 + [Verdict.NEW]
    assert store.inbox_counts().received == 20


def test_reading_again_what_was_read_to_its_end_withdraws_nothing(store: SqlStore) -> None:
    accept(store, event("e1"))
    store.accept([event("e1")], intake=store.open_intake(kind="file", name="f", at=NOW), at=NOW)

    assert store.backlog(limit=10) == [ORDER]


def test_the_same_number_in_two_shops_is_two_orders(store: SqlStore) -> None:
    accept(store, event("e1"), event("e2", shop="books"))
    other = OrderKey(shop="books", number="8134")

    assert store.backlog(limit=10) == [ORDER, other]
    assert store.backlog(limit=1) == [ORDER]
    assert {key: [one.id for one in told] for key, told in store.events_of([ORDER, other]).items()} == {
        ORDER: ["e1"],
        other: ["e2"],
    }


@pytest.mark.parametrize("parcel_first", [True, False])
def test_a_parcel_finds_its_order_whichever_came_first(store: SqlStore, *, parcel_first: bool) -> None:
    moved = event("s1", "shipment.in_transit", number=None, shipment={"number": "RR1"})
    if parcel_first:
        accept(store, moved)
        assert store.backlog(limit=10) == []
        assert store.inbox_counts().unmatched == 1
    accept(store, event("e1"))
    with store.begin() as unit:
        unit.lock(ORDER)
        assert unit.match(ORDER, ["RR1"]) == (1 if parcel_first else 0)
        unit.processed(ORDER)
    if not parcel_first:
        accept(store, moved)
        assert store.backlog(limit=10) == [ORDER]
    assert {one.id for one in store.events_of([ORDER])[ORDER]} == {"e1", "s1"}


@pytest.mark.parametrize("buyer", [{"id": "b1"}, {"email": "ANA@example.com"}])
def test_what_a_buyer_says_reaches_the_buyers_orders(store: SqlStore, buyer: dict[str, str]) -> None:
    accept(store, event("e1"))
    with store.begin() as unit:
        unit.lock(ORDER)
        unit.describe(ORDER, status="paid", buyer_key="id:b1", email_key="email:ana@example.com", updated_at=NOW)
        unit.processed(ORDER)
    accept(store, event("u1", "buyer.unsubscribed", number=None, buyer=buyer))

    assert store.backlog(limit=10) == [ORDER]
    assert {one.id for one in store.events_of([ORDER])[ORDER]} == {"e1", "u1"}


def test_what_a_buyer_says_reaches_nobody_elses_orders(store: SqlStore) -> None:
    accept(store, event("e1", buyer={"id": "b1"}), event("e2", number="9000", buyer={"id": "b2"}))
    for number, buyer in (("8134", "id:b1"), ("9000", "id:b2")):
        order = OrderKey(shop="toys", number=number)
        with store.begin() as unit:
            unit.lock(order)
            unit.describe(order, status="paid", buyer_key=buyer, email_key="", updated_at=NOW)
            unit.processed(order)
    accept(store, event("u1", "buyer.unsubscribed", number=None, buyer={"id": "b1"}))
    accept(store, event("u2", "buyer.unsubscribed", number=None, shop="books", buyer={"id": "b2"}))

    assert store.backlog(limit=10) == [ORDER]
    with store.begin() as unit:
        unit.lock(ORDER)
        assert [one.id for one in unit.events(ORDER)] == ["e1", "u1"]
        unit.processed(ORDER)
    assert store.backlog(limit=10) == []


def test_what_a_buyer_said_before_reaches_a_later_order(store: SqlStore) -> None:
    accept(store, event("u1", "buyer.unsubscribed", number=None, buyer={"email": "Ana@Example.com"}))
    assert store.backlog(limit=10) == []
    accept(store, event("e1", buyer={"email": "ana@example.com"}))

    assert {one.id for one in store.events_of([ORDER])[ORDER]} == {"e1", "u1"}


def test_an_order_that_fails_five_times_blocks_only_itself(store: SqlStore) -> None:
    accept(store, event("e1"), event("e2", number="9000"))

    assert [store.failed(ORDER, error="boom", at=NOW) for _ in range(5)] == [False, False, False, False, True]
    assert store.backlog(limit=10) == [OrderKey(shop="toys", number="9000")]
    assert store.inbox_counts().failed == 1

    accept(store, event("e3"))
    assert store.backlog(limit=10) == [OrderKey(shop="toys", number="9000")]
    assert store.pulse(now=NOW).backlog == 1


def test_a_key_exists_once(store: SqlStore) -> None:
    plan(store, message())
    plan(store, replace(message(), template="other"))

    assert [row.template for row in store.outbox()] == ["shipped"]


def test_a_key_exists_once_also_when_several_add_it_together(store: SqlStore) -> None:
    """Nothing but the key stands between two copies: these units lock no order."""

    def add() -> None:
        for start in range(0, 60, 20):
            with store.begin() as unit:
                unit.add([message(number) for number in range(start, start + 20)])

    at_once([add] * 4)

    assert len(store.messages_of(ORDER)) == 60


def test_a_failed_unit_changes_nothing(store: SqlStore) -> None:
    def fail() -> None:
        with store.begin() as unit:
            unit.lock(ORDER)
            unit.add([message()])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()

    assert states(store) == []


def test_units_on_the_same_order_wait_for_each_other(store: SqlStore) -> None:
    inside: list[int] = []

    def work() -> None:
        for _ in range(5):
            with store.begin() as unit:
                unit.lock(ORDER)
                inside.append(1)
                unit.add([message(len(unit.messages(ORDER)))])
                assert sum(inside) == 1
                inside.pop()

    at_once([work] * 4)

    assert len(store.messages_of(ORDER)) == 20


def test_what_comes_while_an_order_is_worked_on_waits_for_the_next_unit(store: SqlStore) -> None:
    accept(store, event("e1"))
    late = threading.Thread(target=accept, args=(store, event("e2")))
    with store.begin() as unit:
        unit.lock(ORDER)
        unit.events(ORDER)
        late.start()
        late.join(timeout=0.5)
        unit.processed(ORDER)
    late.join()

    assert store.backlog(limit=10) == [ORDER]
    assert store.inbox_counts().processed == 1


def test_a_change_takes_a_claim_away_and_its_worker_may_not_send(store: SqlStore) -> None:
    plan(store, message())
    (row,) = claim(store)
    cancelled = replace(row, state=State.CANCELLED, reason=Reason.EVENT)
    with store.begin() as unit:
        assert unit.change([Change(message=cancelled, was=State.PLANNED)]) == []
        assert unit.change([Change(message=cancelled, was=State.CLAIMED)]) == [row.key]

    assert store.commit([commitment(row)]) == set()
    assert states(store) == [State.CANCELLED]


def test_no_two_workers_get_the_same_message(store: SqlStore) -> None:
    with store.begin() as unit:
        unit.lock(ORDER)
        unit.add([message(number) for number in range(120)])

    def work(owner: str) -> list[int]:
        taken: list[int] = []
        while rows := claim(store, owner, limit=7):
            assert len(rows) <= 7
            assert {row.owner for row in rows} == {owner}
            taken += [row.id for row in rows]
        return taken

    found = at_once([partial(work, f"w{number}") for number in range(4)])
    taken = [id_ for ids in found for id_ in ids]

    assert len(taken) == len(set(taken)) == 120
    assert {(row.state, row.token, row.attempts) for row in store.outbox()} == {(State.CLAIMED, 1, 1)}


def test_no_two_workers_get_the_same_second_copy(store: SqlStore) -> None:
    rows = [
        replace(message(number), state=State.UNCERTAIN, reason=Reason.CRASHED, resend_at=NOW, because="crashed")
        for number in range(20)
    ]
    with store.begin() as unit:
        unit.lock(ORDER)
        unit.add(rows)

    found = at_once([partial(claim, store, f"w{number}", limit=20) for number in range(4)])

    ids = [row.id for rows in found for row in rows]
    assert len(ids) == len(set(ids)) == 20
    assert claim(store, "late") == []


def test_only_what_is_due_is_claimed_oldest_first(store: SqlStore) -> None:
    plan(store, message(1, due=NOW + timedelta(hours=1)), message(2), message(3, due=NOW - timedelta(hours=1)))

    rows = claim(store)

    assert [row.key.scope for row in rows] == ["8134/3", "8134/2"]
    assert {(row.state, row.attempts, row.token) for row in rows} == {(State.CLAIMED, 1, 1)}
    assert {(row.owner, row.lease_until) for row in rows} == {("a", LEASE)}


def test_a_claim_takes_no_more_than_its_limit_and_only_what_may_leave(store: SqlStore) -> None:
    idle = [state for state in State if state not in {State.PLANNED, State.HELD}]
    plan(store, *(replace(message(number), state=state) for number, state in enumerate(idle, 10)))
    plan(store, message(1), replace(message(2), state=State.HELD), message(3))

    assert [row.key.scope for row in claim(store, limit=2)] == ["8134/1", "8134/2"]
    assert [row.key.scope for row in claim(store, limit=2)] == ["8134/3"]
    assert claim(store, limit=2) == []


@pytest.mark.parametrize(("owner", "extra"), [("b", 0), ("a", 1), ("a", -1)])
def test_a_write_back_with_another_owner_or_token_changes_nothing(store: SqlStore, owner: str, extra: int) -> None:
    plan(store, message())
    (row,) = claim(store)
    token = row.token + extra
    (before,) = store.outbox()
    assert store.settle([settlement(row, State.SKIPPED, owner=owner, token=token)]) == set()
    assert store.commit([commitment(row, owner=owner, token=token)]) == set()
    assert list(store.outbox()) == [before]
    assert store.frozen(row.id) is None

    assert store.commit([commitment(row)]) == {row.id}
    (before,) = store.outbox()
    assert store.record([result(row, State.SENT, Outcome.ACCEPTED, owner=owner, token=token)]) == set()
    assert list(store.outbox()) == [before]
    assert store.record_of(ORDER) == []

    assert store.record([result(row, State.SENT, Outcome.ACCEPTED)]) == {row.id}
    assert states(store) == [State.SENT]
    assert [entry.what for entry in store.record_of(ORDER)] == ["sent"]


def test_of_many_write_backs_only_those_still_held_count(store: SqlStore) -> None:
    plan(store, message(1), message(2))
    first, second = claim(store)

    assert store.commit([commitment(second), commitment(first, token=9)]) == {second.id}
    assert store.settle([settlement(second, State.HELD), settlement(first, State.HELD)]) == {first.id}
    assert states(store) == [State.HELD, State.SENDING]


def test_a_settled_message_is_in_nobodys_hands(store: SqlStore) -> None:
    plan(store, message())
    (row,) = claim(store)
    later = replace(row, due_at=NOW + timedelta(hours=2), reason=Reason.CAP, not_before=NOW + timedelta(hours=2))

    assert store.settle([settlement(later, State.HELD)]) == {row.id}

    (found,) = store.outbox()
    assert found == replace(later, state=State.HELD, owner=None, lease_until=None)
    assert [(entry.what, entry.reason, entry.key) for entry in store.record_of(ORDER)] == [("held", "cap", row.key)]
    assert store.settle([settlement(later, State.SKIPPED)]) == set()


def test_a_result_that_comes_too_late_keeps_its_attempt(store: SqlStore, migrated_url: str) -> None:
    plan(store, message())
    (row,) = claim(store)
    store.commit([commitment(row)])
    store.rescue(now=NOW + timedelta(minutes=2))

    assert store.record([result(row, State.PLANNED, Outcome.TEMPORARY)]) == set()

    assert states(store) == [State.UNCERTAIN]
    found = rows_of(migrated_url, "SELECT outcome, code, in_time FROM attempts")
    assert [(outcome, code, bool(in_time)) for outcome, code, in_time in found] == [("temporary", 250, False)]


def test_what_is_frozen_comes_back_as_it_was(store: SqlStore) -> None:
    plan(store, message())
    (row,) = claim(store)
    store.commit([commitment(row)])

    frozen = store.frozen(row.id)

    assert frozen is not None
    assert (frozen.letter, frozen.digest, frozen.template_version) == (LETTER, "d", "v")
    assert store.frozen(row.id + 1) is None


def test_a_second_try_keeps_what_the_first_has_frozen(store: SqlStore) -> None:
    plan(store, message())
    (row,) = claim(store)
    store.commit([commitment(row)])
    store.record([result(row, State.PLANNED, Outcome.TEMPORARY)])
    (again,) = claim(store, "b")

    assert (again.token, again.attempts) == (2, 2)
    assert store.commit([commitment(again, owner="b", letter=None)]) == {again.id}
    assert store.frozen(row.id) is not None


def test_what_a_dead_worker_left_is_freed(store: SqlStore) -> None:
    plan(store, message(1), message(2))
    first, _ = claim(store)
    store.commit([commitment(first)])
    assert store.rescue(now=NOW) == (0, 0)

    assert store.rescue(now=NOW + timedelta(minutes=2)) == (1, 1)
    assert {row.key.scope: row.state for row in store.outbox()} == {"8134/1": State.UNCERTAIN, "8134/2": State.PLANNED}
    (doubtful,) = store.unresolved()
    assert doubtful.reason is Reason.CRASHED

    store.postpone(key=doubtful.key, resend_at=NOW + timedelta(minutes=5), because="crashed")
    assert store.unresolved() == []
    (again,) = [row for row in claim(store, "b", now=NOW + timedelta(minutes=6)) if row.state is State.UNCERTAIN]
    assert store.commit([commitment(again, owner="b", letter=None)]) == {again.id}
    assert next(row.resent for row in store.outbox(states=[State.SENDING])) is True


def test_a_second_copy_left_by_a_dead_worker_may_be_taken_by_another(store: SqlStore) -> None:
    plan(store, replace(message(), state=State.UNCERTAIN, reason=Reason.CRASHED, resend_at=NOW, because="crashed"))
    (first,) = claim(store)
    assert store.rescue(now=NOW + timedelta(minutes=2)) == (0, 0)

    (second,) = claim(store, "b", now=NOW + timedelta(minutes=2))

    assert (second.id, second.token, second.state) == (first.id, first.token + 1, State.UNCERTAIN)
    assert store.commit([commitment(first)]) == set()


def test_what_is_left_to_staff_is_resolved_and_never_claimed(store: SqlStore) -> None:
    plan(store, replace(message(), state=State.UNCERTAIN, reason=Reason.REPLY_LOST))
    (row,) = store.unresolved()

    store.postpone(key=row.key, resend_at=None, because="staff")

    assert store.unresolved() == []
    assert claim(store, now=NOW + timedelta(days=1)) == []


def test_a_late_yes_ends_the_doubt(store: SqlStore) -> None:
    plan(store, message())
    (row,) = claim(store)
    store.commit([commitment(row)])
    store.rescue(now=NOW + timedelta(minutes=2))

    assert store.record([result(row, State.SENT, Outcome.ACCEPTED)]) == {row.id}
    assert states(store) == [State.SENT]


def test_a_heartbeat_keeps_a_claim(store: SqlStore) -> None:
    plan(store, message())
    claim(store)

    assert store.heartbeat(owner="a", lease_until=NOW + timedelta(minutes=9)) == 1
    assert store.rescue(now=NOW + timedelta(minutes=2)) == (0, 0)


def test_the_outbox_streams_in_due_order_over_many_pages(store: SqlStore) -> None:
    rows = [message(number, due=NOW + timedelta(seconds=(number * 7919) % 1201)) for number in range(1201)]
    with store.begin() as unit:
        unit.lock(ORDER)
        unit.add(rows)

    found = list(store.outbox())

    assert [row.due_at for row in found] == sorted(row.due_at for row in rows)
    assert [(row.due_at, row.id) for row in found] == sorted((row.due_at, row.id) for row in found)
    assert len({row.id for row in found}) == 1201


def test_the_outbox_is_narrowed_to_states_and_a_shop(store: SqlStore) -> None:
    other = replace(message(), key=Key("books", "shipped", "8134/1", 1))
    plan(store, message(1), replace(message(2), state=State.SENT), other)

    assert [row.key.scope for row in store.outbox(shop="toys")] == ["8134/1", "8134/2"]
    assert [row.key for row in store.outbox(states=[State.PLANNED, State.HELD], shop="books")] == [other.key]
    assert [row.key.scope for row in store.outbox(states=[State.SENT])] == ["8134/2"]


def test_the_pulse_tells_what_is_going_on(store: SqlStore) -> None:
    accept(store, event("e1"))
    plan(store, message(1), message(2, due=NOW + timedelta(hours=1)))
    before = store.pulse(now=NOW)
    claim(store)
    after = store.pulse(now=NOW)

    assert (before.due, before.in_hand, before.next_due, before.backlog) == (1, 0, NOW, 1)
    assert (after.due, after.in_hand, after.next_lease, after.next_due) == (0, 1, LEASE, NOW + timedelta(hours=1))


def test_the_pulse_of_an_empty_store_is_still(store: SqlStore) -> None:
    assert store.pulse(now=NOW) == Pulse()


def test_the_pulse_tells_of_second_copies(store: SqlStore) -> None:
    later = NOW + timedelta(minutes=5)
    plan(store, replace(message(), state=State.UNCERTAIN, resend_at=later))

    assert store.pulse(now=NOW) == Pulse(next_resend=later)
    assert store.pulse(now=later) == Pulse(due=1, next_resend=later)


def test_the_record_keeps_what_was_noted(store: SqlStore) -> None:
    entry = Entry(
        shop="toys",
        order="8134",
        at=NOW,
        what="planned",
        key=message().key,
        reason="",
        because="erp#e1",
        detail={"due": "x"},
    )
    with store.begin() as unit:
        unit.note([entry])

    assert store.record_of(ORDER) == [entry]


def test_a_secret_is_made_once(store: SqlStore) -> None:
    assert store.secret("a") == store.secret("a") != store.secret("b")
    assert len(store.secret("a")) == 32


def test_a_secret_is_the_same_for_all_who_ask_and_after_a_restart(store: SqlStore, migrated_url: str) -> None:
    (kept,) = set(at_once([lambda: store.secret("a")] * 4))

    again = open_store(migrated_url)
    try:
        assert again.secret("a") == kept
    finally:
        again.close()


def test_orders_are_found_by_name(store: SqlStore) -> None:
    for number in ("2", "1"):
        with store.begin() as unit:
            unit.lock(OrderKey(shop="toys", number=number))

    assert [key.number for key in store.find_orders(shop="toys")] == ["1", "2"]


def test_every_value_of_a_row_comes_back(store: SqlStore) -> None:
    moment = datetime(2026, 3, 2, 10, 0, 0, 123456, tzinfo=timezone(timedelta(hours=8)))
    full = replace(
        message(), state=State.FAILED, reason=Reason.REFUSED, because="erp#é", not_before=moment, priority=3, shipment="RR1",
        channel="email", transport="smtp", locale="pt-BR", variant="b", message_id="m@x", sent_at=moment, resend_at=moment,
        resent=True, reply="550 нет", buyer="email:ана@example.com", urgent=True, gated=True, intake=1 << 40, cleared_at=moment,
        approved_by="Ана", released_at=moment, carrier=1 << 40,
    )  # fmt: skip
    plan(store, full)

    (found,) = store.messages_of(ORDER)

    assert found == replace(full, id=found.id)
    assert found.sent_at is not None
    assert found.sent_at.tzinfo is UTC


def test_an_instant_without_a_zone_is_refused(store: SqlStore) -> None:
    with pytest.raises(Exception, match="must be aware"):
        store.open_intake(kind="file", name="f", at=NOW.replace(tzinfo=None))


def test_looking_at_an_empty_database_makes_nothing(store_url: str, tmp_path: Path) -> None:
    found = status(store_url)

    assert (found.current, found.is_current) == (None, False)
    assert found.head
    assert list(tmp_path.iterdir()) == []


def test_an_empty_database_is_not_opened(store_url: str) -> None:
    with pytest.raises(StorageError, match="empty"):
        open_store(store_url)


def test_a_database_is_made_and_opened_in_one_step(store_url: str) -> None:
    for _ in range(2):
        store = create(store_url)
        try:
            assert list(store.outbox()) == []
        finally:
            store.close()


def test_migrating_twice_changes_nothing(store_url: str) -> None:
    migrate(store_url)
    store = open_store(store_url)
    plan(store, message())
    store.close()

    migrate(store_url)

    assert status(store_url).current == status(store_url).head
    assert rows_of(store_url, "SELECT rule FROM outbox") == [("shipped",)]


def test_a_database_of_something_else_is_refused(store_url: str) -> None:
    engine = create_engine(store_url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE customers (id INTEGER)"))
    engine.dispose()

    for refused in (migrate, status, open_store):
        with pytest.raises(StorageError, match="not messenger's database: it holds customers"):
            refused(store_url)
    assert rows_of(store_url, "SELECT count(*) FROM customers") == [(0,)]


def test_a_newer_database_is_refused(store_url: str) -> None:
    migrate(store_url)
    engine = create_engine(store_url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()

    for refused in (migrate, status, open_store):
        with pytest.raises(StorageError, match="use a newer messenger"):
            refused(store_url)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("nonsense", "cannot be read"),
        ("mysql://u@h/n", "not supported"),
        ("postgresql+psycopg://nobody@127.0.0.1:1/none", "cannot be used"),
    ],
)
def test_a_database_that_cannot_be_had_is_told(url: str, told: str) -> None:
    with pytest.raises(StorageError, match=told):
        open_store(url)


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    place = tmp_path / "notes.db"
    place.write_text("not a database, but long enough to be looked at\n" * 100)

    with pytest.raises(StorageError, match="cannot be used"):
        open_store(f"sqlite:///{place}")


def test_an_event_is_kept_as_it_was_told() -> None:
    told = event(
        "e1", order={"total": "12.90", "currency": "EUR", "paid_at": None, "items": [{"title": "Toy", "price": "1.10"}],
               "ship_by": "2026-03-05T10:00:00+08:00"},
        buyer={"name": "Ана", "tags": ["vip"]},
        shipment={"number": "RR1", "eta_to": "2026-03-20", "last_mile": {"number": "L1", "url": "https://x.example/"}},
    )  # fmt: skip

    assert read_event(event_text(told)) == told


words = st.sampled_from(["Ана", "a b", "RR1#2/3", "'\"\\", "日本", "é", "12.90", "null"])
lines = st.lists(words, max_size=4).map("\n".join)
instants = st.datetimes(
    datetime(1970, 1, 2),  # noqa: DTZ001  # hypothesis adds the zone
    datetime(2199, 12, 31),  # noqa: DTZ001
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=8))]),
).map(datetime.isoformat)
days = st.dates(date(1970, 1, 1), date(2200, 1, 1)).map(date.isoformat)
amounts = st.decimals(0, 10**9, places=2).map(str) | st.sampled_from(["0", "0.00", "12.90"])
links = st.sampled_from(["https://x.example/", "http://x.example/a?b=%D0%B0#c"])
texts = words | st.just("")
items = st.lists(
    st.fixed_dictionaries(
        {"title": words}, optional={"sku": texts, "quantity": st.integers(0, 1_000_000), "price": st.none() | amounts}
    ),
    max_size=3,
)
SPECIAL: dict[str, st.SearchStrategy[object]] = {
    "total": amounts, "amount": amounts, "currency": st.sampled_from(["EUR", "USD"]), "items": items, "url": links,
    "tracking_url": links, "email": st.sampled_from(["ana@example.com", "ANA+x@Example.com"]),
    "language": st.sampled_from(["ru", "pt-BR", "zh_Hans"]), "country": st.sampled_from(["BR", "ES"]),
    "timezone": st.sampled_from(["Europe/Madrid", "UTC"]), "tags": st.lists(texts, max_size=3),
    "stars": st.integers(1, 5), "eta_from": days, "eta_to": days,
    "last_mile": st.fixed_dictionaries({"number": words}, optional={"carrier": texts, "url": links}),
}  # fmt: skip
INSTANTS = {"at", "hold_until", "checked_at"}


def values(section: str, field: str) -> st.SearchStrategy[object]:
    if (section, field) == ("shipment", "state"):
        return st.sampled_from([str(state) for state in ShipmentState])
    if field in INSTANTS or field.endswith(("_at", "_by")):
        return instants
    return lines if field == "text" else SPECIAL.get(field, words)


@st.composite
def documents(draw: st.DrawFn) -> dict[str, object]:
    data: dict[str, object] = {"shop": draw(words)}
    for section, fields in SECTIONS.items():
        told = draw(st.lists(st.sampled_from(sorted(fields)), unique=True, max_size=4))
        data[section] = {field: draw(st.none() | values(section, field)) for field in told}
    return {
        "specversion": "1.0", "id": draw(words), "source": draw(words), "subject": draw(words), "time": draw(instants),
        "type": draw(st.sampled_from(["order.updated", "dispute.opened", "refund.issued"])), "data": data,
    }  # fmt: skip


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.generate],
)
@given(documents())
def test_every_event_is_kept_as_it_was_told(document: dict[str, object]) -> None:
    told = parse_event(document)
    kept = event_text(told)

    assert set(told.data) == set(SECTIONS)
    assert read_event(kept) == told
    assert event_text(read_event(kept)) == kept
    assert "\n" not in kept


def test_an_amount_keeps_its_digits() -> None:
    told = read_event(event_text(event("e1", order={"total": "12.90"})))

    assert str(told.data["order"]["total"]) == "12.90"
    assert told.data["order"]["total"] == Decimal("12.9")
