"""What every store promises about lines and accounts: fair shares, one probe, and nothing lost behind an account in trouble."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

import pytest

from messenger.domain.breakers import FIRST_OF_LOGIN, Breaker, Phase, failed, queue_of, works
from messenger.domain.messages import Key, PlannedMessage, State
from messenger.domain.pacing import Allowance, Rate, taken
from messenger.domain.retry import LONGEST_CLAIM, LONGEST_HANDOVER, SUSPECT
from messenger.ports import OrderKey
from messenger.storage import SqlStore
from tests.storage_samples import MINUTE, NOW, claim, commitment, message, only, plan, settlement, together

MAIN = queue_of("main")
PROBED = NOW + FIRST_OF_LOGIN


def trouble(store: SqlStore, *, at: datetime = NOW, by: str = "a", transport: str = "main") -> Breaker:
    step = partial(failed, by=by, stage="auth", code=535, reply="535 no", now=at)
    return store.turn_breaker(transport, step)[1]


def waiting(number: int, *, queue: str = MAIN, **more: object) -> PlannedMessage:
    return replace(message(number, due=NOW - MINUTE + number * timedelta(seconds=1)), queue=queue, **more)  # type: ignore[arg-type]  # fields of a message


def of(shop: str, number: int, *, queue: str = "") -> PlannedMessage:
    return replace(message(number), key=Key(shop, "shipped", f"8134/{number}", 1), queue=queue)


def numbers(rows: list[PlannedMessage]) -> list[int]:
    return [int(row.key.scope.partition("/")[2]) for row in rows]


def test_a_claim_is_shared_between_shops_and_within_a_shop_between_new_and_tried(store: SqlStore) -> None:
    plan(
        store,
        *(of("toys", number) for number in range(40)),
        *(of("toys", number, queue="retry") for number in range(40, 80)),
        *(of("books", number) for number in range(100, 140)),
        *(of("shoes", number) for number in range(200, 203)),
    )

    got = Counter((row.key.shop, row.queue) for row in claim(store, limit=23))

    assert got == {("shoes", ""): 3, ("books", ""): 10, ("toys", ""): 5, ("toys", "retry"): 5}


def test_places_that_one_line_does_not_need_are_filled_from_the_others(store: SqlStore) -> None:
    plan(store, of("toys", 1), *(of("toys", number, queue="retry") for number in range(10, 40)))

    assert Counter(row.queue for row in claim(store, limit=20)) == {"": 1, "retry": 19}
    assert len(claim(store, limit=20)) == 11


def test_a_stopped_shop_takes_no_places(store: SqlStore) -> None:
    plan(store, *(of(shop, number) for shop in ("toys", "books") for number in range(10)))
    store.pause("books", at=NOW, by="ana")

    assert {row.key.shop for row in claim(store, limit=8)} == {"toys"}


def test_what_waits_for_an_account_in_trouble_is_left_alone(store: SqlStore) -> None:
    plan(store, waiting(1), waiting(2, urgent=True), waiting(3, queue=queue_of("other")), message(4))
    trouble(store)

    assert sorted(numbers(claim(store))) == [3, 4]
    pulse = store.pulse(now=NOW)
    assert (pulse.due, pulse.blocked, pulse.next_probe) == (0, {"main": 2}, PROBED)
    assert store.waiting_for_accounts(now=NOW) == {"main": 2}


def test_the_first_that_waits_probes_its_account_for_one_owner(store: SqlStore) -> None:
    plan(store, waiting(1), waiting(2), waiting(3))
    trouble(store)
    assert claim(store, now=PROBED - timedelta(seconds=1)) == []
    assert store.pulse(now=PROBED).due == 1

    (row,) = claim(store, "b", now=PROBED)

    assert numbers([row]) == [1]
    breaker = store.breakers()["main"]
    assert (breaker.phase, breaker.prober, breaker.probe_at) == (Phase.PROBING, "b", PROBED + MINUTE)
    assert claim(store, "c", now=PROBED) == []


def test_an_urgent_message_probes_before_others(store: SqlStore) -> None:
    plan(store, waiting(1), waiting(2, urgent=True))
    trouble(store)

    assert numbers(claim(store, now=PROBED)) == [2]


def test_only_one_of_many_becomes_the_prober(store: SqlStore) -> None:
    plan(store, *(waiting(number) for number in range(10)))
    trouble(store)
    found: list[PlannedMessage] = []

    together(*(lambda name=name: found.extend(claim(store, name, now=PROBED)) for name in "abcdefgh"))

    assert len(found) == 1


def test_an_account_is_not_probed_when_nothing_waits_for_it(store: SqlStore) -> None:
    plan(store, waiting(1, queue=queue_of("other")))
    before = trouble(store)

    claim(store, now=PROBED)

    assert store.breakers()["main"] == before


def test_when_an_account_works_again_all_that_waited_leaves_in_due_order(store: SqlStore) -> None:
    plan(store, *(waiting(number) for number in (3, 1, 2)))
    trouble(store)
    (first,) = claim(store, "b", now=PROBED)

    store.turn_breaker("main", lambda breaker: works(breaker, by="b"))

    assert numbers([first, *claim(store, now=PROBED)]) == [1, 2, 3]


def test_a_heartbeat_keeps_a_probe_and_a_dead_prober_is_followed(store: SqlStore) -> None:
    plan(store, waiting(1), waiting(2))
    trouble(store)
    claim(store, "b", now=PROBED)
    store.heartbeat(owner="b", lease_until=PROBED + 3 * MINUTE)

    assert claim(store, "c", now=PROBED + 2 * MINUTE) == []
    assert numbers(claim(store, "c", now=PROBED + 3 * MINUTE)) == [2]


def test_what_waits_for_an_account_expires_in_time_and_can_be_cancelled(store: SqlStore) -> None:
    soon = NOW + MINUTE
    plan(store, waiting(1), replace(waiting(2), expires_at=soon))
    trouble(store)

    assert store.pulse(now=soon).due == 1
    assert numbers(claim(store, now=soon)) == [2]
    with store.begin() as unit:
        unit.lock(OrderKey(shop="toys", number="8134"))
        (first, _) = unit.messages(OrderKey(shop="toys", number="8134"))
    assert first.state is State.PLANNED


def test_an_account_takes_no_more_than_it_has_room_for(store: SqlStore) -> None:
    plan(store, *(waiting(number) for number in range(10)), *(message(number) for number in range(20, 23)))
    store.turn_breaker("main", lambda breaker: breaker)

    rows = store.claim(owner="a", now=NOW, lease_until=NOW + MINUTE, limit=100, room={"main": 4})

    assert sorted(numbers(rows)) == [0, 1, 2, 3, 20, 21, 22]
    assert store.claim(owner="a", now=NOW, lease_until=NOW + MINUTE, limit=100, room={"main": 0}) == []


def test_after_a_change_of_settings_all_that_waits_is_looked_at_anew(store: SqlStore) -> None:
    plan(store, waiting(1), waiting(2, queue=queue_of("other")))
    trouble(store)
    trouble(store, transport="other")

    assert store.look_again(transport="main") == 1
    assert numbers(claim(store)) == [1]
    assert store.look_again() == 1


def test_a_message_under_suspicion_waits_for_its_account_like_others(store: SqlStore) -> None:
    plan(store, waiting(1, attempts=SUSPECT))
    trouble(store)

    assert claim(store) == []
    assert numbers(claim(store, now=PROBED)) == [1]


def test_spreading_leaves_alone_what_waits_for_an_account_in_trouble(store: SqlStore) -> None:
    plan(store, waiting(1), message(2))
    trouble(store)

    assert store.spread(now=NOW, over=60 * MINUTE) == 1


def test_a_breaker_is_turned_by_one_at_a_time(store: SqlStore) -> None:
    def fail() -> None:
        store.turn_breaker("main", partial(failed, by="a", stage="connect", code=0, reply="", now=NOW))

    together(*(fail for _ in range(4)))

    assert store.breakers()["main"].failures == 4


def test_an_allowance_is_shared(store: SqlStore) -> None:
    rate, got = Rate(100, MINUTE), []

    def take() -> None:
        got.append(store.turn_allowance("main", lambda allowance: taken(allowance, rate, 4, NOW)))

    together(*(take for _ in range(4)))

    assert sum(got) == rate.burst
    assert store.allowances(now=NOW)["main"] == replace(Allowance(name="main"), free_at=NOW + 10 * rate.interval)


@pytest.mark.parametrize("is_sending", [False, True])
def test_no_message_is_kept_by_heartbeats_for_ever(store: SqlStore, *, is_sending: bool) -> None:
    plan(store, message())
    (row,) = claim(store)
    if is_sending:
        store.commit([commitment(row)])
    longest = LONGEST_CLAIM + LONGEST_HANDOVER if is_sending else LONGEST_CLAIM
    before, after = NOW + longest - MINUTE, NOW + longest

    assert store.heartbeat(owner="a", lease_until=before + MINUTE, now=before) == 1
    assert store.heartbeat(owner="a", lease_until=after + MINUTE, now=after) == 0
    store.rescue(now=after)
    assert only(store).state is (State.UNCERTAIN if is_sending else State.PLANNED)


def test_a_row_keeps_the_line_it_waits_in(store: SqlStore) -> None:
    plan(store, message())
    (row,) = claim(store)
    store.settle([settlement(row, replace(row, state=State.PLANNED, queue=MAIN))])

    assert only(store).queue == MAIN
    assert store.skew() == pytest.approx(0.0, abs=5.0)
