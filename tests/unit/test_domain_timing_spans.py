"""Business days in spans, and closed days in opening hours."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from messenger.domain.calendars import PLAIN_WEEK, Calendar
from messenger.domain.timing import ALWAYS, EVERY_DAY, Hours, Span, due_at
from tests.builders import utc

HOLIDAY = Calendar(name="seller", closed=((date(2026, 3, 30), date(2026, 4, 1)),), open=frozenset({date(2026, 4, 4)}))
OFFICE = Hours(opens=time(9), closes=time(20))


@pytest.mark.parametrize(
    ("business", "zone", "start", "expected"),
    [
        pytest.param(3, "Europe/Madrid", "2026-03-06T10:15", "2026-03-11T10:15", id="from a Friday to Wednesday"),
        pytest.param(3, "Europe/Madrid", "2026-03-07T10:15", "2026-03-11T10:15", id="from a Saturday as well"),
        pytest.param(1, "Asia/Shanghai", "2026-03-06T20:00", "2026-03-08T20:00", id="late on Friday it is Saturday in Shanghai"),
        pytest.param(1, "America/New_York", "2026-03-07T03:00", "2026-03-10T02:00", id="early on Saturday it is Friday in New York"),
        pytest.param(1, "Europe/Madrid", "2026-03-27T09:00", "2026-03-30T08:00", id="the clocks change at the weekend"),
        pytest.param(1, "Europe/Madrid", "2026-10-23T08:00", "2026-10-26T09:00", id="and back"),
        pytest.param(2, "Europe/Madrid", "2025-12-31T12:00", "2026-01-02T12:00", id="over the end of a year"),
        pytest.param(0, "Europe/Madrid", "2026-03-07T10:15", "2026-03-07T10:15", id="no time at all"),
    ],
)  # fmt: skip
def test_business_days_keep_the_local_time(business: int, zone: str, start: str, expected: str) -> None:
    assert Span(business=business).after(utc(start), ZoneInfo(zone)) == utc(expected)


@pytest.mark.parametrize(
    ("business", "start", "expected"),
    [
        pytest.param(1, "2026-03-27T10:00", "2026-04-02T09:00", id="over the holidays, and the change of the clocks"),
        pytest.param(2, "2026-04-02T10:00", "2026-04-04T10:00", id="to a Saturday that is worked"),
        pytest.param(1, "2026-03-31T10:00", "2026-04-02T10:00", id="from a closed day"),
    ],
)
def test_business_days_are_those_of_the_calendar(business: int, start: str, expected: str) -> None:
    assert Span(business=business).after(utc(start), ZoneInfo("Europe/Madrid"), HOLIDAY) == utc(expected)


@pytest.mark.parametrize(
    ("business", "end", "expected"),
    [
        pytest.param(1, "2026-03-09T10:00", "2026-03-06T10:00", id="before a Monday"),
        pytest.param(1, "2026-04-02T09:00", "2026-03-27T10:00", id="over the holidays"),
        pytest.param(2, "2026-04-05T10:00", "2026-04-03T10:00", id="a worked Saturday counts"),
    ],
)
def test_a_lead_of_business_days_is_counted_back(business: int, end: str, expected: str) -> None:
    assert Span(business=business).before(utc(end), ZoneInfo("Europe/Madrid"), HOLIDAY) == utc(expected)


def test_business_days_of_a_shop_that_never_opens_end_all_the_same() -> None:
    never = Calendar(name="never", workdays=frozenset())
    start = utc("2026-03-06T10:00")

    assert Span(business=2600).after(start, ZoneInfo("UTC"), never) == start + timedelta(days=400)
    assert Span(business=2600).before(start, ZoneInfo("UTC"), never) == start - timedelta(days=400)


def test_business_days_are_written_and_compared() -> None:
    assert str(Span(business=3)) == "3bd"
    assert Span(business=5).length == Span(days=7).length
    assert Span(days=1).length < Span(business=1).length < Span(days=2).length


@pytest.mark.parametrize(
    "wrong", [{"days": 1, "business": 1}, {"business": -1}, {"elapsed": timedelta(1), "business": 1}]
)
def test_a_span_is_of_one_kind(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="a span is"):
        Span(**wrong)  # type: ignore[arg-type]  # one of the cases is a timedelta


@pytest.mark.parametrize(
    ("hours", "start", "expected"),
    [
        pytest.param(OFFICE, "2026-03-29T21:00", "2026-04-02T07:00", id="three closed days are waited for"),
        pytest.param(OFFICE, "2026-03-28T12:00", "2026-03-28T12:00", id="a plain Saturday is not closed"),
        pytest.param(
            Hours(opens=time(22), closes=time(6)),
            "2026-03-30T01:00",
            "2026-03-30T01:00",
            id="Sunday's night reaches into Monday",
        ),
        pytest.param(
            Hours(opens=time(22), closes=time(6)),
            "2026-03-30T21:00",
            "2026-04-02T20:00",
            id="a closed Monday has no night",
        ),
        pytest.param(ALWAYS, "2026-03-30T12:00", "2026-04-01T22:00", id="the whole day, but no closed day"),
    ],
)
def test_closed_days_are_left_out_of_the_hours(hours: Hours, start: str, expected: str) -> None:
    closed = Hours(opens=hours.opens, closes=hours.closes, closed_on=HOLIDAY)

    assert due_at(utc(start), closed, [ZoneInfo("Europe/Madrid")]) == utc(expected)
    assert not closed.is_always
    assert closed.on_every_day == hours


def test_hours_of_a_shop_that_never_opens_have_no_opening() -> None:
    never = Calendar(name="never", is_holiday=lambda _: True)

    assert due_at(utc("2026-03-02T12:00"), Hours(closed_on=never), [ZoneInfo("UTC")]) is None


zones = st.sampled_from(
    [ZoneInfo(name) for name in ("Europe/Madrid", "America/New_York", "Australia/Lord_Howe", "UTC")]
)
instants = st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1)).map(  # noqa: DTZ001  # utc() adds the zone
    lambda drawn: utc(drawn.replace(second=0, microsecond=0).isoformat())
)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(instants, zones, st.integers(1, 20))
def test_business_days_end_on_a_business_day_and_never_before_calendar_days(
    start: datetime, zone: ZoneInfo, count: int
) -> None:
    end = Span(business=count).after(start, zone)

    assert PLAIN_WEEK.is_business_day(end.astimezone(zone).date())
    assert end >= Span(days=count).after(start, zone)
    assert end <= Span(business=count + 1).after(start, zone)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(instants, zones, st.integers(1, 20))
def test_with_every_day_a_business_day_they_are_calendar_days(start: datetime, zone: ZoneInfo, count: int) -> None:
    open_always = Calendar(workdays=EVERY_DAY)

    assert Span(business=count).after(start, zone, open_always) == Span(days=count).after(start, zone)
    assert Span(business=count).before(start, zone, open_always) == Span(days=count).before(start, zone)
