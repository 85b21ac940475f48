"""When the seller works: business days, closed days, and the periods that are told to buyers."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from messenger.domain.calendars import EVERY_DAY, LONGEST_CLOSURE, PLAIN_WEEK, Calendar, Closure

A_DAY = timedelta(days=1)
NEW_YEAR = Calendar(  # the Spring Festival of 2026, with a Saturday that is worked for it
    name="seller",
    closed=((date(2026, 2, 16), date(2026, 2, 23)),),
    open=frozenset({date(2026, 2, 14), date(2026, 2, 28)}),
)
NEVER = Calendar(name="never", workdays=frozenset())


def day(text: str) -> date:
    return date.fromisoformat(text)


@pytest.mark.parametrize(
    ("calendar", "on", "is_business", "is_closed"),
    [
        pytest.param(PLAIN_WEEK, "2026-03-06", True, False, id="a Friday"),
        pytest.param(PLAIN_WEEK, "2026-03-07", False, False, id="a plain Saturday is no closure"),
        pytest.param(NEW_YEAR, "2026-02-13", True, False, id="the day before"),
        pytest.param(NEW_YEAR, "2026-02-15", False, False, id="the Sunday before"),
        pytest.param(NEW_YEAR, "2026-02-16", False, True, id="the first closed day"),
        pytest.param(NEW_YEAR, "2026-02-21", False, True, id="a Saturday inside"),
        pytest.param(NEW_YEAR, "2026-02-23", False, True, id="the last closed day"),
        pytest.param(NEW_YEAR, "2026-02-24", True, False, id="the day after"),
        pytest.param(NEW_YEAR, "2026-02-14", True, False, id="a Saturday that is worked"),
        pytest.param(Calendar(is_holiday=lambda one: one.month == 5), "2026-05-01", False, True, id="a public holiday"),
        pytest.param(
            Calendar(is_holiday=lambda one: one.month == 5, open=frozenset({day("2026-05-01")})), "2026-05-01", True, False,
            id="a holiday on which the shop works",
        ),
        pytest.param(Calendar(workdays=frozenset({5, 6})), "2026-03-07", True, False, id="a shop that works at weekends"),
        pytest.param(NEVER, "2026-03-06", False, False, id="a calendar without working days"),
    ],
)  # fmt: skip
def test_a_day_is_business_or_not(calendar: Calendar, on: str, is_business: bool, is_closed: bool) -> None:
    assert calendar.is_business_day(day(on)) is is_business
    assert calendar.is_closed(day(on)) is is_closed


@pytest.mark.parametrize(
    ("calendar", "start", "count", "expected"),
    [
        pytest.param(PLAIN_WEEK, "2026-03-06", 0, "2026-03-06", id="none: the day itself"),
        pytest.param(PLAIN_WEEK, "2026-03-07", 0, "2026-03-07", id="none on a Saturday: the Saturday"),
        pytest.param(PLAIN_WEEK, "2026-03-06", 3, "2026-03-11", id="three from a Friday"),
        pytest.param(PLAIN_WEEK, "2026-03-07", 3, "2026-03-11", id="three from a Saturday"),
        pytest.param(PLAIN_WEEK, "2026-03-09", -1, "2026-03-06", id="one before a Monday"),
        pytest.param(PLAIN_WEEK, "2026-03-08", -1, "2026-03-06", id="one before a Sunday"),
        pytest.param(
            PLAIN_WEEK, "2025-12-31", 2, "2026-01-02", id="over the end of a year: New Year's Day is a plain day"
        ),
        pytest.param(PLAIN_WEEK, "2024-02-28", 1, "2024-02-29", id="a leap day"),
        pytest.param(NEW_YEAR, "2026-02-13", 1, "2026-02-14", id="into a Saturday that is worked"),
        pytest.param(NEW_YEAR, "2026-02-13", 2, "2026-02-24", id="over the closed days"),
        pytest.param(NEW_YEAR, "2026-02-18", 1, "2026-02-24", id="from a closed day"),
        pytest.param(NEW_YEAR, "2026-02-18", -1, "2026-02-14", id="back from a closed day"),
        pytest.param(NEW_YEAR, "2026-02-27", 1, "2026-02-28", id="the other worked Saturday"),
    ],
)
def test_business_days_are_counted_from_the_next_one(calendar: Calendar, start: str, count: int, expected: str) -> None:
    assert calendar.shifted(day(start), count) == day(expected)


@pytest.mark.parametrize(
    "calendar",
    [
        NEVER,
        Calendar(name="away", closed=((day("2000-01-01"), day("2090-01-01")),)),
        Calendar(name="feast", is_holiday=lambda _: True),
    ],
    ids=["no working day", "closed for ninety years", "nothing but holidays"],
)
@pytest.mark.parametrize("count", [1, -1, 100_000])
def test_a_calendar_that_never_opens_ends_the_search(calendar: Calendar, count: int) -> None:
    found = calendar.shifted(day("2026-03-06"), count)

    assert abs(found - day("2026-03-06")) == timedelta(days=400)
    assert calendar.closure(day("2026-03-06")) is None


def test_the_last_day_of_business_is_still_counted() -> None:
    once = Calendar(workdays=frozenset(), open=frozenset({day("2026-04-01")}))

    assert once.shifted(day("2026-03-06"), 1) == day("2026-04-01")
    assert once.shifted(day("2026-03-06"), 2) == day("2026-04-01") + timedelta(days=400)


@pytest.mark.parametrize(
    ("calendar", "on", "expected"),
    [
        pytest.param(NEW_YEAR, "2026-02-13", None, id="a business day"),
        pytest.param(NEW_YEAR, "2026-02-14", None, id="a Saturday that is worked"),
        pytest.param(NEW_YEAR, "2026-02-15", ("2026-02-15", "2026-02-23"), id="the Sunday that touches it"),
        pytest.param(NEW_YEAR, "2026-02-19", ("2026-02-15", "2026-02-23"), id="in the middle"),
        pytest.param(NEW_YEAR, "2026-02-23", ("2026-02-15", "2026-02-23"), id="its last day"),
        pytest.param(NEW_YEAR, "2026-02-24", None, id="open again"),
        pytest.param(NEW_YEAR, "2026-03-07", None, id="a plain weekend"),
        pytest.param(
            Calendar(closed=((day("2026-05-01"), day("2026-05-01")),)), "2026-05-01", ("2026-05-01", "2026-05-03"),
            id="a Friday off makes a long weekend",
        ),
        pytest.param(
            Calendar(closed=((day("2026-12-24"), day("2027-01-01")),)), "2026-12-31", ("2026-12-24", "2027-01-03"),
            id="over the end of a year",
        ),
    ],
)  # fmt: skip
def test_a_closed_period_runs_from_business_day_to_business_day(
    calendar: Calendar, on: str, expected: tuple[str, str] | None
) -> None:
    found = calendar.closure(day(on))

    assert found == (
        Closure(first=day(expected[0]), last=day(expected[1]), reopens=day(expected[1]) + A_DAY) if expected else None
    )


@pytest.mark.parametrize("where", [0, 100, LONGEST_CLOSURE - 1])
def test_a_shop_that_is_closed_for_too_long_names_no_day_on_which_it_opens(where: int) -> None:
    every_day = frozenset(range(7))
    first = day("2026-01-01")
    longest = Calendar(workdays=every_day, closed=((first, first + A_DAY * (LONGEST_CLOSURE - 1)),))
    longer = Calendar(workdays=every_day, closed=((first, first + A_DAY * LONGEST_CLOSURE),))

    assert longest.closure(first + A_DAY * where) == Closure(
        first=first, last=first + A_DAY * (LONGEST_CLOSURE - 1), reopens=first + A_DAY * LONGEST_CLOSURE
    )
    assert longer.closure(first + A_DAY * where) is None


def test_a_wrong_calendar_cannot_be_built() -> None:
    with pytest.raises(ValueError, match="numbers from 0"):
        Calendar(workdays=frozenset({7}))
    with pytest.raises(ValueError, match="ends on or after"):
        Calendar(closed=((day("2026-02-02"), day("2026-02-01")),))


def test_calendars_that_say_the_same_are_equal() -> None:
    one, other = (Calendar(name="seller", country="CN", is_holiday=lambda _: False) for _ in range(2))

    assert one == other
    assert hash(one) == hash(other)


days = st.dates(date(2024, 1, 1), date(2030, 12, 31))
periods = st.tuples(days, st.integers(0, 20)).map(lambda drawn: (drawn[0], drawn[0] + A_DAY * drawn[1]))
calendars = st.builds(
    Calendar,
    workdays=st.frozensets(st.integers(0, 6), min_size=1),
    closed=st.lists(periods, max_size=4).map(tuple),
    open=st.frozensets(days, max_size=4),
)
laws = settings(max_examples=150, deadline=None, derandomize=True)


@laws
@given(calendars, days, st.integers(1, 15))
def test_counting_business_days_passes_exactly_so_many(calendar: Calendar, start: date, count: int) -> None:
    end = calendar.shifted(start, count)
    passed = [start + A_DAY * step for step in range(1, (end - start).days + 1)]

    assert calendar.is_business_day(end)
    assert sum(map(calendar.is_business_day, passed)) == count


@laws
@given(calendars, days, st.integers(1, 15))
def test_counting_back_undoes_counting(calendar: Calendar, start: date, count: int) -> None:
    begin = calendar.shifted(start, 1)

    assert calendar.shifted(calendar.shifted(begin, count), -count) == begin


@laws
@given(calendars, days)
def test_every_day_of_a_closed_period_names_the_same_period(calendar: Calendar, on: date) -> None:
    found = calendar.closure(on)

    if found is None:
        return
    inside = [found.first + A_DAY * step for step in range((found.last - found.first).days + 1)]
    assert on in inside
    assert {calendar.closure(one) for one in inside} == {found}
    assert any(calendar.is_closed(one) for one in inside)
    assert calendar.is_business_day(found.reopens)
    assert calendar.is_business_day(found.first - A_DAY)


@laws
@given(calendars, days)
def test_a_closed_day_is_in_a_period_and_does_no_business(calendar: Calendar, on: date) -> None:
    if calendar.is_closed(on):
        assert not calendar.is_business_day(on)
        assert calendar.closure(on) is not None
    assert (
        calendar.is_business_day(on)
        or calendar.closure(on) is not None
        or on.weekday() in EVERY_DAY - calendar.workdays
    )
