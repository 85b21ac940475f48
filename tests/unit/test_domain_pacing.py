"""Pacing: in no span of time do more messages leave than the rate says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messenger.domain.pacing import (
    CALMS_DOWN,
    Allowance,
    Rate,
    available,
    free_from,
    is_too_fast,
    parsed_rate,
    present_rate,
    reserved,
    slowed,
    taken,
)

NOW: Final = datetime(2026, 3, 2, 10, tzinfo=UTC)
SECOND: Final = timedelta(seconds=1)
MINUTE: Final = timedelta(minutes=1)
RATES: Final = st.builds(Rate, st.integers(1, 500), st.sampled_from([SECOND, MINUTE, 60 * MINUTE, 1440 * MINUTE]))
ASKED: Final = st.lists(st.tuples(st.floats(0, 2), st.integers(0, 700)), max_size=30)


@given(RATES, ASKED)
def test_in_no_span_do_more_leave_than_the_rate_says(rate: Rate, asked: list[tuple[float, int]]) -> None:
    allowance, at = Allowance(name="main"), NOW
    left: list[tuple[datetime, int]] = []
    for spans, wanted in asked:
        at += rate.span * spans
        possible = available(allowance, rate, at)
        allowance, count = taken(allowance, rate, wanted, at)
        assert count == min(wanted, possible)
        left.append((at, count))

    for start, _ in left:
        assert sum(count for when, count in left if start <= when < start + rate.span) <= rate.count


@given(RATES, st.integers(1, 400))
def test_places_that_are_kept_come_as_they_were_asked_for_and_at_the_rate(rate: Rate, count: int) -> None:
    allowance, places = Allowance(name="main/example.com"), []
    for _ in range(count):
        assert (place := free_from(allowance, rate, NOW)) >= NOW
        allowance, kept = reserved(allowance, rate, NOW)
        assert kept == place
        places.append(kept)

    assert places == sorted(places)
    assert places[0] == NOW
    for start in places:
        assert sum(start <= one < start + rate.span for one in places) <= rate.count


@given(RATES)
def test_after_a_rest_a_tenth_may_leave_at_once_and_the_rest_follows(rate: Rate) -> None:
    allowance, first = taken(Allowance(name="main"), rate, rate.count, NOW)

    assert first == rate.burst
    assert available(allowance, rate, NOW) == 0
    assert available(allowance, rate, NOW + rate.interval) == 1
    assert available(allowance, rate, NOW + 2 * rate.span) == rate.burst


@pytest.mark.parametrize(
    ("text", "rate"),
    [("300/m", Rate(300, MINUTE)), ("1/s", Rate(1, SECOND)), ("2000/h", Rate(2000, 60 * MINUTE)), ("500/d", Rate(500, 1440 * MINUTE))],
)  # fmt: skip
def test_a_rate_is_read(text: str, rate: Rate) -> None:
    assert parsed_rate(text) == rate


@pytest.mark.parametrize("text", ["", "300", "0/m", "-1/m", "3.5/m", "300/w", "300 / m", "300/M", "99999999/m", "٣/m"])
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="cannot read"):
        parsed_rate(text)


def test_a_domain_that_asks_for_less_gets_less_each_time_and_more_when_it_is_quiet() -> None:
    allowance, at, intervals = Allowance(name="main/example.com"), NOW, []
    for _ in range(8):
        allowance = slowed(allowance, at)
        intervals.append(rate.interval if (rate := present_rate(allowance, None, at)) else None)
        at += MINUTE

    assert intervals == [2 * SECOND, 4 * SECOND, 8 * SECOND, 16 * SECOND, 32 * SECOND] + 3 * [64 * SECOND]
    last = at - MINUTE
    quiet = [present_rate(allowance, None, last + number * CALMS_DOWN) for number in range(7)]
    assert quiet[-1] is None
    assert all(one is not None and two is not None and two.interval < one.interval for one, two in pairwise(quiet[:-1]))


def test_answers_that_come_together_count_once() -> None:
    once = slowed(Allowance(name="main/example.com"), NOW)

    assert slowed(once, NOW + 10 * SECOND) == once


def test_the_slower_of_both_holds() -> None:
    slow = slowed(Allowance(name="main/example.com"), NOW)

    assert present_rate(slow, Rate(1, MINUTE), NOW) == Rate(1, MINUTE)
    assert present_rate(slow, Rate(60, SECOND), NOW) == Rate(1, 2 * SECOND)
    assert present_rate(Allowance(name="x"), Rate(60, SECOND), NOW) == Rate(60, SECOND)
    assert present_rate(Allowance(name="x"), None, NOW) is None


@pytest.mark.parametrize(
    ("code", "status", "is_so"),
    [(421, "", True), (421, "4.3.2", True), (450, "4.7.1", True), (451, "4.7.28", True), (450, "4.2.1", False), (550, "5.7.1", False)],
)  # fmt: skip
def test_what_means_too_fast(code: int, status: str, *, is_so: bool) -> None:
    assert is_too_fast(code, status) is is_so


@pytest.mark.parametrize(("count", "span"), [(0, SECOND), (-1, SECOND), (1, timedelta(0))])
def test_no_rate_is_nothing_or_takes_no_time(count: int, span: timedelta) -> None:
    with pytest.raises(ValueError, match="at least one message"):
        Rate(count, span)
