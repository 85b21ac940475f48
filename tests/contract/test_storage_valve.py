"""What every store promises about the valve: nobody gets what an intake set off before it was judged as a whole."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from messenger.domain.messages import PlannedMessage, Reason, State
from messenger.ports import Store
from messenger.storage import SqlStore
from messenger.storage.valve import AT_ONCE
from tests.storage_samples import MINUTE, NOW, ORDER, accept, claim, event, message, plan, take_in, together

DAY = timedelta(days=1)


def an_intake(store: Store, *, is_closed: bool = True) -> int:
    intake = store.open_intake(kind="file", name="f", at=NOW)
    if is_closed:
        store.close_intake(intake, at=NOW)
    return intake


def gated(number: int, intake: int, *, due: timedelta = timedelta(0), state: State = State.PLANNED) -> PlannedMessage:
    return replace(message(number, due=NOW + due), gated=True, intake=intake, state=state)


def states(store: Store) -> dict[str, str]:
    return {row.key.scope.removeprefix("8134/"): row.state for row in store.outbox()}


def judged(store: SqlStore, intake: int, *, limit: int) -> int:
    return store.together(lambda unit: unit.judge(intake, limit=limit, now=NOW))


def test_up_to_the_limit_everything_goes(store: SqlStore) -> None:
    intake = an_intake(store)
    plan(store, *(gated(number, intake) for number in range(3)))
    assert claim(store) == []

    assert judged(store, intake, limit=3) == 0
    assert len(claim(store)) == 3
    assert store.record_of(ORDER) == []


def test_beyond_it_a_person_is_asked_about_all_that_would_leave_within_a_day(store: SqlStore) -> None:
    intake = an_intake(store)
    plan(store, *(gated(number, intake, due=number * timedelta(hours=8)) for number in range(4)))

    assert judged(store, intake, limit=2) == 3

    assert states(store) == {"0": "waiting_approval", "1": "waiting_approval", "2": "waiting_approval", "3": "planned"}
    held = [row for row in store.outbox() if row.state is State.WAITING_APPROVAL]
    assert {(row.reason, row.because, row.gated) for row in held} == {(Reason.APPROVAL, f"valve {intake}", False)}
    assert {row.due_at for row in held} == {message().expires_at}
    entries = store.record_of(ORDER)
    assert [(one.what, one.reason, one.because, one.at) for one in entries] == [
        ("waiting_approval", "approval", f"valve {intake}", NOW)
    ] * 3
    assert {one.key for one in entries} == {row.key for row in held}
    assert claim(store) == []


def test_what_no_longer_waits_to_leave_is_not_counted_but_let_go(store: SqlStore) -> None:
    intake = an_intake(store)
    plan(store, gated(1, intake), gated(2, intake, state=State.HELD), gated(3, intake, state=State.CANCELLED))

    assert judged(store, intake, limit=1) == 0
    assert [row.gated for row in store.outbox()] == [False, False, False]


def test_each_intake_has_its_own_valve(store: SqlStore) -> None:
    first, second = an_intake(store), an_intake(store)
    plan(store, gated(1, first), gated(2, second), gated(3, second))

    assert judged(store, second, limit=1) == 2
    assert states(store) == {"1": "planned", "2": "waiting_approval", "3": "waiting_approval"}
    assert store.gated() == [first]


def test_what_an_intake_has_let_go_before_counts_too(store: SqlStore) -> None:
    """A stream is judged event by event; it is the sum that matters."""
    intake = an_intake(store)
    held = []
    for number in range(5):
        plan(store, gated(number, intake))
        held.append(judged(store, intake, limit=3))
        claim(store)

    assert held == [0, 0, 0, 1, 1]


def test_a_closed_valve_stays_closed(store: SqlStore) -> None:
    intake = an_intake(store)
    plan(store, gated(1, intake), gated(2, intake))
    judged(store, intake, limit=1)
    plan(store, gated(3, intake), gated(4, intake, due=2 * DAY))

    assert judged(store, intake, limit=1) == 1
    assert states(store) == {"1": "waiting_approval", "2": "waiting_approval", "3": "waiting_approval", "4": "planned"}


@pytest.mark.parametrize("limit", [2 * AT_ONCE + 50, 100])
def test_a_large_intake_is_judged_as_a_whole_in_short_transactions(store: SqlStore, limit: int) -> None:
    intake = an_intake(store)
    many = 2 * AT_ONCE + 50
    plan(store, *(gated(number, intake) for number in range(many)), gated(many, intake, due=2 * DAY))

    assert store.judge(intake, limit=limit, now=NOW) == (many if limit < many else 0)
    assert list(states(store).values()).count("planned") == (1 if limit < many else many + 1)
    assert store.gated() == []


def test_nodes_that_judge_together_hold_each_message_back_once(store: SqlStore) -> None:
    intake = an_intake(store)
    plan(store, *(gated(number, intake) for number in range(30)))
    held: list[int] = []

    together(*(lambda: held.append(judged(store, intake, limit=10)) for _ in range(3)))

    assert sum(held) == 30
    assert len(store.record_of(ORDER)) == 30


def test_an_intake_nobody_knows_is_judged_like_any_other(store: SqlStore) -> None:
    plan(store, gated(1, 99), gated(2, 99))

    assert store.gated() == [99]
    assert judged(store, 99, limit=1) == 2


def test_an_intake_waits_for_its_valve_when_all_of_it_is_taken_in(store: SqlStore) -> None:
    intake = store.open_intake(kind="file", name="f", at=NOW)
    store.accept([event("e1"), event("e2", number="9000")], intake=intake, at=NOW)
    plan(store, gated(1, intake), gated(2, intake))
    assert store.gated() == []  # still being read

    store.close_intake(intake, at=NOW)
    take_in(store)
    assert store.gated() == []  # order 9000 is to come

    take_in(store, replace(ORDER, number="9000"))
    assert store.gated() == [intake]
    judged(store, intake, limit=9)
    assert store.gated() == []


def test_an_order_that_was_given_up_keeps_nobody_waiting(store: SqlStore) -> None:
    broken = replace(ORDER, number="9000")
    accept(store, event("e1", number="9000"))
    for _ in range(5):
        store.failed(broken, error="boom", at=NOW)
    intake = store.open_intake(kind="file", name="f", at=NOW)
    store.accept([event("e2"), event("e3", number="9000")], intake=intake, at=NOW)
    store.close_intake(intake, at=NOW)
    take_in(store)
    plan(store, gated(1, intake))

    assert store.gated() == [intake]


def test_the_intake_of_what_is_taken_in_is_told(store: SqlStore) -> None:
    accept(store, event("e1"))
    take_in(store)
    accept(store, event("e2"))
    accept(store, event("e3"))
    newest = store.open_intake(kind="file", name="f", at=NOW)
    with store.begin() as unit:
        unit.lock(ORDER)
        assert unit.intake_of(ORDER) == 0
        unit.events(ORDER)
        assert unit.intake_of(ORDER) == newest - 1
        unit.processed(ORDER)
    with store.begin() as unit:
        unit.lock(ORDER)
        unit.events(ORDER)
        assert unit.intake_of(ORDER) == 0


def test_what_waits_for_approval_is_told_by_intake_and_shop(store: SqlStore) -> None:
    waits = [
        replace(message(number), state=State.WAITING_APPROVAL, intake=number % 2, due_at=NOW - number * MINUTE)
        for number in range(4)
    ]
    elsewhere = replace(message(9), key=replace(message(9).key, shop="books"), state=State.WAITING_APPROVAL)
    plan(store, *waits, elsewhere, message(10))

    def scopes(*, intake: int | None = None, shop: str | None = None) -> list[str]:
        return [row.key.scope for row in store.waiting_for_approval(intake=intake, shop=shop)]

    assert scopes(intake=1) == ["8134/3", "8134/1"]
    assert scopes(shop="books") == ["8134/9"]
    assert scopes(intake=0, shop="toys") == ["8134/2", "8134/0"]
    assert len(scopes()) == 5


def test_a_stream_is_one_intake_and_is_judged_as_a_whole(store: SqlStore) -> None:
    hour = {"kind": "webhook", "name": "toys 2026-03-02T10", "at": NOW}
    stream = store.open_intake(**hour, stands=True)  # type: ignore[arg-type]  # arguments of the port
    assert store.open_intake(**hour, stands=True) == stream  # type: ignore[arg-type]  # arguments of the port
    assert store.open_intake(**(hour | {"name": "toys 2026-03-02T11"}), stands=True) != stream  # type: ignore[arg-type]  # as above
    assert store.open_intake(kind="file", name="f", at=NOW) != store.open_intake(kind="file", name="f", at=NOW)

    store.accept([event("e1")], intake=stream, at=NOW)
    assert store.backlog(limit=9) == [ORDER]
    take_in(store)
    plan(store, gated(1, stream), gated(2, stream))
    assert judged(store, stream, limit=2) == 0
    plan(store, gated(3, stream))
    assert judged(store, stream, limit=2) == 1
    assert states(store) == {"1": "planned", "2": "planned", "3": "waiting_approval"}
