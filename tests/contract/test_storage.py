"""What every store promises, on each engine."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import create_engine, text

from messenger.domain.events import Event, parse_event
from messenger.domain.messages import Category, Key, Letter, Outcome, PlannedMessage, Reason, Receipt, State
from messenger.errors import StorageError
from messenger.ports import Change, Commitment, Entry, OrderKey, Result, Settlement, Verdict
from messenger.storage import SqlStore, migrate, status
from messenger.storage.documents import event_text, read_event

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
LEASE = NOW + timedelta(minutes=1)
ORDER = OrderKey(shop="toys", number="8134")


def event(id_: str, type_: str = "order.paid", *, number: str | None = "8134", **sections: object) -> Event:
    document = {
        "specversion": "1.0",
        "id": id_,
        "source": "erp",
        "type": type_,
        "time": "2026-03-02T10:00:00Z",
        "data": {"shop": "toys", **sections},
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


def test_an_order_that_fails_five_times_blocks_only_itself(store: SqlStore) -> None:
    accept(store, event("e1"), event("e2", number="9000"))

    assert [store.failed(ORDER, error="boom", at=NOW) for _ in range(5)] == [False, False, False, False, True]
    assert store.backlog(limit=10) == [OrderKey(shop="toys", number="9000")]
    assert store.inbox_counts().failed == 1


def test_a_key_exists_once(store: SqlStore) -> None:
    plan(store, message())
    plan(store, replace(message(), template="other"))

    assert [row.template for row in store.outbox()] == ["shipped"]


def test_a_failed_unit_changes_nothing(store: SqlStore) -> None:
    def fail() -> None:
        with store.begin() as unit:
            unit.lock(ORDER)
            unit.add([message()])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()

    assert states(store) == []


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
    plan(store, *(message(number) for number in range(60)))
    taken: list[int] = []

    def work(owner: str) -> None:
        while rows := claim(store, owner, limit=7):
            taken.extend(row.id for row in rows)

    threads = [threading.Thread(target=work, args=(f"w{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(taken) == len(set(taken)) == 60


def test_only_what_is_due_is_claimed_oldest_first(store: SqlStore) -> None:
    plan(store, message(1, due=NOW + timedelta(hours=1)), message(2), message(3, due=NOW - timedelta(hours=1)))

    rows = claim(store)

    assert [row.key.scope for row in rows] == ["8134/3", "8134/2"]
    assert {(row.state, row.attempts, row.token) for row in rows} == {(State.CLAIMED, 1, 1)}


def test_a_write_back_with_another_owner_or_token_changes_nothing(store: SqlStore) -> None:
    plan(store, message())
    (row,) = claim(store)
    for owner, token in (("b", row.token), ("a", row.token + 1)):
        assert store.commit([commitment(row, owner=owner, token=token)]) == set()
        assert (
            store.settle(
                [Settlement(id=row.id, owner=owner, token=token, at=NOW, message=replace(row, state=State.SKIPPED))]
            )
            == set()
        )
    assert store.commit([commitment(row)]) == {row.id}
    assert store.record([result(row, State.SENT, Outcome.ACCEPTED, owner="b")]) == set()
    assert states(store) == [State.SENDING]

    assert store.record([result(row, State.SENT, Outcome.ACCEPTED)]) == {row.id}
    assert states(store) == [State.SENT]
    assert [entry.what for entry in store.record_of(ORDER)] == ["sent"]


def test_what_is_frozen_comes_back_as_it_was(store: SqlStore) -> None:
    plan(store, message())
    (row,) = claim(store)
    store.commit([commitment(row)])

    frozen = store.frozen(row.id)

    assert frozen is not None
    assert (frozen.letter, frozen.digest, frozen.template_version) == (LETTER, "d", "v")


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
    assert len({row.id for row in found}) == 1201


def test_the_pulse_tells_what_is_going_on(store: SqlStore) -> None:
    accept(store, event("e1"))
    plan(store, message(1), message(2, due=NOW + timedelta(hours=1)))
    before = store.pulse(now=NOW)
    claim(store)
    after = store.pulse(now=NOW)

    assert (before.due, before.in_hand, before.next_due, before.backlog) == (1, 0, NOW, 1)
    assert (after.due, after.in_hand, after.next_lease, after.next_due) == (0, 1, LEASE, NOW + timedelta(hours=1))


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


def test_orders_are_found_by_name(store: SqlStore) -> None:
    for number in ("2", "1"):
        with store.begin() as unit:
            unit.lock(OrderKey(shop="toys", number=number))

    assert [key.number for key in store.find_orders(shop="toys")] == ["1", "2"]


def test_migrating_twice_changes_nothing(store_url: str) -> None:
    assert not status(store_url).is_current
    migrate(store_url)
    migrate(store_url)
    assert status(store_url).is_current


def test_a_database_of_something_else_is_refused(store_url: str) -> None:
    engine = create_engine(store_url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE customers (id INTEGER)"))
    engine.dispose()

    with pytest.raises(StorageError, match="not messenger's database: it holds customers"):
        migrate(store_url)


def test_a_newer_database_is_refused(store_url: str) -> None:
    migrate(store_url)
    engine = create_engine(store_url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()

    with pytest.raises(StorageError, match="use a newer messenger"):
        migrate(store_url)


def test_an_event_is_kept_as_it_was_told() -> None:
    told = event(
        "e1", order={"total": "12.90", "currency": "EUR", "paid_at": None, "items": [{"title": "Toy", "price": "1.10"}],
               "ship_by": "2026-03-05T10:00:00+08:00"},
        buyer={"name": "Ана", "tags": ["vip"]},
        shipment={"number": "RR1", "eta_to": "2026-03-20", "last_mile": {"number": "L1", "url": "https://x.example/"}},
    )  # fmt: skip

    assert read_event(event_text(told)) == told
