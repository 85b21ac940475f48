"""A clock was days ahead while workers were at work, and is put right: nothing waits for days because of that."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from messenger.domain.breakers import Breaker, Phase
from messenger.domain.messages import PlannedMessage, Reason, State
from messenger.domain.pacing import Allowance
from messenger.storage import SqlStore
from tests.storage_samples import MINUTE, NOW, claim, doubtful, message, only, plan

AHEAD = NOW + timedelta(days=2)


def wait(store: SqlStore, *, until: datetime, reason: Reason) -> PlannedMessage:
    plan(store, replace(message(), due_at=until, not_before=until, reason=reason))
    return only(store)


def put_right(store: SqlStore, *, seen: datetime = AHEAD) -> None:
    store.alive(now=seen)
    store.alive(now=NOW)


@pytest.mark.parametrize("reason", [Reason.RETRY, Reason.RATE])
def test_what_is_to_be_tried_again_is_tried_as_soon_as_it_was_to_be(reason: Reason, store: SqlStore) -> None:
    wait(store, until=AHEAD + 40 * MINUTE, reason=reason)
    put_right(store)

    assert (only(store).due_at, only(store).not_before) == (NOW + 40 * MINUTE, NOW + 40 * MINUTE)


def test_what_a_rule_put_off_stays_put_off(store: SqlStore) -> None:
    wait(store, until=AHEAD + 40 * MINUTE, reason=Reason.CAP)
    put_right(store)

    assert only(store).due_at == AHEAD + 40 * MINUTE


def test_what_a_dead_worker_held_is_freed_when_its_lease_is_over(store: SqlStore) -> None:
    plan(store, message())
    claim(store, now=AHEAD)
    put_right(store)

    assert store.rescue(now=NOW + 2 * MINUTE) == (1, 0)


def test_a_second_copy_leaves_when_it_was_to(store: SqlStore) -> None:
    row = doubtful(store)
    store.postpone(key=row.key, resend_at=AHEAD + 20 * MINUTE, because="crashed")
    put_right(store)

    assert (only(store).state, only(store).resend_at) == (State.UNCERTAIN, NOW + 20 * MINUTE)


def test_accounts_are_used_again(store: SqlStore) -> None:
    used = Allowance(name="main", free_at=AHEAD + MINUTE, slowness=1, slowed_at=AHEAD)
    shut = Breaker(
        transport="main", phase=Phase.OPEN, failures=5, since=AHEAD, probe_at=AHEAD + MINUTE, stage="connect"
    )
    store.turn_allowance("main", lambda _: (used, None))
    store.turn_breaker("main", lambda _: shut)
    put_right(store)

    assert store.allowances(now=NOW) == {"main": replace(used, free_at=NOW + MINUTE, slowed_at=NOW)}
    assert store.breakers() == {"main": replace(shut, since=NOW, probe_at=NOW + MINUTE)}


def test_a_clock_that_only_drifts_changes_nothing(store: SqlStore) -> None:
    wait(store, until=NOW + 40 * MINUTE, reason=Reason.RETRY)
    put_right(store, seen=NOW + 14 * MINUTE)

    assert only(store).due_at == NOW + 40 * MINUTE


def test_what_was_written_since_it_is_right_stays_as_it_is(store: SqlStore) -> None:
    store.alive(now=AHEAD)
    wait(store, until=NOW + 10 * MINUTE, reason=Reason.RETRY)
    store.alive(now=NOW)

    assert only(store).due_at == NOW + 10 * MINUTE
