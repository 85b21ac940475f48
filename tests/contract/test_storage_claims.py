"""What every store promises about claims: one holder at a time, and no third copy of anything."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import create_engine, func, select
from sqlalchemy.exc import IntegrityError

from messenger.domain.messages import Outcome, PlannedMessage, Reason, State
from messenger.domain.retry import SUSPECT
from messenger.ports import Change
from messenger.storage import SqlStore
from messenger.storage.tables import attempts
from tests.storage_samples import (
    MINUTE,
    NOW,
    ORDER,
    claim,
    commitment,
    doubtful,
    message,
    only,
    plan,
    result,
    settlement,
    together,
)


def attempts_of(url: str) -> list[tuple[str, bool]]:
    engine = create_engine(url)
    with engine.connect() as connection:
        found = connection.execute(select(attempts.c.outcome, attempts.c.in_time).order_by(attempts.c.id)).all()
    engine.dispose()
    return [(outcome, in_time) for outcome, in_time in found]


def postponed(store: SqlStore) -> PlannedMessage:
    """A doubtful message that is to be sent once more, claimed for that by ``b``."""
    row = doubtful(store)
    store.postpone(key=row.key, resend_at=NOW + 5 * MINUTE, because="crashed")
    (again,) = claim(store, "b", now=NOW + 6 * MINUTE)
    return again


def test_a_message_keeps_every_field(store: SqlStore) -> None:
    told = replace(
        message(), shipment="RR1", because="erp#e1", not_before=NOW + MINUTE, priority=5, channel="email", transport="main",
        locale="pt-BR", variant="shop", message_id="m", sent_at=NOW, resend_at=NOW, reply="250 ok", reason=Reason.RETRY,
        buyer="id:b1", urgent=True, gated=True, intake=7, cleared_at=NOW, approved_by="ana", released_at=NOW + MINUTE,
    )  # fmt: skip
    plan(store, told)

    assert only(store) == replace(told, id=only(store).id)


def test_no_claim_is_larger_than_its_limit(store: SqlStore) -> None:
    again = doubtful(store)
    store.postpone(key=again.key, resend_at=NOW, because="crashed")
    plan(store, *(message(number) for number in range(2, 12)))

    rows = claim(store, "b", now=NOW + 3 * MINUTE, limit=4)

    assert len(rows) == 4
    assert [row.state for row in rows].count(State.UNCERTAIN) == 1
    assert claim(store, "c", now=NOW + 3 * MINUTE, limit=0) == []


def test_a_message_under_suspicion_is_claimed_alone_and_last(store: SqlStore) -> None:
    """Three claims without a result: perhaps its workers died of it, so no other message may be blamed."""
    plan(store, *(replace(message(number), attempts=SUSPECT) for number in range(2)), message(2))
    tried = replace(message(3), attempts=SUSPECT, reply="451 later")
    plan(store, tried)

    first, with_hands_full, second, third = claim(store), claim(store), claim(store, "b"), claim(store, "c")

    assert [row.key.scope for row in first] == ["8134/2", "8134/3"]
    assert with_hands_full == []
    assert [row.key.scope for row in second] == ["8134/0"]
    assert [row.key.scope for row in third] == ["8134/1"]
    plan(store, message(4))
    assert claim(store, "b") == [], "nothing joins a message under suspicion"
    assert [row.key.scope for row in claim(store)] == ["8134/4"]


def test_a_second_copy_is_claimed_once(store: SqlStore) -> None:
    again = postponed(store)

    assert (again.state, again.owner, again.token, again.attempts) == (State.UNCERTAIN, "b", 2, 2)
    assert claim(store, "c", now=NOW + 6 * MINUTE) == []


def test_held_messages_are_looked_at_when_they_are_due_and_what_has_ended_is_not(store: SqlStore) -> None:
    plan(store, *(replace(message(number), state=state) for number, state in enumerate(State)))

    assert {row.key.scope for row in claim(store)} == {"8134/0", "8134/1"}


@pytest.mark.parametrize("state", [State.WAITING_APPROVAL, State.AWAITING_STAFF])
def test_what_waits_for_a_person_is_looked_at_when_it_expires_and_not_before(store: SqlStore, state: State) -> None:
    """Also when somebody wrote an earlier time: nobody's approval can be taken for given."""
    expires = message().expires_at
    plan(store, replace(message(1), state=state), replace(message(2), state=state, due_at=expires))
    before, at_last = expires - MINUTE, expires
    assert (claim(store, now=before), store.pulse(now=before).due) == ([], 0)

    assert store.pulse(now=at_last).due == 2
    assert [row.key.scope for row in claim(store, now=at_last)] == ["8134/1", "8134/2"]


def test_urgent_messages_are_claimed_before_all_others(store: SqlStore) -> None:
    old = [message(number, due=NOW - number * MINUTE) for number in range(1, 5)]
    late, later = (replace(message(10 + number, due=NOW - number * MINUTE), urgent=True) for number in (1, 0))
    plan(store, *old, late, later, replace(message(20, due=NOW + MINUTE), urgent=True))

    assert [row.key.scope for row in claim(store, limit=3)] == ["8134/11", "8134/10", "8134/4"]
    assert [row.key.scope for row in claim(store)] == ["8134/3", "8134/2", "8134/1"]


def test_an_urgent_message_under_suspicion_waits_for_all_others_too(store: SqlStore) -> None:
    plan(store, replace(message(1), urgent=True, attempts=SUSPECT), message(2))

    assert [row.key.scope for row in claim(store)] == ["8134/2"]
    assert [row.key.scope for row in claim(store, "b")] == ["8134/1"]


def test_gated_messages_are_neither_claimed_nor_due(store: SqlStore) -> None:
    plan(store, replace(message(1), gated=True, intake=1), replace(message(2), gated=True, urgent=True), message(3))

    pulse = store.pulse(now=NOW)
    assert (pulse.due, pulse.next_due) == (1, NOW)
    assert [row.key.scope for row in claim(store)] == ["8134/3"]
    assert store.pulse(now=NOW).next_due is None


@pytest.mark.parametrize("state", [State.PLANNED, State.HELD, State.SKIPPED, State.EXPIRED, State.FAILED])
def test_a_claim_that_ends_without_sending_is_free_and_recorded(store: SqlStore, state: State) -> None:
    plan(store, message())
    (row,) = claim(store)

    assert store.settle([settlement(row, replace(row, state=state, because="why"))]) == {row.id}
    after = only(store)
    assert (after.state, after.owner, after.lease_until, after.because) == (state, None, None, "why")
    assert (after.key, after.order, after.token) == (row.key, "8134", row.token)
    assert [(entry.what, entry.because) for entry in store.record_of(ORDER)] == [(state, "why")]
    assert store.settle([settlement(row, row)]) == set()


def test_a_claim_that_is_settled_as_claimed_stays_with_its_owner(store: SqlStore) -> None:
    plan(store, message())
    (row,) = claim(store)
    assert store.settle([settlement(row, replace(row, because="rendered"))]) == {row.id}

    assert only(store) == replace(row, because="rendered")
    assert store.record_of(ORDER) == []


@pytest.mark.parametrize("words", ['O\'Brien "Ана" \\ 日本 😀', "a\nb\tc\u2028", "null", "$[0] %s :x {}", ""])
def test_words_are_written_back_as_they_are(store: SqlStore, words: str) -> None:
    plan(store, message())
    (row,) = claim(store)
    store.commit([commitment(row)])
    told = replace(row, state=State.PLANNED, because=words, reply=words, variant=words)
    store.record([replace(result(row, State.PLANNED, Outcome.TEMPORARY), message=told)])

    after = only(store)
    assert (after.because, after.reply, after.variant) == (words, words, words)
    assert store.record_of(ORDER)[0].because == words


def test_a_try_changes_nothing_but_what_came_of_it(store: SqlStore) -> None:
    moment = replace(message(), approved_by="ana", released_at=NOW, intake=3, priority=4, buyer="id:b1", urgent=True)
    plan(store, moment)
    (row,) = claim(store)
    store.commit([commitment(row)])
    wrong = replace(
        row, approved_by="", released_at=None, intake=9, priority=0, buyer="id:b2", urgent=False, gated=True
    )
    store.record(
        [replace(result(row, State.SENT, Outcome.ACCEPTED), message=replace(wrong, state=State.SENT, sent_at=NOW))]
    )

    after = only(store)
    assert after == replace(
        moment, id=row.id, state=State.SENT, sent_at=NOW, attempts=1, token=1, message_id=row.message_id, reply=None
    )


def test_a_rescued_message_keeps_the_reason_it_waited_for(store: SqlStore) -> None:
    plan(store, replace(message(), state=State.HELD, reason=Reason.HOLD, because="dispute d1"))
    claim(store)
    store.rescue(now=NOW + MINUTE)

    after = only(store)
    assert (after.state, after.reason, after.because) == (State.PLANNED, Reason.HOLD, "dispute d1")


def test_a_batch_tells_which_of_its_claims_were_still_valid(store: SqlStore) -> None:
    plan(store, *(message(number) for number in range(3)))
    first, second, third = claim(store)
    with store.begin() as unit:
        unit.change([Change(message=replace(second, state=State.CANCELLED), was=State.CLAIMED)])

    assert store.commit([commitment(third), commitment(second), commitment(first)]) == {first.id, third.id}
    sent = [result(row, State.SENT, Outcome.ACCEPTED) for row in (third, second, first)]
    assert store.record(sent) == {first.id, third.id}
    assert store.frozen(second.id) is None
    assert store.settle([]) == store.commit([]) == store.record([]) == set()


def test_a_moved_claim_waits_again_and_its_worker_has_lost_it(store: SqlStore) -> None:
    plan(store, message())
    (row,) = claim(store)
    moved = replace(row, due_at=NOW + timedelta(hours=1))
    with store.begin() as unit:
        unit.change([Change(message=moved, was=State.CLAIMED)])

    after = only(store)
    assert (after.state, after.owner, after.due_at) == (State.PLANNED, None, moved.due_at)
    assert store.commit([commitment(row)]) == set()


def test_a_worker_that_was_taken_for_dead_can_neither_commit_nor_settle(store: SqlStore) -> None:
    plan(store, message())
    (row,) = claim(store)
    assert store.rescue(now=NOW + MINUTE) == (1, 0)
    claim(store, now=NOW + MINUTE)  # the same owner, another token

    assert store.commit([commitment(row)]) == set()
    assert store.settle([settlement(row, replace(row, state=State.SKIPPED))]) == set()


def test_a_claim_to_send_again_outlives_its_worker(store: SqlStore) -> None:
    again = postponed(store)
    assert store.rescue(now=NOW + 8 * MINUTE) == (0, 0)

    after = only(store)
    assert (after.state, after.owner, after.resend_at) == (State.UNCERTAIN, None, again.resend_at)
    assert [row.id for row in claim(store, "c", now=NOW + 8 * MINUTE)] == [again.id]


def test_nothing_is_sent_a_third_time(store: SqlStore) -> None:
    again = postponed(store)
    assert store.commit([commitment(again, letter=None)]) == {again.id}
    store.rescue(now=NOW + 9 * MINUTE)

    assert (only(store).state, only(store).resent, only(store).resend_at) == (State.UNCERTAIN, True, None)
    assert store.unresolved() == []
    assert claim(store, "c", now=NOW + timedelta(days=1)) == []


def test_that_a_message_was_sent_again_is_never_forgotten(store: SqlStore) -> None:
    again = postponed(store)
    store.commit([commitment(again, letter=None)])
    store.record([result(again, State.PLANNED, Outcome.TEMPORARY)])

    assert only(store).resent


def test_a_doubtful_message_left_to_staff_is_left_alone(store: SqlStore) -> None:
    row = doubtful(store)
    assert [one.id for one in store.unresolved()] == [row.id]
    store.postpone(key=row.key, resend_at=None, because="left to staff")

    assert store.unresolved() == []
    assert store.pulse(now=NOW + timedelta(days=1)).due == 0


@pytest.mark.parametrize(("outcome", "state"), [(Outcome.TEMPORARY, State.PLANNED), (Outcome.PERMANENT, State.FAILED),
                                                (Outcome.ACCOUNT, State.PLANNED)])  # fmt: skip
def test_a_no_before_the_commit_point_frees_the_message(store: SqlStore, outcome: Outcome, state: State) -> None:
    plan(store, message())
    (row,) = claim(store, "a")

    applied = store.record([result(row, outcome=outcome, state=state)])

    assert applied == {row.id}
    assert (only(store).state, only(store).owner) == (state, None)


def test_a_second_copy_that_found_no_server_waits_for_another_chance(store: SqlStore) -> None:
    again = postponed(store)

    later = replace(again, resend_at=NOW + 20 * MINUTE)
    applied = store.record([replace(result(again, outcome=Outcome.ACCOUNT, state=State.UNCERTAIN), message=later)])

    assert applied == {again.id}
    assert (only(store).state, only(store).owner, only(store).resend_at) == (State.UNCERTAIN, None, NOW + 20 * MINUTE)
    assert not only(store).resent


def test_a_late_yes_keeps_the_second_copy_from_leaving(store: SqlStore, migrated_url: str) -> None:
    row = doubtful(store)
    store.postpone(key=row.key, resend_at=NOW + 5 * MINUTE, because="crashed")
    (again,) = claim(store, "b", now=NOW + 6 * MINUTE)
    store.record([result(row, State.SENT, Outcome.ACCEPTED)])

    assert only(store).state is State.SENT
    assert store.commit([commitment(again, letter=None)]) == set()
    assert attempts_of(migrated_url) == [("accepted", False)]


@pytest.mark.parametrize("outcome", [Outcome.TEMPORARY, Outcome.PERMANENT, Outcome.UNCERTAIN, Outcome.ACCOUNT])
def test_any_other_late_word_is_kept_and_changes_nothing(store: SqlStore, migrated_url: str, outcome: Outcome) -> None:
    row = doubtful(store)
    before = only(store)

    assert store.record([result(row, State.PLANNED, outcome)]) == set()
    assert only(store) == before
    assert attempts_of(migrated_url) == [(outcome, False)]


def test_each_try_leaves_an_attempt(store: SqlStore, migrated_url: str) -> None:
    plan(store, message())
    for state, outcome in ((State.PLANNED, Outcome.TEMPORARY), (State.SENT, Outcome.ACCEPTED)):
        (row,) = claim(store)
        store.commit([commitment(row)])
        store.record([result(row, state, outcome)])

    assert attempts_of(migrated_url) == [("temporary", True), ("accepted", True)]
    assert (only(store).attempts, only(store).token) == (2, 2)


def test_a_later_try_keeps_what_the_first_froze(store: SqlStore) -> None:
    plan(store, message())
    (row,) = claim(store)
    assert store.frozen(row.id) is None
    store.commit([commitment(row)])
    store.record([result(row, State.PLANNED, Outcome.TEMPORARY)])
    (row,) = claim(store)
    store.commit([replace(commitment(row, letter=None), digest="other")])

    frozen = store.frozen(row.id)
    assert frozen is not None
    assert frozen.digest == "d"


def test_a_heartbeat_extends_only_its_owners_claims(store: SqlStore) -> None:
    plan(store, message(1), message(2))
    claim(store, "a", limit=1)
    claim(store, "b", limit=1)

    assert store.heartbeat(owner="a", lease_until=NOW + 9 * MINUTE) == 1
    assert store.rescue(now=NOW + 2 * MINUTE) == (1, 0)
    assert store.heartbeat(owner="nobody", lease_until=NOW) == 0


def test_the_pulse_counts_second_copies(store: SqlStore) -> None:
    row = doubtful(store)
    store.postpone(key=row.key, resend_at=NOW + 5 * MINUTE, because="crashed")

    early, late = store.pulse(now=NOW + 3 * MINUTE), store.pulse(now=NOW + 5 * MINUTE)
    assert (early.due, early.next_resend) == (0, NOW + 5 * MINUTE)
    assert late.due == 1


def test_the_outbox_is_told_by_state_and_shop(store: SqlStore) -> None:
    sent = replace(message(2), state=State.SENT)
    plan(store, message(1), sent, replace(message(3), key=replace(message(3).key, shop="books")))

    assert [row.key for row in store.outbox(states=[State.SENT, State.FAILED])] == [sent.key]
    assert [row.key.shop for row in store.outbox(shop="books")] == ["books"]


def test_workers_that_write_back_crosswise_all_succeed(store: SqlStore) -> None:
    plan(store, *(message(number) for number in range(40)))
    rows = claim(store)
    parts = [rows[::2], rows[1::2][::-1], rows[::-1]]
    done: list[int] = []

    together(*(lambda part=part: done.extend(store.commit([commitment(row) for row in part])) for part in parts))

    assert sorted(done) == sorted(row.id for row in rows)


def test_a_state_that_does_not_exist_is_refused(store: SqlStore, migrated_url: str) -> None:
    plan(store, message())
    engine = create_engine(migrated_url)
    with engine.connect() as connection, pytest.raises(IntegrityError):
        connection.exec_driver_sql("UPDATE outbox SET state = 'nonsense'")
    with engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(attempts)).scalar() == 0
    engine.dispose()
