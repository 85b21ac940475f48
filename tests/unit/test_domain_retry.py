"""When a failed try is made again."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messenger.domain.retry import backoff


@given(st.integers(1, 500), st.text(st.characters(exclude_categories=["Cs"])))
def test_the_wait_doubles_up_to_a_limit_give_or_take_a_fifth(attempt: int, key: str) -> None:
    plain = timedelta(seconds=min(4000, 300 * 2 ** (attempt - 1)))

    assert plain * 0.8 <= backoff(attempt, key) <= plain * 1.2


@given(st.integers(1, 20), st.text(st.characters(exclude_categories=["Cs"])))
def test_the_same_try_of_the_same_message_waits_the_same(attempt: int, key: str) -> None:
    assert backoff(attempt, key) == backoff(attempt, key)


def test_a_known_wait_does_not_change_between_versions() -> None:
    assert round(backoff(1, "toys/shipped/8134/1").total_seconds()) == 278


def test_messages_that_fail_together_do_not_come_back_together() -> None:
    waits = sorted(backoff(1, f"toys/shipped/{order}/1").total_seconds() for order in range(1000))

    assert len(set(waits)) == 1000
    assert waits[0] < 245
    assert waits[-1] > 355
    assert 295 < sum(waits) / 1000 < 305


@pytest.mark.parametrize("attempt", [0, -1])
def test_tries_count_from_one(attempt: int) -> None:
    with pytest.raises(ValueError, match="count from 1"):
        backoff(attempt, "toys/shipped/8134/1")
