"""What every store promises about deciding for a buyer: one at a time, with all that counts in sight."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from messenger.domain.messages import Key, Outcome, PlannedMessage, Reason, State
from messenger.ports import BuyerKey, Change, OrderKey, Payment, Unit
from messenger.storage import SqlStore
from tests.storage_samples import MINUTE, NOW, ORDER, claim, commitment, message, plan, result, settlement, together

DAY = timedelta(days=1)
ANA = BuyerKey("toys", "id:ana")
BEN = BuyerKey("toys", "id:ben")


def of(buyer: BuyerKey, number: int, state: State = State.PLANNED, *, order: str = "8134") -> PlannedMessage:
    told = replace(message(number), state=state, buyer=buyer.buyer, order=order)
    return replace(told, key=Key(buyer.shop, "shipped", f"{order}/{number}", 1))


def counting(store: SqlStore, *buyers: BuyerKey, since: timedelta = 7 * DAY) -> dict[str, list[str]]:
    """What counts for these buyers, by scope."""

    def look(unit: Unit) -> dict[str, list[str]]:
        found = unit.buyer_messages(buyers, since=NOW - since)
        return {buyer.buyer: [row.key.scope for row in rows] for buyer, rows in found.items()}

    return store.together(look)


def test_what_waits_counts_whatever_it_waits_for(store: SqlStore) -> None:
    waiting = [state for state in State if state.is_waiting]
    plan(store, *(of(ANA, number, state) for number, state in enumerate(waiting)))

    assert counting(store, ANA) == {"id:ana": [f"8134/{number}" for number in range(len(waiting))]}


def test_what_may_be_on_its_way_counts_however_old(store: SqlStore) -> None:
    states = [State.SENDING, State.UNCERTAIN, State.MERGED]
    plan(store, *(of(ANA, number, state) for number, state in enumerate(states)))

    assert counting(store, ANA, since=timedelta(0)) == {"id:ana": ["8134/0", "8134/1", "8134/2"]}


@pytest.mark.parametrize("state", [State.SENT, State.BOUNCED, State.COMPLAINED, State.MERGED])
def test_what_has_left_counts_for_as_long_as_is_asked(store: SqlStore, state: State) -> None:
    plan(store, *(replace(of(ANA, days, state), sent_at=NOW - days * DAY) for days in (1, 7, 8)))

    assert counting(store, ANA) == {"id:ana": ["8134/1", "8134/7"]}


def test_what_was_never_said_does_not_count(store: SqlStore) -> None:
    ended = [State.SKIPPED, State.CANCELLED, State.EXPIRED, State.SUPERSEDED, State.FAILED]
    plan(store, *(of(ANA, number, state) for number, state in enumerate(ended)))

    assert counting(store, ANA) == {"id:ana": []}


def test_an_order_that_waits_remembers_all_it_was_told(store: SqlStore) -> None:
    """Also what was said when its buyer was not yet known by this name, and never twice."""
    long_ago = NOW - 300 * DAY
    nobody = BuyerKey("toys", "order:8134")
    plan(store, replace(of(nobody, 1, State.SENT), sent_at=long_ago), replace(of(ANA, 2, State.SENT), sent_at=long_ago))
    plan(
        store,
        replace(of(ANA, 3, State.SENT, order="9000"), sent_at=long_ago),
        of(ANA, 4),
        replace(of(ANA, 5, State.SENT), sent_at=NOW),
    )

    assert counting(store, ANA) == {"id:ana": ["8134/1", "8134/2", "8134/4", "8134/5"]}


def test_buyers_are_told_apart_by_name_and_shop(store: SqlStore) -> None:
    elsewhere = BuyerKey("books", "id:ana")
    plan(store, of(ANA, 1), of(BEN, 2), of(elsewhere, 3))

    assert counting(store, BEN, ANA) == {"id:ana": ["8134/1"], "id:ben": ["8134/2"]}
    assert counting(store, elsewhere) == {"id:ana": ["8134/3"]}
    assert counting(store) == {}


def test_a_message_of_nobody_known_is_its_orders(store: SqlStore) -> None:
    plan(store, message(1))

    assert counting(store, BuyerKey("toys", "order:8134")) == {"order:8134": ["8134/1"]}


def test_rows_come_as_they_are(store: SqlStore) -> None:
    plan(store, replace(of(ANA, 1, State.CLAIMED), cleared_at=NOW, channel="email"))
    (row,) = store.outbox()

    with store.begin() as unit:
        assert unit.buyer_messages([ANA, ANA], since=NOW) == {ANA: [row]}


def test_payments_are_found_by_every_name_of_a_buyer(store: SqlStore) -> None:
    for number, buyer_key, email_key, paid in (
        ("1", "id:ana", "email:ana@example.com", NOW),
        ("2", "id:ana", "", NOW - DAY),
        ("3", "", "email:ana@example.com", NOW),
        ("4", "", "", NOW),
        ("5", "id:ana", "", None),
    ):
        with store.begin() as unit:
            order = OrderKey(shop="toys", number=number)
            unit.lock(order)
            unit.describe(order, status="paid", buyer_key=buyer_key, email_key=email_key, updated_at=NOW, paid_at=paid)
    by_mail, alone = BuyerKey("toys", "email:ana@example.com"), BuyerKey("toys", "order:4")

    with store.begin() as unit:
        found = unit.payments([ANA, by_mail, alone, BEN])
        assert unit.payments([]) == {}
    assert found == {
        ANA: [Payment(order="2", at=NOW - DAY), Payment(order="1", at=NOW)],
        by_mail: [Payment(order="3", at=NOW)],
        alone: [Payment(order="4", at=NOW)],
        BEN: [],
    }


# --- deciding ----------------------------------------------------------------------------------------------------------


def clear_one(store: SqlStore, row: PlannedMessage, *, at_most: int) -> None:
    """Clear a claimed message unless as many are cleared for its buyer already; then it waits."""

    def decide(unit: Unit) -> None:
        buyer = BuyerKey(row.key.shop, row.buyer)
        unit.lock_buyers([buyer])
        rows = unit.buyer_messages([buyer], since=NOW - DAY)[buyer]
        counted = sum(one.cleared_at is not None for one in rows)
        cleared = replace(row, cleared_at=NOW)
        waits = replace(row, state=State.HELD, reason=Reason.CAP, due_at=NOW + DAY)
        unit.settle([settlement(row, cleared if counted < at_most else waits)])

    store.together(decide)


def test_workers_that_decide_about_one_buyer_at_once_do_not_exceed_its_cap(store: SqlStore) -> None:
    plan(store, *(of(ANA, number) for number in range(24)), *(of(BEN, number, order="9000") for number in range(24)))
    hands = [claim(store, f"w{number}", limit=12) for number in range(4)]

    def decide(rows: list[PlannedMessage]) -> None:
        for row in rows:
            clear_one(store, row, at_most=3)

    together(*(partial(decide, rows) for rows in hands))

    states = [(row.buyer, row.state) for row in store.outbox()]
    assert states.count(("id:ana", State.CLAIMED)) == states.count(("id:ben", State.CLAIMED)) == 3
    assert states.count(("id:ana", State.HELD)) == states.count(("id:ben", State.HELD)) == 21


def test_a_cleared_message_stays_in_hand_and_its_lease_with_the_heartbeat(store: SqlStore) -> None:
    plan(store, of(ANA, 1))
    (row,) = claim(store)
    store.heartbeat(owner="a", lease_until=NOW + 9 * MINUTE)
    cleared = replace(row, cleared_at=NOW, channel="email", transport="main", expires_at=NOW + DAY, shipment="RR1")
    with store.begin() as unit:
        assert unit.settle([settlement(row, cleared)]) == {row.id}

    (after,) = store.outbox()
    assert after == replace(cleared, owner="a", lease_until=NOW + 9 * MINUTE)
    assert store.record_of(ORDER) == []
    assert store.commit([commitment(after)]) == {row.id}


def test_a_lost_claim_is_not_cleared(store: SqlStore) -> None:
    plan(store, of(ANA, 1))
    (row,) = claim(store)
    with store.begin() as unit:
        unit.change([Change(message=replace(row, state=State.CANCELLED), was=State.CLAIMED)])
        assert unit.settle([settlement(row, replace(row, cleared_at=NOW))]) == set()


def test_what_is_moved_or_rescued_is_no_longer_cleared(store: SqlStore) -> None:
    plan(store, of(ANA, 1), of(ANA, 2))
    for row in claim(store):
        store.settle([settlement(row, replace(row, cleared_at=NOW))])
    moved, dead = store.outbox()
    with store.begin() as unit:
        unit.change([Change(message=replace(moved, due_at=NOW + DAY), was=State.CLAIMED)])
    store.rescue(now=NOW + 2 * MINUTE)

    assert [row.cleared_at for row in store.outbox()] == [None, None]
    assert store.message(dead.id) is not None


def test_units_take_buyers_in_one_order_whoever_names_them_first(store: SqlStore) -> None:
    """Were each to take them as named, the two would wait for each other for ever: nothing here is tried again."""
    buyers = [BuyerKey("toys", f"id:{number}") for number in range(30)]

    def lock(named: list[BuyerKey]) -> None:
        for _ in range(20):
            with store.begin() as unit:
                unit.lock_buyers(named)

    together(*(lambda named=named: lock(named) for named in (buyers, buyers[::-1], buyers[::2] + buyers[1::2])))


def crossing(meet: threading.Barrier, first: BuyerKey, second: BuyerKey, runs: list[str]) -> Callable[[Unit], str]:
    def work(unit: Unit) -> str:
        runs.append(first.buyer)
        unit.lock_buyers([first])
        with suppress(threading.BrokenBarrierError):  # SQLite has one writer: the other never comes
            meet.wait(timeout=0.3)
        unit.lock_buyers([second])
        return first.buyer

    return work


def test_a_unit_that_crossed_another_is_run_again(store: SqlStore) -> None:
    runs: list[str] = []
    done: list[str] = []
    meet = threading.Barrier(2)

    together(
        lambda: done.append(store.together(crossing(meet, ANA, BEN, runs))),
        lambda: done.append(store.together(crossing(meet, BEN, ANA, runs))),
    )

    assert sorted(done) == ["id:ana", "id:ben"]


def test_a_unit_that_fails_together_changes_nothing(store: SqlStore) -> None:
    def fail(unit: Unit) -> None:
        unit.add([of(ANA, 1)])
        raise LookupError

    with pytest.raises(LookupError):
        store.together(fail)

    assert list(store.outbox()) == []


def test_a_tried_message_counts_from_when_it_left(store: SqlStore) -> None:
    plan(store, of(ANA, 1))
    (row,) = claim(store)
    store.commit([commitment(row)])
    sent = replace(row, state=State.SENT, sent_at=NOW - DAY)
    store.record([replace(result(row, State.SENT, Outcome.ACCEPTED), message=sent)])

    assert counting(store, ANA) == {"id:ana": ["8134/1"]}
    assert counting(store, ANA, since=timedelta(hours=23)) == {"id:ana": []}
