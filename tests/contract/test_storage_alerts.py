"""What every store promises about alerts: one of a kind, counted and ended by anybody, told by one process at a time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

import pytest

from messenger.domain.alerts import GRAVITY, Alert, AlertKind
from messenger.domain.breakers import failed, queue_of
from messenger.domain.messages import Outcome, PlannedMessage, Reason, State
from messenger.ports import HeldBack, Needs, Telling
from messenger.storage import SqlStore, open_store
from tests.storage_samples import MINUTE, NOW, claim, commitment, message, plan, result

HOUR = timedelta(hours=1)
LEASE = timedelta(minutes=5)


def opened(store: SqlStore, subject: str = "main", *, at: datetime = NOW, kind: AlertKind = AlertKind.ACCOUNT) -> bool:
    return store.raise_alert(kind=kind, subject=subject, at=at, shop="toys", buyers=3, detail="535 no")


def only(store: SqlStore, *, only_open: bool = True) -> Alert:
    (found,) = store.alerts(only_open=only_open)
    return found


def test_an_alert_is_new_only_once_and_counts_after_that(store: SqlStore) -> None:
    assert opened(store)
    assert not opened(store, at=NOW + 5 * MINUTE)
    assert not store.raise_alert(
        kind=AlertKind.ACCOUNT, subject="main", shop="toys", at=NOW + 6 * MINUTE, buyers=9, detail="d"
    )

    found = only(store)
    assert (found.since, found.seen_at, found.times) == (NOW, NOW + 6 * MINUTE, 3)
    assert (found.kind, found.subject, found.shop, found.buyers, found.detail) == ("account", "main", "toys", 9, "d")


def test_what_was_said_a_moment_ago_is_not_written_again(store: SqlStore) -> None:
    opened(store)
    opened(store, at=NOW + timedelta(seconds=59))

    assert (only(store).times, only(store).seen_at) == (1, NOW)


@pytest.mark.parametrize("other", [{"shop": ""}, {"subject": "spare"}, {"kind": AlertKind.SENDER}])
def test_another_kind_shop_or_subject_is_another_alert(store: SqlStore, other: dict[str, object]) -> None:
    opened(store)
    same: dict[str, object] = {"kind": AlertKind.ACCOUNT, "subject": "main", "shop": "toys", "at": NOW}

    assert store.raise_alert(**(same | other))  # type: ignore[arg-type]  # arguments of the port
    assert len(store.alerts()) == 2


def test_an_alert_ends_once_and_is_then_among_all_of_them_only(store: SqlStore) -> None:
    opened(store)
    over = {"kind": AlertKind.ACCOUNT, "subject": "main", "shop": "toys"}

    assert store.end_alert(**over, at=NOW + HOUR, by="ana")  # type: ignore[arg-type]  # arguments of the port
    assert not store.end_alert(**over, at=NOW + 2 * HOUR)  # type: ignore[arg-type]  # arguments of the port
    assert store.alerts() == []
    found = only(store, only_open=False)
    assert (found.ended_at, found.ended_by, found.is_open) == (NOW + HOUR, "ana", False)


def test_what_never_was_open_does_not_end(store: SqlStore) -> None:
    assert not store.end_alert(kind=AlertKind.DISK, subject="", at=NOW)
    assert store.alerts(only_open=False) == []


def test_an_alert_that_opens_again_keeps_its_name_and_what_people_were_told(store: SqlStore) -> None:
    opened(store)
    first = only(store)
    store.take_telling(owner="a", now=NOW, until=NOW + LEASE)
    store.told(owner="a", opened=[first.id], over=[], at=NOW + MINUTE)
    store.end_alert(kind=AlertKind.ACCOUNT, subject="main", shop="toys", at=NOW + HOUR, by="ana")

    assert opened(store, at=NOW + 2 * HOUR)
    again = only(store)
    assert (again.id, again.since, again.times, again.ended_by) == (first.id, NOW + 2 * HOUR, 1, "")
    assert again.told_at == NOW + MINUTE
    assert again.is_believed_open


def test_what_cannot_wait_comes_first_and_then_the_oldest(store: SqlStore) -> None:
    opened(store, kind=AlertKind.FAILED, subject="a")
    opened(store, kind=AlertKind.ACCOUNT, subject="b", at=NOW + HOUR)
    opened(store, kind=AlertKind.DISK, subject="c", at=NOW + MINUTE)

    assert [one.subject for one in store.alerts()] == ["c", "b", "a"]


def test_every_kind_is_kept_and_weighed(store: SqlStore) -> None:
    for kind in AlertKind:
        opened(store, kind=kind, subject="")

    assert {one.kind for one in store.alerts()} == set(AlertKind) == set(GRAVITY)


def test_only_what_is_long_over_is_forgotten(store: SqlStore) -> None:
    for subject, ends in (("open", None), ("old", NOW + HOUR), ("new", NOW + 3 * HOUR)):
        opened(store, subject)
        if ends:
            store.end_alert(kind=AlertKind.ACCOUNT, subject=subject, shop="toys", at=ends)

    assert store.forget_alerts(before=NOW + 2 * HOUR) == 1
    assert store.forget_alerts(before=NOW + 2 * HOUR) == 0
    assert {one.subject for one in store.alerts(only_open=False)} == {"open", "new"}


def test_of_many_who_raise_the_same_at_once_one_opens_it(migrated_url: str) -> None:
    stores = [open_store(migrated_url) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(opened, stores * 5))

    assert answers.count(True) == 1
    assert len(stores[0].alerts()) == 1
    for one in stores:
        one.close()


# --- telling ---------------------------------------------------------------------------------------------------------


def test_the_first_look_begins_the_day(store: SqlStore) -> None:
    assert store.take_telling(owner="a", now=NOW, until=NOW + LEASE) == Telling(told_at=None, digest_at=NOW)


def test_one_process_tells_until_its_time_is_over(store: SqlStore) -> None:
    store.take_telling(owner="a", now=NOW, until=NOW + LEASE)

    assert store.take_telling(owner="b", now=NOW + LEASE - MINUTE, until=NOW + 2 * LEASE) is None
    assert store.take_telling(owner="b", now=NOW + LEASE, until=NOW + 2 * LEASE) is not None
    assert not store.told(owner="a", opened=[], over=[], at=NOW + LEASE)
    assert not store.telling_failed(owner="a", again_at=NOW + HOUR)
    assert store.told(owner="b", opened=[], over=[], at=NOW + LEASE)


def test_of_many_who_want_to_tell_at_once_one_may(migrated_url: str) -> None:
    stores = [open_store(migrated_url) for _ in range(4)]

    def take(number: int) -> bool:
        found = stores[number % 4].take_telling(owner=str(number), now=NOW, until=NOW + LEASE)
        return found is not None

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(take, range(20))).count(True) == 1
    for one in stores:
        one.close()


def test_what_was_told_is_noted_on_each_alert(store: SqlStore) -> None:
    opened(store, "a")
    opened(store, "b")
    one, other = store.alerts()
    store.take_telling(owner="a", now=NOW, until=NOW + LEASE)

    assert store.told(owner="a", opened=[one.id], over=[other.id], at=NOW + MINUTE)
    assert [(row.told_at, row.over_told_at) for row in store.alerts()] == [(NOW + MINUTE, None), (None, NOW + MINUTE)]
    assert store.take_telling(owner="b", now=NOW + MINUTE, until=NOW + HOUR) == Telling(
        told_at=NOW + MINUTE, digest_at=NOW
    )


def test_looking_without_telling_is_not_telling(store: SqlStore) -> None:
    store.take_telling(owner="a", now=NOW, until=NOW + LEASE)
    store.told(owner="a", opened=[], over=[], at=NOW + MINUTE, digest=True)

    assert store.take_telling(owner="a", now=NOW + MINUTE, until=NOW + HOUR) == Telling(
        told_at=None, digest_at=NOW + MINUTE
    )


def test_after_a_failure_nobody_tries_for_a_while_and_it_is_counted_until_it_works(store: SqlStore) -> None:
    opened(store)
    for failures in (0, 1):
        at = NOW + failures * HOUR
        taken = store.take_telling(owner="a", now=at, until=at + LEASE)
        assert taken is not None
        assert taken.failures == failures
        assert store.telling_failed(owner="a", again_at=at + 2 * LEASE)
        assert store.take_telling(owner="b", now=at + LEASE, until=at + HOUR) is None

    store.take_telling(owner="b", now=NOW + 2 * HOUR, until=NOW + 3 * HOUR)
    store.told(owner="b", opened=[only(store).id], over=[], at=NOW + 2 * HOUR)
    again = store.take_telling(owner="b", now=NOW + 2 * HOUR, until=NOW + 3 * HOUR)
    assert again is not None
    assert again.failures == 0


# --- what needs a person ----------------------------------------------------------------------------------------------


def test_nothing_needs_a_person_where_all_goes_well(store: SqlStore) -> None:
    plan(store, message(1), message(2))

    assert store.needs(since=NOW) == {}


def test_what_needs_a_person_is_counted_by_shop(store: SqlStore) -> None:
    plan(
        store,
        replace(message(1), state=State.WAITING_APPROVAL),
        replace(message(2), state=State.AWAITING_STAFF),
        replace(message(3, due=NOW + HOUR), state=State.HELD, reason=Reason.HOLD, because="conversation: since Monday"),
        replace(message(4, due=NOW + HOUR), state=State.HELD, reason=Reason.HOLD, because="dispute: open"),
        message(5),
        message(6),
    )
    rows = claim(store)
    store.commit([commitment(row) for row in rows])
    lost, refused = rows
    store.record([result(lost, State.UNCERTAIN, Outcome.UNCERTAIN), result(refused, State.FAILED, Outcome.PERMANENT)])
    assert store.needs(since=NOW)["toys"].uncertain == 0  # nobody has decided yet: perhaps it is sent again by itself

    store.postpone(key=lost.key, resend_at=None, because="left to staff")
    assert store.needs(since=NOW) == {"toys": Needs(approvals=1, desk=1, uncertain=1, conversations=1, failed=1)}
    assert store.needs(since=NOW + MINUTE)["toys"].failed == 0


# --- what a lookout sees ------------------------------------------------------------------------------------------------


def test_what_shut_valves_hold_back_is_told_by_intake(store: SqlStore) -> None:
    intake = store.open_intake(kind="file", name="orders.jsonl", at=NOW)
    store.close_intake(intake, at=NOW)
    plan(
        store,
        *(replace(message(number), gated=True, intake=intake, buyer=f"id:{number % 2}") for number in range(4)),
        replace(message(9), state=State.WAITING_APPROVAL, because="every message waits"),
    )
    assert store.held_back() == []

    store.judge(intake, limit=3, now=NOW)

    assert store.held_back() == [HeldBack(shop="toys", intake=intake, name=f"orders.jsonl ({intake})", buyers=2)]


def test_buyers_that_a_hold_keeps_waiting_are_counted_once(store: SqlStore) -> None:
    held = replace(message(1, due=NOW + HOUR), state=State.HELD, reason=Reason.HOLD, because="source_silent erp")
    plan(
        store,
        *(replace(held, key=message(number).key, buyer=f"id:{number % 2}") for number in range(4)),
        replace(held, key=message(7).key, buyer="id:7", because="dispute d-1"),
    )

    assert store.held_buyers(shop="toys", hold="source_silent") == 2
    assert store.held_buyers(shop="books", hold="source_silent") == 0


def standing(store: SqlStore) -> int:
    return store.standing_still(since=NOW, now=NOW + HOUR)


def test_what_is_due_and_lies_there_stands_still_by_buyer(store: SqlStore) -> None:
    plan(
        store,
        *(replace(message(number, due=NOW - MINUTE), buyer=f"id:{number % 3}") for number in range(6)),
        message(7, due=NOW + MINUTE),
    )

    assert standing(store) == 3


def test_nothing_stands_still_while_anything_leaves(store: SqlStore) -> None:
    plan(store, message(1, due=NOW - HOUR), message(2, due=NOW - MINUTE))
    (row,) = claim(store, limit=1)
    store.commit([commitment(row)])
    sent = result(row, State.SENT, Outcome.ACCEPTED)

    store.record([replace(sent, message=replace(sent.message, sent_at=NOW + MINUTE))])

    assert standing(store) == 0
    assert store.standing_still(since=NOW + MINUTE, now=NOW + HOUR) == 1


def test_what_people_stopped_or_an_account_keeps_does_not_stand_still(store: SqlStore) -> None:
    plan(store, replace(message(1, due=NOW - MINUTE), queue=queue_of("main")))
    assert standing(store) == 1

    trouble = partial(failed, by="a", stage="auth", code=535, reply="535 no", now=NOW)
    store.turn_breaker("main", trouble)
    assert standing(store) == 0
    plan(store, message(2, due=NOW - MINUTE))
    assert standing(store) == 1
    store.pause("toys", at=NOW, by="ana")
    assert standing(store) == 0
    store.pause("", at=NOW, by="ana")
    assert standing(store) == 0


def test_buyers_who_wait_for_an_account_are_counted_by_account(store: SqlStore) -> None:
    def waits(number: int, transport: str, buyer: str, *, due: datetime = NOW) -> PlannedMessage:
        return replace(message(number, due=due), queue=queue_of(transport), buyer=buyer)

    plan(
        store,
        waits(1, "main", "id:1"),
        waits(2, "main", "id:1"),
        waits(3, "main", "id:2"),
        waits(4, "spare", "id:1"),
        waits(5, "spare", "id:9", due=NOW + HOUR),
        message(6),
    )

    assert store.account_buyers(now=NOW) == {"main": 2, "spare": 1}


def finished(store: SqlStore, number: int, state: State, outcome: Outcome, **more: object) -> PlannedMessage:
    plan(store, replace(message(number), buyer=f"id:{number % 2}"))
    (row,) = claim(store)
    store.commit([commitment(row)])
    ended = result(row, state, outcome)
    store.record([replace(ended, message=replace(ended.message, **more))])  # type: ignore[arg-type]  # fields of a message
    return row


def test_buyers_whose_message_was_perhaps_sent_count_once_nobody_else_decides(store: SqlStore) -> None:
    rows = [finished(store, number, State.UNCERTAIN, Outcome.UNCERTAIN) for number in range(3)]
    assert store.doubtful_buyers() == {}

    for row in rows[:2]:
        store.postpone(key=row.key, resend_at=None, because="left to staff")
    store.postpone(key=rows[2].key, resend_at=NOW + HOUR, because="again")
    assert store.doubtful_buyers() == {"toys": 2}


def test_buyers_whose_message_failed_are_counted_since_then_poison_apart(store: SqlStore) -> None:
    for number in range(3):
        finished(store, number, State.FAILED, Outcome.PERMANENT, reason=Reason.REFUSED)
    finished(store, 4, State.FAILED, Outcome.PERMANENT, reason=Reason.POISON)
    finished(store, 5, State.SENT, Outcome.ACCEPTED)

    def count(*, shop: str = "toys", since: datetime = NOW - MINUTE, poison: bool = False) -> int:
        return store.failed_buyers(shop=shop, since=since, poison=poison)

    assert (count(), count(poison=True)) == (2, 1)
    assert (count(since=NOW), count(shop="books")) == (0, 0)


def test_urgent_messages_that_were_looked_at_and_may_expire_are_at_risk(store: SqlStore) -> None:
    soon = NOW + HOUR

    def of(number: int, **more: object) -> PlannedMessage:
        usual = replace(message(number, due=soon), order=str(number), urgent=True, expires_at=NOW + 2 * HOUR)
        return replace(usual, **more)  # type: ignore[arg-type]  # fields of a message

    plan(
        store,
        of(1, token=1),
        of(2, token=0),
        of(3, token=1, urgent=False),
        of(4, token=1, expires_at=NOW + 9 * HOUR),
        of(5, state=State.HELD),
        of(6, token=1, state=State.SENT),
        of(7, token=1, expires_at=NOW),
    )

    assert [one.number for one in store.urgent_at_risk(now=NOW, until=NOW + 6 * HOUR)] == ["1", "5"]
