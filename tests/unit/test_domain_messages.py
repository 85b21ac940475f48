"""The table of a message's states, and what makes a message unique."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messenger.domain.messages import COMMITTED, MOVES, REVIVABLE, WAITING, Category, Key, Outcome, Reason, State

OPEN = {State.SENDING, State.UNCERTAIN}
HANDED_OVER = {State.SENT, State.BOUNCED, State.COMPLAINED}


def reachable(start: State) -> set[State]:
    found: set[State] = set()
    ahead = {start}
    while ahead:
        found |= ahead
        ahead = {after for state in ahead for after in MOVES[state]} - found
    return found


@pytest.mark.parametrize("state", State)
def test_every_state_has_an_entry(state: State) -> None:
    assert MOVES[state] <= set(State)


def test_every_state_can_be_reached_from_the_first() -> None:
    assert reachable(State.PLANNED) == set(State)


@pytest.mark.parametrize("state", State)
def test_a_state_is_waiting_or_committed_but_never_both(state: State) -> None:
    assert not (state.is_waiting and state.is_committed)
    assert state.is_waiting == (state in WAITING)
    assert state.is_committed == (state in COMMITTED)


def test_waiting_committed_and_revivable_are_disjoint() -> None:
    assert not WAITING & COMMITTED
    assert not REVIVABLE & (WAITING | COMMITTED)


@pytest.mark.parametrize("state", [State.COMPLAINED, State.SUPERSEDED])
def test_a_terminal_state_is_never_left(state: State) -> None:
    assert MOVES[state] == frozenset()


@pytest.mark.parametrize("state", sorted(HANDED_OVER))
def test_what_was_handed_over_never_waits_again(state: State) -> None:
    assert reachable(state) <= HANDED_OVER


@pytest.mark.parametrize("state", sorted(REVIVABLE))
def test_what_ended_without_a_trace_may_wait_again(state: State) -> None:
    assert State.PLANNED in MOVES[state]
    assert not MOVES[state] & (OPEN | HANDED_OVER)


@pytest.mark.parametrize("state", sorted(set(State) - {State.CLAIMED, State.UNCERTAIN}))
def test_sending_starts_from_a_claim_or_an_uncertain_try(state: State) -> None:
    assert State.SENDING not in MOVES[state]


@pytest.mark.parametrize("state", sorted(OPEN))
def test_facts_do_not_end_what_is_in_the_open(state: State) -> None:
    assert not MOVES[state] & {State.CANCELLED, State.SKIPPED, State.EXPIRED, State.SUPERSEDED, State.HELD}


@pytest.mark.parametrize("state", sorted(WAITING))
def test_facts_can_end_whatever_waits(state: State) -> None:
    assert {State.CANCELLED, State.SKIPPED, State.EXPIRED, State.SUPERSEDED} <= MOVES[state]


def test_a_dead_worker_leads_back_or_into_doubt() -> None:
    assert State.PLANNED in MOVES[State.CLAIMED]
    assert State.UNCERTAIN in MOVES[State.SENDING]
    assert State.UNCERTAIN not in MOVES[State.CLAIMED]


@pytest.mark.parametrize("words", [State, Reason, Outcome, Category])
def test_the_stored_text_is_the_name_in_small_letters(words: type[State | Reason | Outcome | Category]) -> None:
    assert [word.value for word in words] == [word.name.lower() for word in words]


def test_the_words_are_those_of_the_design() -> None:
    assert " ".join(State) == (
        "planned held waiting_approval awaiting_staff claimed sending uncertain sent bounced complained failed "
        "cancelled superseded merged expired skipped"
    )


keys = st.builds(
    Key, shop=st.text("abc-", min_size=1), rule=st.text("abc-", min_size=1), scope=st.text("01/#", min_size=1), step=st.integers(1, 5)
)  # fmt: skip


@given(keys, keys)
def test_two_messages_never_share_the_text_of_a_key(one: Key, other: Key) -> None:
    assert (str(one) == str(other)) == (one == other)


def test_a_key_reads_from_the_shop_to_the_step() -> None:
    assert str(Key("toys", "shipped", "8134/RR1CN", 2)) == "toys/shipped/8134/RR1CN/2"
