"""What every store promises about pollers: one has the turn, nothing is forgotten that was not read, failures are counted."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial

from messenger.ports import OrderKey, PollState, Turn
from messenger.storage import SqlStore
from tests.storage_samples import MINUTE, NOW

LEASE = timedelta(minutes=15)
LATER = NOW + 10 * MINUTE


def take(store: SqlStore, owner: str = "a", *, at: timedelta = timedelta(0), is_asked: bool = False) -> Turn | None:
    return store.take_poll("ae", owner=owner, now=NOW + at, until=NOW + at + LEASE, is_asked=is_asked)


def test_the_first_turn_begins_at_the_beginning(store: SqlStore) -> None:
    assert take(store) == Turn()
    assert store.polls() == {"ae": PollState(name="ae")}


def test_only_one_of_many_gets_the_turn(store: SqlStore) -> None:
    with ThreadPoolExecutor(4) as pool:
        turns = list(pool.map(partial(take, store), [f"w{number}" for number in range(8)]))

    assert sum(turn is not None for turn in turns) == 1


def test_a_turn_whose_process_died_is_given_to_another_when_its_lease_has_ended(store: SqlStore) -> None:
    take(store, "a")

    assert take(store, "b", at=LEASE - MINUTE) is None
    assert take(store, "b", at=LEASE) == Turn()
    assert not store.move_poll("ae", owner="a", cursor="late")
    assert not store.end_poll("ae", owner="a", at=NOW, next_at=LATER)
    assert not store.fail_poll("ae", owner="a", again_at=LATER, problem="late")
    assert store.polls()["ae"] == PollState(name="ae")


def test_a_process_that_was_cut_short_may_have_its_own_turn_again(store: SqlStore) -> None:
    take(store, "a")

    assert take(store, "a", at=MINUTE) == Turn()


def test_the_next_turn_goes_on_where_the_last_one_ended(store: SqlStore) -> None:
    take(store)
    assert store.move_poll("ae", owner="a", cursor="page 7")
    assert store.end_poll("ae", owner="a", at=NOW, next_at=LATER)

    assert take(store, "b", at=9 * MINUTE) is None
    assert take(store, "b", at=10 * MINUTE) == Turn(cursor="page 7")
    assert store.polls()["ae"] == PollState(name="ae", next_at=LATER, polled_at=NOW)


def test_a_person_may_ask_before_it_is_time_but_not_beside_another(store: SqlStore) -> None:
    take(store)
    assert take(store, "b", is_asked=True) is None
    store.end_poll("ae", owner="a", at=NOW, next_at=LATER)

    assert take(store, "b") is None
    assert take(store, "b", is_asked=True) == Turn()


def test_failures_are_counted_until_a_turn_goes_well(store: SqlStore) -> None:
    for number in (1, 2):
        take(store, is_asked=True)
        assert store.fail_poll("ae", owner="a", again_at=LATER, problem=f"no {number}")
    assert store.polls()["ae"] == PollState(name="ae", next_at=LATER, failures=2, problem="no 2")

    take(store, is_asked=True)
    store.end_poll("ae", owner="a", at=NOW, next_at=LATER)
    assert store.polls()["ae"] == PollState(name="ae", next_at=LATER, polled_at=NOW)


def test_what_is_to_be_read_again_comes_with_the_next_turn_at_once_and_once(store: SqlStore) -> None:
    take(store)
    store.end_poll("ae", owner="a", at=NOW, next_at=LATER)
    store.poll_again("ae", ["8134", "9000", "8134"], at=NOW + MINUTE)
    store.poll_again("ae", ["8134"], at=NOW + 2 * MINUTE)

    assert take(store, at=2 * MINUTE) == Turn(hints=("8134", "9000"))
    store.move_poll("ae", owner="a", cursor="c", hints=["8134"])
    store.end_poll("ae", owner="a", at=NOW + 2 * MINUTE, next_at=LATER)
    assert take(store, at=2 * MINUTE) == Turn(cursor="c", hints=("9000",))


def test_a_hint_that_comes_during_a_turn_makes_the_next_one_due_at_once(store: SqlStore) -> None:
    take(store)
    store.poll_again("ae", ["8134"], at=NOW)
    store.end_poll("ae", owner="a", at=NOW, next_at=LATER)

    assert take(store) == Turn(hints=("8134",))


def test_a_hint_waits_while_the_source_is_left_alone(store: SqlStore) -> None:
    take(store)
    store.fail_poll("ae", owner="a", again_at=LATER, problem="daily limit")
    store.poll_again("ae", ["8134"], at=NOW)

    assert take(store, at=9 * MINUTE) is None
    assert take(store, at=10 * MINUTE) == Turn(hints=("8134",))


def test_a_person_who_has_mended_it_lets_a_source_have_its_turn_at_once(store: SqlStore) -> None:
    take(store)
    store.fail_poll("ae", owner="a", again_at=LATER, problem="log in")
    store.wake_poll("ae", at=NOW)
    store.wake_poll("other", at=NOW)

    assert store.polls()["ae"].failures == 0
    assert take(store) == Turn()


def test_a_hint_for_a_source_that_never_had_a_turn_is_kept(store: SqlStore) -> None:
    store.poll_again("ae", ["8134"], at=NOW)
    store.poll_again("ae", [], at=NOW)

    assert store.polls() == {}
    assert take(store) == Turn(hints=("8134",))


def test_pollers_do_not_see_each_other(store: SqlStore) -> None:
    take(store)
    store.poll_again("other", ["1"], at=NOW)
    store.move_poll("ae", owner="a", cursor="mine")

    assert store.take_poll("other", owner="a", now=NOW, until=LATER) == Turn(hints=("1",))
    assert store.take_poll("third", owner="a", now=NOW, until=LATER) == Turn()


def test_a_source_that_told_nothing_was_heard_from_all_the_same(store: SqlStore) -> None:
    store.hear("ae", at=LATER)
    store.hear("ae", at=NOW)

    assert store.heard() == {"ae": LATER}


def test_a_long_problem_is_cut(store: SqlStore) -> None:
    take(store)
    store.fail_poll("ae", owner="a", again_at=LATER, problem="x" * 5000)

    assert len(store.polls()["ae"].problem) == 500


def test_orders_that_stand_so_are_listed_by_number_behind_another(store: SqlStore) -> None:
    for shop, number, status in (
        ("toys", "1", "shipped"),
        ("toys", "2", "paid"),
        ("toys", "3", "shipped"),
        ("books", "4", "shipped"),
    ):
        key = OrderKey(shop=shop, number=number)
        with store.begin() as unit:
            unit.lock(key)
            unit.describe(key, status=status, buyer_key="", email_key="", updated_at=NOW)
    toys = partial(store.orders_in, "toys", ["shipped", "partly_shipped"])

    assert [one.number for one in toys(after="", limit=10)] == ["1", "3"]
    assert [one.number for one in toys(after="1", limit=10)] == ["3"]
    assert [one.number for one in toys(after="", limit=1)] == ["1"]
    assert toys(after="3", limit=10) == []
