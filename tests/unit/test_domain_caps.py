"""Caps slide: at no instant do more messages lie behind it, within the span, than may."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messenger.domain.caps import capped_until, counts_from, opens_at
from messenger.domain.messages import Category, Key, PlannedMessage, State
from messenger.domain.rules import Cap, Caps, OnEvent, Rule
from tests.builders import utc

NOW = utc("2026-03-10T12:00")
DAY = timedelta(days=1)
TWO_A_WEEK = Cap(count=2, span=7 * DAY)


def sent(number: int, at: datetime, *, order: str = "8134", state: State = State.SENT) -> PlannedMessage:
    return PlannedMessage(
        key=Key("toys", "shipped", f"{order}/{number}", 1), order=order, template="shipped", category=Category.TRANSACTIONAL,
        trigger="e", trigger_at=at, shipment=None, wanted_at=at, due_at=at, expires_at=at + DAY, stale_at=at + DAY, state=state,
        sent_at=at if state is State.SENT else None,
    )  # fmt: skip


def rule(*, per_order: Cap | None = None, per_buyer: Cap | None = None) -> Rule:
    caps = Caps(per_order=per_order, per_buyer=per_buyer)
    return Rule(name="shipped", template="shipped", trigger=OnEvent(types=("order.shipped",)), caps=caps)


def test_below_the_cap_a_message_may_go() -> None:
    assert opens_at(TWO_A_WEEK, [NOW - DAY], NOW) is None


def test_at_the_cap_it_waits_until_the_oldest_that_counts_is_a_span_ago() -> None:
    assert opens_at(TWO_A_WEEK, [NOW - DAY, NOW - 3 * DAY], NOW) == NOW + 4 * DAY
    assert opens_at(TWO_A_WEEK, [NOW - DAY, NOW - 3 * DAY, NOW - 2 * DAY], NOW) == NOW + 5 * DAY


def test_what_lies_exactly_one_span_back_no_longer_counts() -> None:
    assert opens_at(TWO_A_WEEK, [NOW - DAY, NOW - 7 * DAY], NOW) is None
    assert opens_at(TWO_A_WEEK, [NOW - DAY, NOW - 7 * DAY + timedelta(seconds=1)], NOW) is not None


@given(
    st.lists(st.integers(0, 2000), max_size=30),
    st.integers(1, 5),
    st.integers(1, 500),
)
def test_no_sliding_span_ever_holds_more_than_the_cap(wishes: list[int], count: int, hours: int) -> None:
    """Messages that each leave as soon as the cap lets them, whenever they are wished."""
    cap = Cap(count=count, span=timedelta(hours=hours))
    left: list[datetime] = []
    for wish in sorted(wishes):
        now = max([NOW + timedelta(hours=wish), *left])
        while (until := opens_at(cap, left, now)) is not None:
            assert until > now
            now = until
        left.append(now)

    for at in left:
        assert sum(at - cap.span < other <= at for other in left) <= count


@pytest.mark.parametrize("state", State)
def test_what_has_left_or_may_have_left_counts_and_nothing_else(state: State) -> None:
    row = sent(1, NOW - DAY, state=state)
    counts = {State.SENDING, State.UNCERTAIN, State.SENT, State.BOUNCED, State.COMPLAINED}

    assert (counts_from(row, NOW) is not None) is (state in counts)


def test_a_claimed_message_counts_from_the_moment_it_was_cleared() -> None:
    claimed = sent(1, NOW, state=State.CLAIMED)

    assert counts_from(claimed, NOW) is None
    assert counts_from(replace(claimed, cleared_at=NOW - DAY), NOW) == NOW


def test_the_order_and_the_buyer_are_counted_apart_and_the_longer_wait_decides() -> None:
    mine = replace(sent(9, NOW), state=State.CLAIMED)
    rows = [sent(1, NOW - DAY), sent(2, NOW - DAY, order="9000"), mine]

    assert capped_until(mine, rule(per_order=Cap(count=1, span=7 * DAY)), rows, NOW) == NOW + 6 * DAY
    assert capped_until(mine, rule(per_order=Cap(count=2, span=7 * DAY)), rows, NOW) is None
    assert capped_until(mine, rule(per_buyer=Cap(count=2, span=7 * DAY)), rows, NOW) == NOW + 6 * DAY
    both = rule(per_order=Cap(count=1, span=3 * DAY), per_buyer=Cap(count=2, span=7 * DAY))
    assert capped_until(mine, both, rows, NOW) == NOW + 6 * DAY
    assert capped_until(mine, rule(), rows, NOW) is None


def test_a_message_does_not_count_for_itself() -> None:
    mine = sent(1, NOW - DAY)

    assert capped_until(mine, rule(per_order=Cap(count=1, span=7 * DAY)), [mine], NOW) is None
