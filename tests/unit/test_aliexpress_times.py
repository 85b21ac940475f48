"""Times on a wall in California: an hour of each autumn comes twice, one of each spring never."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messenger.platforms.aliexpress.times import PACIFIC, WRITTEN, comes_twice, on_the_wall, pacific
from tests.builders import utc

HOUR = timedelta(hours=1)
AUTUMN = utc("2026-11-01T08:00")
"""When the hour between one and two begins for the first time."""


@pytest.mark.parametrize(("text", "expected"), [
    pytest.param("2026-01-02 03:04:05", "2026-01-02T11:04:05", id="winter"),
    pytest.param("2026-07-02 03:04:05", "2026-07-02T10:04:05", id="summer"),
    pytest.param(" 2026-11-01 01:30:00 ", "2026-11-01T08:30:00", id="an hour that comes twice: the first"),
    pytest.param("2026-11-01 02:00:00", "2026-11-01T10:00:00", id="after it"),
    pytest.param("2026-03-08 02:30:00", "2026-03-08T10:30:00", id="an hour that never comes"),
])  # fmt: skip
def test_a_wall_means_an_instant(text: str, expected: str) -> None:
    assert pacific(text) == utc(expected)


@pytest.mark.parametrize("text", ["", "yesterday", "2026-01-02", "2026-13-01 00:00:00", "2026-01-02T03:04:05Z"])
def test_what_is_no_time_means_none(text: str) -> None:
    assert pacific(text) is None


def test_what_came_before_tells_which_of_the_two_hours_is_meant() -> None:
    assert pacific("2026-11-01 01:30:00", not_before=AUTUMN + HOUR) == AUTUMN + HOUR * 1.5
    assert pacific("2026-11-01 01:30:00", not_before=AUTUMN) == AUTUMN + HOUR / 2
    assert pacific("2026-07-01 01:30:00", not_before=utc("2026-08-01T00:00")) == utc("2026-07-01T08:30")


def test_an_ordinary_span_is_asked_for_as_it_is() -> None:
    assert on_the_wall(utc("2026-07-01T08:00"), utc("2026-07-02T09:30")) == (
        "2026-07-01 01:00:00",
        "2026-07-02 02:30:00",
    )


def test_a_span_that_ends_in_an_hour_that_comes_twice_is_asked_for_with_all_of_it() -> None:
    assert on_the_wall(AUTUMN + HOUR / 2, AUTUMN + HOUR * 1.2) == ("2026-11-01 00:59:59", "2026-11-01 02:00:00")


@given(st.integers(-4 * 3600, 6 * 3600), st.integers(0, 5 * 3600), st.integers(0, 5 * 3600))
def test_whatever_lies_in_a_span_is_found_however_the_platform_reads_its_ends(
    start: int, length: int, inside: int
) -> None:
    since = AUTUMN + timedelta(seconds=start)
    until = since + timedelta(seconds=length)
    at = min(until, since + timedelta(seconds=inside))

    low, high = on_the_wall(since, until)
    assert low <= at.astimezone(PACIFIC).strftime(WRITTEN) <= high
    for fold in (0, 1):
        ends = (
            datetime.strptime(one, WRITTEN).replace(tzinfo=PACIFIC, fold=fold).astimezone(UTC) for one in (low, high)
        )
        assert next(ends) <= at <= next(ends)


def test_an_hour_comes_twice_once_a_year() -> None:
    assert [comes_twice(AUTUMN + HOUR * part) for part in (-0.1, 0, 1.9, 2)] == [False, True, True, False]
    assert not comes_twice(utc("2026-03-08T10:30"))
