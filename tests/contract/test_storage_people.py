"""What every store promises about people and time: what they stop stays, and nobody is flooded when it goes on."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from messenger.domain.messages import Key, PlannedMessage, Reason, State
from messenger.ports import Pause
from messenger.storage import SqlStore
from tests.storage_samples import MINUTE, NOW, ORDER, claim, doubtful, event, message, plan, together
from tests.storage_samples import accept as take

HOUR = timedelta(hours=1)


def of_shop(number: int, shop: str) -> PlannedMessage:
    return replace(message(number), key=Key(shop, "shipped", f"8134/{number}", 1))


def due_times(store: SqlStore) -> dict[str, timedelta]:
    return {row.key.scope.removeprefix("8134/"): row.due_at - NOW for row in store.outbox()}


# --- pauses ------------------------------------------------------------------------------------------------------------


def test_a_shop_is_stopped_once_and_goes_on_once(store: SqlStore) -> None:
    assert store.pause("toys", at=NOW, by="ana")
    assert not store.pause("toys", at=NOW + HOUR, by="ben")
    assert store.pause("", at=NOW + HOUR, by="ben")

    stopped = Pause(shop="toys", since=NOW, by="ana")
    assert store.pauses() == [Pause(shop="", since=NOW + HOUR, by="ben"), stopped]
    assert store.resume("toys") == stopped
    assert store.resume("toys") is None
    assert [one.shop for one in store.pauses()] == [""]


def test_the_messages_of_a_stopped_shop_are_neither_claimed_nor_due(store: SqlStore) -> None:
    plan(store, of_shop(1, "toys"), of_shop(2, "books"), replace(of_shop(3, "toys"), urgent=True))
    store.pause("toys", at=NOW, by="ana")

    assert store.pulse(now=NOW).due == 1
    assert [row.key.shop for row in claim(store)] == ["books"]
    assert store.pulse(now=NOW).next_due is None
    store.resume("toys")
    assert [row.key.scope for row in claim(store)] == ["8134/3", "8134/1"]


def test_when_everything_is_stopped_nothing_is_due(store: SqlStore) -> None:
    plan(store, message(1))
    store.pause("", at=NOW, by="ana")

    assert claim(store) == []
    assert (store.pulse(now=NOW).due, store.pulse(now=NOW).next_due) == (0, None)


@pytest.mark.parametrize("shop", ["toys", ""])
def test_no_second_copy_is_made_while_its_shop_is_stopped(store: SqlStore, shop: str) -> None:
    row = doubtful(store)
    later = NOW + 5 * MINUTE
    store.postpone(key=row.key, resend_at=later, because="crashed")
    store.pause(shop, at=NOW, by="ana")

    assert claim(store, "b", now=later) == []
    assert (store.pulse(now=later).due, store.pulse(now=later).next_resend) == (0, None)


def test_what_is_in_hand_when_a_shop_is_stopped_is_still_seen(store: SqlStore) -> None:
    plan(store, message(1))
    claim(store)
    store.pause("toys", at=NOW, by="ana")

    assert (store.pulse(now=NOW).in_hand, store.pulse(now=NOW).next_lease) == (1, NOW + MINUTE)


def test_staff_that_stop_a_shop_together_stop_it_once(store: SqlStore) -> None:
    won: list[bool] = []

    together(*(lambda name=name: won.append(store.pause("toys", at=NOW, by=name)) for name in "abcd"))

    assert sorted(won) == [False, False, False, True]


# --- spreading ---------------------------------------------------------------------------------------------------------


def test_what_has_piled_up_is_spread_evenly_in_due_order(store: SqlStore) -> None:
    plan(store, *(message(number, due=NOW - number * MINUTE) for number in range(4)), message(9, due=NOW + MINUTE))

    assert store.spread(now=NOW, over=4 * HOUR) == 4

    assert due_times(store) == {"3": 0 * HOUR, "2": HOUR, "1": 2 * HOUR, "0": 3 * HOUR, "9": MINUTE}
    moved = [row for row in store.outbox() if row.key.scope != "8134/9"]
    assert {row.reason for row in moved} == {Reason.OUTAGE}
    assert all(row.not_before == row.due_at for row in moved)
    assert [row.key.scope for row in claim(store)] == ["8134/3"]
    assert [(one.what, one.reason, one.at) for one in store.record_of(ORDER)] == [("moved", "outage", NOW)] * 4


def test_urgent_gated_held_and_ended_messages_are_not_moved(store: SqlStore) -> None:
    plan(
        store, replace(message(1), urgent=True), replace(message(2), gated=True), replace(message(3), state=State.HELD),
        replace(message(4), state=State.WAITING_APPROVAL), replace(message(5), state=State.SENT),
    )  # fmt: skip

    assert store.spread(now=NOW, over=HOUR) == 0
    assert set(due_times(store).values()) == {timedelta(0)}


def test_nothing_is_moved_to_its_expiry_or_beyond(store: SqlStore) -> None:
    plan(store, *(replace(message(number), expires_at=NOW + number * HOUR) for number in range(1, 5)))

    assert store.spread(now=NOW, over=8 * HOUR) == 1
    assert due_times(store) == {"1": 0 * HOUR, "2": 0 * HOUR, "3": 0 * HOUR, "4": 0 * HOUR}


def test_one_shop_is_spread_alone(store: SqlStore) -> None:
    plan(store, of_shop(1, "toys"), of_shop(2, "toys"), of_shop(3, "books"))

    assert store.spread(now=NOW, over=2 * HOUR, shop="toys") == 2
    assert due_times(store) == {"1": 0 * HOUR, "2": HOUR, "3": 0 * HOUR}


def test_a_shop_that_is_still_stopped_takes_no_place(store: SqlStore) -> None:
    plan(store, of_shop(1, "toys"), of_shop(2, "books"), of_shop(3, "books"))
    store.pause("toys", at=NOW, by="ana")

    assert store.spread(now=NOW, over=2 * HOUR) == 2
    assert due_times(store) == {"1": 0 * HOUR, "2": 0 * HOUR, "3": HOUR}
    store.pause("", at=NOW, by="ana")
    assert store.spread(now=NOW, over=2 * HOUR) == 0


# --- being at work -----------------------------------------------------------------------------------------------------


def test_the_last_sign_of_life_is_kept(store: SqlStore) -> None:
    assert store.last_alive() is None
    for at in (NOW, NOW + MINUTE):
        store.alive(now=at)

    assert store.last_alive() == NOW + MINUTE


def test_a_tick_is_bought_by_exactly_one_caller_ever(store: SqlStore) -> None:
    won: list[str] = []

    def buy() -> None:
        won.extend(f"{name} {slot}" for slot in "123" for name in ("poll", "digest") if store.buys_tick(name, slot))

    together(*([buy] * 6))

    assert sorted(won) == sorted(f"{name} {slot}" for slot in "123" for name in ("poll", "digest"))
    assert not store.buys_tick("poll", "1")


# --- sources -----------------------------------------------------------------------------------------------------------


def test_a_source_was_heard_from_when_its_last_intake_ended(store: SqlStore) -> None:
    for source, at in (("erp", NOW), ("erp", NOW + HOUR), ("erp", NOW + MINUTE), ("", NOW), ("17track", NOW)):
        store.close_intake(store.open_intake(kind="poll", name="p", at=NOW), at=at, source=source)

    assert store.heard() == {"erp": NOW + HOUR, "17track": NOW}


def test_what_a_hold_keeps_is_looked_at_when_the_hold_is_over(store: SqlStore) -> None:
    later = NOW + HOUR
    held = replace(message(1, due=later), state=State.HELD, reason=Reason.HOLD, because="source_silent erp")
    plan(
        store, held, replace(held, key=message(2).key, because="dispute d1"), replace(held, key=of_shop(3, "books").key),
        replace(held, key=message(4).key, state=State.PLANNED), replace(held, key=message(5).key, due_at=NOW - HOUR),
    )  # fmt: skip

    assert store.wake(shop="toys", hold="source_silent", now=NOW) == 1
    assert due_times(store) == {"1": 0 * HOUR, "2": HOUR, "3": HOUR, "4": HOUR, "5": -HOUR}
    assert next(row.state for row in store.outbox() if row.key == held.key) is State.HELD


# --- looking up --------------------------------------------------------------------------------------------------------


def test_a_message_is_found_by_order_rule_and_id(store: SqlStore) -> None:
    other = replace(message(2), key=Key("toys", "delivered", "8134/2", 1))
    plan(store, message(1), other)
    first, second = store.messages_of(ORDER)

    assert store.find_messages(ORDER) == [first, second]
    assert store.find_messages(ORDER, rule="delivered") == [second]
    assert store.find_messages(ORDER, rule="nonsense") == []
    assert store.message(first.id) == first
    assert store.message(first.id + 1000) is None


def test_what_left_is_counted_since_a_moment(store: SqlStore) -> None:
    sent = [replace(message(hours), state=State.SENT, sent_at=NOW - hours * HOUR) for hours in range(5)]
    plan(store, *sent, message(9), replace(message(8), state=State.MERGED, sent_at=NOW, carrier=1))

    assert store.sent_since(NOW - 2 * HOUR) == 3
    assert store.sent_since(NOW + HOUR) == 0


def test_an_order_that_cannot_be_planned_anew_is_folded_again_until_it_is_given_up(store: SqlStore) -> None:
    take(store, event("e1"))
    with store.begin() as unit:
        unit.lock(ORDER)
        unit.events(ORDER)
        unit.processed(ORDER)

    assert [store.failed(ORDER, error="boom", at=NOW) for _ in range(4)] == [False] * 4
    assert store.backlog(limit=10) == [ORDER]
    assert store.failed(ORDER, error="boom", at=NOW)
    assert store.backlog(limit=10) == []
