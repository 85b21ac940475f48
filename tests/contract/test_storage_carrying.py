"""What every store promises about messages that go out together: whatever becomes of the carrier, no intent is lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import delete

from messenger.domain.messages import Outcome, PlannedMessage, Reason, State
from messenger.ports import Change
from messenger.storage import SqlStore
from messenger.storage.carrying import CARRYING
from messenger.storage.tables import bodies, outbox, record
from tests.storage_samples import (
    LETTER,
    MINUTE,
    NOW,
    ORDER,
    claim,
    commitment,
    message,
    plan,
    result,
    settlement,
    together,
)

LATER = NOW + 5 * MINUTE


def row_of(store: SqlStore, number: int) -> PlannedMessage:
    return next(row for row in store.outbox() if row.key.scope == f"8134/{number}")


def told(store: SqlStore) -> list[tuple[str, str, str, str]]:
    """The record without its times."""
    return [
        (entry.key.scope if entry.key else "", entry.what, entry.reason, entry.because)
        for entry in store.record_of(ORDER)
    ]


def merge(store: SqlStore, carrier: PlannedMessage, *members: PlannedMessage, into: State = State.CLAIMED) -> set[str]:
    """Take members along, those in hand and those that wait; returns the scopes of those that were taken."""
    kept = settlement(carrier, replace(carrier, state=into, cleared_at=NOW, channel="email"))
    rides = [replace(one, state=State.MERGED, carrier=carrier.id, because=str(carrier.key)) for one in members]
    with store.begin() as unit:
        settled = unit.settle(
            [
                kept,
                *(
                    settlement(one, ride)
                    for one, ride in zip(members, rides, strict=True)
                    if one.state is State.CLAIMED
                ),
            ]
        )
        changed = unit.change(
            [
                Change(message=ride, was=one.state)
                for one, ride in zip(members, rides, strict=True)
                if one.state is not State.CLAIMED
            ],
            at=NOW,
        )
    return {one.key.scope for one in members if one.id in settled} | {key.scope for key in changed}


def a_pair(store: SqlStore) -> PlannedMessage:
    """A carrier in hand, with one member that was due later; returns the carrier as it was claimed."""
    plan(store, message(1), message(2, due=LATER))
    (carrier,) = claim(store)
    assert merge(store, carrier, row_of(store, 2)) == {"8134/2"}
    return row_of(store, 1)


def test_a_member_waits_in_nobodys_hands_and_is_not_claimed(store: SqlStore) -> None:
    carrier = a_pair(store)

    member = row_of(store, 2)
    assert (member.state, member.carrier, member.owner, member.due_at) == (State.MERGED, carrier.id, None, LATER)
    assert claim(store, "b", now=LATER) == []
    assert store.pulse(now=LATER).due == 0


def test_what_is_in_the_same_hands_can_be_taken_along_at_once(store: SqlStore) -> None:
    plan(store, message(1), message(2))
    carrier, member = claim(store)

    assert merge(store, carrier, member) == {"8134/2"}
    assert row_of(store, 2).state is State.MERGED
    assert told(store) == [("8134/2", "merged", "", str(carrier.key))]


def test_a_member_leaves_with_its_carrier(store: SqlStore) -> None:
    carrier = a_pair(store)
    store.commit([commitment(carrier)])
    assert row_of(store, 2).sent_at is None

    store.record(
        [
            replace(
                result(carrier, State.SENT, Outcome.ACCEPTED), message=replace(carrier, state=State.SENT, sent_at=NOW)
            )
        ]
    )

    member = row_of(store, 2)
    assert (member.state, member.sent_at, member.carrier) == (State.MERGED, NOW, carrier.id)
    assert store.sent_since(NOW) == 1


LEFT_ALONE = [
    State.PLANNED,
    State.HELD,
    State.WAITING_APPROVAL,
    State.SKIPPED,
    State.CANCELLED,
    State.EXPIRED,
    State.SUPERSEDED,
]


@pytest.mark.parametrize("end", LEFT_ALONE)
def test_when_the_carrier_goes_elsewhere_its_members_wait_again(store: SqlStore, end: State) -> None:
    carrier = a_pair(store)

    assert store.settle([settlement(carrier, replace(carrier, state=end, reason=Reason.HOLD))]) == {carrier.id}

    member = row_of(store, 2)
    assert (member.state, member.carrier, member.reason, member.due_at) == (State.PLANNED, None, None, LATER)
    assert member.because == str(carrier.key)
    assert ("8134/2", "planned", "", str(carrier.key)) in told(store)


@pytest.mark.parametrize("end", LEFT_ALONE)
def test_facts_that_end_the_carrier_free_its_members(store: SqlStore, end: State) -> None:
    carrier = a_pair(store)
    with store.begin() as unit:
        unit.change([Change(message=replace(carrier, state=end), was=State.CLAIMED)], at=LATER)

    member = row_of(store, 2)
    assert (member.state, member.carrier) == (State.PLANNED, None)
    assert store.commit([commitment(carrier)]) == set()
    (freed,) = [entry for entry in store.record_of(ORDER) if entry.key == member.key]
    assert (freed.what, freed.because, freed.at) == ("planned", str(carrier.key), LATER)


def test_a_carrier_that_is_moved_while_in_hand_frees_its_members(store: SqlStore) -> None:
    carrier = a_pair(store)
    with store.begin() as unit:
        unit.change([Change(message=replace(carrier, due_at=LATER), was=State.CLAIMED)])

    assert [row.state for row in store.outbox()] == [State.PLANNED, State.PLANNED]
    assert row_of(store, 1).cleared_at is None


def test_members_fail_with_their_carrier_for_the_same_reason(store: SqlStore) -> None:
    carrier = a_pair(store)
    store.commit([commitment(carrier)])
    failed = replace(carrier, state=State.FAILED, reason=Reason.REFUSED, because="550 no such user")
    store.record([replace(result(carrier, State.FAILED, Outcome.PERMANENT), message=failed)])

    member = row_of(store, 2)
    assert (member.state, member.reason, member.because) == (State.FAILED, Reason.REFUSED, "550 no such user")
    assert member.carrier == carrier.id
    assert told(store)[-1] == ("8134/2", "failed", "refused", "550 no such user")


def test_poison_takes_its_members_with_it(store: SqlStore) -> None:
    carrier = a_pair(store)
    store.settle([settlement(carrier, replace(carrier, state=State.FAILED, reason=Reason.POISON))])

    assert (row_of(store, 2).state, row_of(store, 2).reason) == (State.FAILED, Reason.POISON)


def tried_in_vain(store: SqlStore) -> PlannedMessage:
    """A carrier whose frozen letter, which names its member, was not accepted; it waits for its next try."""
    carrier = a_pair(store)
    store.commit([commitment(carrier)])
    store.record([result(carrier, State.PLANNED, Outcome.TEMPORARY)])
    return row_of(store, 1)


def test_after_a_try_the_members_stay_because_the_frozen_letter_names_them(store: SqlStore) -> None:
    carrier = tried_in_vain(store)

    assert (carrier.state, row_of(store, 2).state) == (State.PLANNED, State.MERGED)
    (again,) = claim(store, "b")
    assert again.id == carrier.id
    assert store.commit([commitment(again, letter=None)]) == {carrier.id}


@pytest.mark.parametrize("put_back", [True, False])
def test_a_frozen_letter_keeps_its_members_through_every_wait(store: SqlStore, *, put_back: bool) -> None:
    tried_in_vain(store)
    (again,) = claim(store, "b")
    if put_back:
        store.settle([settlement(again, replace(again, state=State.PLANNED))])
    else:
        store.rescue(now=NOW + 2 * MINUTE)

    assert (row_of(store, 1).state, row_of(store, 2).state) == (State.PLANNED, State.MERGED)
    assert store.frozen(again.id) is not None


def test_when_a_frozen_letter_is_given_up_it_is_forgotten_and_its_members_wait(store: SqlStore) -> None:
    """It names members that now go their own way: were the carrier to come back, they would be told twice."""
    carrier = tried_in_vain(store)
    (again,) = claim(store, "b")
    store.settle([settlement(again, replace(again, state=State.HELD, reason=Reason.HOLD))])

    assert row_of(store, 2).state is State.PLANNED
    assert store.frozen(carrier.id) is None


def test_a_frozen_letter_without_members_is_kept(store: SqlStore) -> None:
    plan(store, message(1))
    (row,) = claim(store)
    store.commit([commitment(row)])
    store.record([result(row, State.PLANNED, Outcome.TEMPORARY)])
    (again,) = claim(store)
    store.settle([settlement(again, replace(again, state=State.HELD))])

    assert store.frozen(row.id) is not None


def test_a_dead_worker_frees_what_its_messages_had_taken_along(store: SqlStore) -> None:
    carrier = a_pair(store)
    assert store.rescue(now=NOW + 2 * MINUTE) == (1, 0)

    assert [row.state for row in store.outbox()] == [State.PLANNED, State.PLANNED]
    assert told(store)[-1] == ("8134/2", "planned", "", str(carrier.key))


def test_a_worker_that_died_sending_may_have_sent_the_members_too(store: SqlStore) -> None:
    carrier = a_pair(store)
    store.commit([commitment(carrier)])
    store.rescue(now=NOW + 2 * MINUTE)

    assert (row_of(store, 1).state, row_of(store, 2).state) == (State.UNCERTAIN, State.MERGED)


def test_members_wait_with_their_carrier_on_the_desk(store: SqlStore) -> None:
    plan(store, message(1), message(2, due=LATER))
    (carrier,) = claim(store)

    assert merge(store, carrier, row_of(store, 2), into=State.AWAITING_STAFF) == {"8134/2"}
    assert row_of(store, 2).state is State.MERGED
    desk = row_of(store, 1)
    with store.begin() as unit:
        unit.change(
            [Change(message=replace(desk, state=State.SENT, sent_at=LATER), was=State.AWAITING_STAFF)], at=LATER
        )
    assert (row_of(store, 2).state, row_of(store, 2).sent_at) == (State.MERGED, LATER)


def test_nobody_is_merged_into_a_message_whose_claim_was_lost(store: SqlStore) -> None:
    plan(store, message(1), message(2), message(3, due=LATER))
    carrier, member = claim(store)
    with store.begin() as unit:
        unit.change([Change(message=replace(carrier, state=State.CANCELLED), was=State.CLAIMED)])

    assert merge(store, carrier, member, row_of(store, 3)) == set()
    assert [row_of(store, number).state for number in (2, 3)] == [State.PLANNED, State.PLANNED]
    assert row_of(store, 2).owner is None


def test_nobody_is_merged_into_a_message_that_another_worker_has_in_hand(store: SqlStore) -> None:
    plan(store, message(1), message(2, due=LATER))
    (slow,) = claim(store, "slow")
    store.rescue(now=NOW + 2 * MINUTE)
    claim(store, "b", now=NOW + 2 * MINUTE)

    assert merge(store, slow, row_of(store, 2)) == set()
    assert row_of(store, 2).state is State.PLANNED


def test_nobody_is_merged_into_a_frozen_letter(store: SqlStore) -> None:
    tried_in_vain(store)
    plan(store, message(3), message(4, due=LATER))
    again, in_hand = claim(store)

    assert merge(store, again, in_hand, row_of(store, 4)) == set()
    assert [row_of(store, number).state for number in (3, 4)] == [State.PLANNED, State.PLANNED]


def test_a_member_is_changed_by_its_carriers_fate_and_by_nothing_else(store: SqlStore) -> None:
    carrier = a_pair(store)
    member = row_of(store, 2)
    with store.begin() as unit:
        assert unit.change([Change(message=replace(member, state=State.PLANNED), was=State.MERGED)]) == []

    assert row_of(store, 2).carrier == carrier.id


def test_a_carrier_that_is_carried_itself_frees_its_members(store: SqlStore) -> None:
    plan(store, message(1), message(2), message(3, due=LATER))
    first, second = claim(store)
    merge(store, second, row_of(store, 3))

    assert merge(store, first, row_of(store, 2)) == {"8134/2"}
    assert [row_of(store, number).state for number in (2, 3)] == [State.MERGED, State.PLANNED]


def test_a_carrier_that_finds_no_place_with_another_frees_its_members_too(store: SqlStore) -> None:
    plan(store, message(1), message(2), message(3, due=LATER))
    lost, second = claim(store)
    merge(store, second, row_of(store, 3))
    with store.begin() as unit:
        unit.change([Change(message=replace(lost, state=State.CANCELLED), was=State.CLAIMED)])

    assert merge(store, lost, row_of(store, 2)) == set()
    assert [row_of(store, number).state for number in (2, 3)] == [State.PLANNED, State.PLANNED]


def failed_pair(store: SqlStore) -> tuple[PlannedMessage, PlannedMessage]:
    carrier = a_pair(store)
    store.commit([commitment(carrier)])
    store.record([result(carrier, State.FAILED, Outcome.PERMANENT)])
    return row_of(store, 1), row_of(store, 2)


def retry(store: SqlStore, row: PlannedMessage) -> None:
    with store.begin() as unit:
        unit.change([Change(message=replace(row, state=State.PLANNED), was=State.FAILED)], at=LATER)


def test_a_failed_carrier_that_tries_again_takes_its_members_along_again(store: SqlStore) -> None:
    carrier, _ = failed_pair(store)
    retry(store, carrier)

    assert (row_of(store, 1).state, row_of(store, 2).state) == (State.PLANNED, State.MERGED)
    assert told(store)[-1] == ("8134/2", "merged", "", str(carrier.key))


def test_a_failed_carrier_that_never_froze_lets_its_members_go_when_it_tries_again(store: SqlStore) -> None:
    carrier = a_pair(store)
    store.settle([settlement(carrier, replace(carrier, state=State.FAILED, reason=Reason.POISON))])
    retry(store, row_of(store, 1))

    assert [(row.state, row.carrier) for row in store.outbox()] == [(State.PLANNED, None)] * 2


def test_a_failed_member_that_goes_alone_is_no_longer_named(store: SqlStore) -> None:
    carrier, member = failed_pair(store)
    retry(store, member)
    retry(store, carrier)

    assert [(row.state, row.carrier) for row in store.outbox()] == [(State.PLANNED, None)] * 2
    assert store.frozen(carrier.id) is None


def test_only_what_is_carried_names_a_carrier(store: SqlStore) -> None:
    plan(store, replace(message(1), carrier=7))

    assert row_of(store, 1).carrier is None


def test_a_message_cancelled_while_it_takes_another_along_loses_nothing(store: SqlStore) -> None:
    """The race of every worker with intake: whoever comes second sees what the first has done."""
    plan(store, *(message(number) for number in range(20)), *(message(100 + number, due=LATER) for number in range(20)))
    carriers = sorted(claim(store), key=lambda row: row.id)
    members = [row_of(store, 100 + number) for number in range(20)]

    def take_along() -> None:
        for carrier, member in zip(carriers, members, strict=True):
            merge(store, carrier, member)

    def cancel() -> None:
        for carrier in carriers:
            with store.begin() as unit:
                unit.lock(ORDER)
                unit.change([Change(message=replace(carrier, state=State.CANCELLED), was=State.CLAIMED)], at=NOW)

    together(take_along, cancel)

    rows = {row.key.scope: row for row in store.outbox()}
    for number in range(20):
        assert rows[f"8134/{number}"].state is State.CANCELLED
        assert rows[f"8134/{100 + number}"].state is State.PLANNED


# --- the law -----------------------------------------------------------------------------------------------------------


@dataclass
class Hand:
    """A message as one worker took it, and whom it believes to ride with it. The worker may be wrong: others act too."""

    row: PlannedMessage
    riders: set[str] = field(default_factory=set)


MESSAGES = 5
ENDS = [*LEFT_ALONE, State.AWAITING_STAFF, State.FAILED]
BY_STAFF = {
    State.FAILED: [State.PLANNED, State.SENT],
    State.UNCERTAIN: [State.PLANNED, State.SENT, State.FAILED],
    State.AWAITING_STAFF: [State.SENT, State.PLANNED, State.CANCELLED, State.FAILED],
    State.WAITING_APPROVAL: [State.PLANNED, State.CANCELLED],
    State.CANCELLED: [State.PLANNED],
    State.SKIPPED: [State.PLANNED],
}


class Carrying(RuleBasedStateMachine):
    """Workers, intake and staff do whatever they may, in any order, also with knowledge that is long out of date."""

    store: SqlStore

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.hands: list[Hand] = []

    @initialize()
    def begin(self) -> None:
        with self.store._database.write() as connection:
            for table in (outbox, bodies, record):
                connection.execute(delete(table))
        plan(self.store, *(replace(message(number), expires_at=NOW.replace(year=2030)) for number in range(MESSAGES)))

    def rows(self) -> dict[str, PlannedMessage]:
        return {row.key.scope: row for row in self.store.outbox()}

    @rule(owner=st.sampled_from("ab"), limit=st.integers(1, 3))
    def claims(self, owner: str, limit: int) -> None:
        self.hands += [Hand(row) for row in claim(self.store, owner, now=self.now, limit=limit)]

    @precondition(lambda self: self.hands)
    @rule(data=st.data(), into=st.sampled_from([State.CLAIMED, State.CLAIMED, State.AWAITING_STAFF]))
    def takes_along(self, data: st.DataObject, into: State) -> None:
        hand = data.draw(st.sampled_from(self.hands))
        rows = self.rows()
        waiting = [row for row in rows.values() if row.state in {State.PLANNED, State.HELD} and row.id != hand.row.id]
        mine = [one.row for one in self.hands if one.row.owner == hand.row.owner and one.row.id != hand.row.id]
        some: Sequence[PlannedMessage] = (
            data.draw(st.lists(st.sampled_from(waiting + mine), max_size=3, unique_by=lambda row: row.id))
            if waiting + mine
            else ()
        )
        hand.riders |= merge(self.store, hand.row, *some, into=into)

    @precondition(lambda self: self.hands)
    @rule(data=st.data())
    def commits(self, data: st.DataObject) -> None:
        hand = data.draw(st.sampled_from(self.hands))
        kept = self.store.frozen(hand.row.id)
        letter = None if kept else replace(LETTER, text=" ".join(sorted(hand.riders)))
        self.store.commit([commitment(hand.row, letter=letter)])

    @precondition(lambda self: self.hands)
    @rule(
        data=st.data(), end=st.sampled_from([State.SENT, State.PLANNED, State.FAILED, State.UNCERTAIN, State.EXPIRED])
    )
    def records(self, data: st.DataObject, end: State) -> None:
        hand = data.draw(st.sampled_from(self.hands))
        outcome = {State.SENT: Outcome.ACCEPTED, State.FAILED: Outcome.PERMANENT}.get(end, Outcome.TEMPORARY)
        ended = replace(hand.row, state=end, sent_at=self.now if end is State.SENT else None, reply="said")
        self.store.record([replace(result(hand.row, end, outcome), message=ended)])

    @precondition(lambda self: self.hands)
    @rule(data=st.data(), end=st.sampled_from(ENDS))
    def settles(self, data: st.DataObject, end: State) -> None:
        hand = data.draw(st.sampled_from(self.hands))
        if hand.row.state is not State.UNCERTAIN:
            self.store.settle([settlement(hand.row, replace(hand.row, state=end))])

    @rule(number=st.integers(0, MESSAGES - 1), end=st.sampled_from(LEFT_ALONE))
    def facts_change(self, number: int, end: State) -> None:
        row = self.rows()[f"8134/{number}"]
        if row.state.is_waiting:
            self.change(row, end)

    @rule(number=st.integers(0, MESSAGES - 1), data=st.data())
    def staff_decide(self, number: int, data: st.DataObject) -> None:
        row = self.rows()[f"8134/{number}"]
        if row.state in BY_STAFF and (row.state is not State.UNCERTAIN or row.owner is None):
            self.change(row, data.draw(st.sampled_from(BY_STAFF[row.state])))

    def change(self, row: PlannedMessage, end: State) -> None:
        with self.store.begin() as unit:
            unit.change(
                [
                    Change(
                        message=replace(row, state=end, sent_at=self.now if end is State.SENT else None), was=row.state
                    )
                ],
                at=self.now,
            )

    @rule()
    def workers_die(self) -> None:
        self.now += 2 * MINUTE
        self.store.rescue(now=self.now)
        for row in self.store.unresolved():
            self.store.postpone(key=row.key, resend_at=self.now, because="crashed")

    @invariant()
    def nobody_is_lost(self) -> None:
        rows = self.rows()
        if not rows:
            return
        assert len(rows) == MESSAGES
        by_id = {row.id: row for row in rows.values()}
        for row in rows.values():
            carrier = by_id[row.carrier] if row.carrier is not None else None
            if row.state is State.MERGED:
                assert carrier is not None
                on_its_way = carrier.state in CARRYING
                tries_again = carrier.state is State.PLANNED and self.store.frozen(carrier.id) is not None
                assert on_its_way or tries_again, (
                    f"{row.key} was left behind by {carrier.key}, which is {carrier.state}"
                )
                assert row.owner is None
                assert (row.sent_at is not None) == (carrier.state is State.SENT)
            elif carrier is not None:
                assert (row.state, carrier.state) == (State.FAILED, State.FAILED)

    @invariant()
    def a_letter_names_exactly_those_it_carries(self) -> None:
        rows = self.rows()
        for row in rows.values():
            kept = self.store.frozen(row.id)
            if kept is not None and kept.letter is not None:
                riders = {one.key.scope for one in rows.values() if one.carrier == row.id}
                assert set(kept.letter.text.split()) == riders, f"{row.key} is {row.state}"


def test_no_sequence_of_moves_loses_a_member(store: SqlStore, engine_name: str) -> None:
    class Tried(Carrying):
        pass

    Tried.store = store
    examples = 80 if engine_name == "sqlite" else 25
    run_state_machine_as_test(
        Tried,
        settings=settings(
            max_examples=examples,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )
