"""When a message may leave: in the buyer's hours, through every change of the clocks, and not a minute later than it could."""

from __future__ import annotations

from bisect import bisect_left
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from messenger.domain.timing import ALWAYS, Hours, Span, due_at, from_wall, is_open, shared_hours
from tests.builders import utc

OFFICE = Hours(opens=time(9), closes=time(20))
NIGHT = Hours(opens=time(22), closes=time(6))
WEEKDAYS = Hours(opens=time(9), closes=time(20), days=frozenset(range(5)))
MINUTE = timedelta(minutes=1)
ODD_ZONES = (
    "UTC", "Europe/Madrid", "Europe/London", "Europe/Dublin", "Europe/Moscow", "America/New_York", "America/St_Johns",
    "America/Sao_Paulo", "America/Havana", "Africa/Casablanca", "Africa/Cairo", "Asia/Kathmandu", "Asia/Tehran",
    "Asia/Shanghai", "Asia/Beirut", "Australia/Lord_Howe", "Australia/Adelaide", "Pacific/Chatham", "Pacific/Apia",
    "Pacific/Kiritimati", "Pacific/Marquesas", "America/Nuuk", "Antarctica/Troll",
)  # fmt: skip


@pytest.mark.parametrize(
    ("zone", "start", "expected"),
    [
        pytest.param("Europe/Moscow", "2026-03-02T02:30", "2026-03-02T06:00", id="too early: waits"),
        pytest.param("Europe/Moscow", "2026-03-02T10:00", "2026-03-02T10:00", id="open: leaves at once"),
        pytest.param("Europe/Moscow", "2026-03-02T06:00", "2026-03-02T06:00", id="the first minute counts"),
        pytest.param("Europe/Moscow", "2026-03-02T16:59:59", "2026-03-02T16:59:59", id="the last second counts"),
        pytest.param("Europe/Moscow", "2026-03-02T17:00", "2026-03-03T06:00", id="the end does not count"),
        pytest.param("Europe/Madrid", "2026-03-28T20:00", "2026-03-29T07:00", id="spring: an hour earlier in UTC"),
        pytest.param("Europe/Madrid", "2026-10-24T20:00", "2026-10-25T08:00", id="autumn: an hour later in UTC"),
        pytest.param("America/New_York", "2026-03-08T03:00", "2026-03-08T13:00", id="New York in spring"),
        pytest.param("America/New_York", "2026-11-01T03:00", "2026-11-01T14:00", id="New York in autumn"),
        pytest.param("Asia/Kathmandu", "2026-03-02T00:00", "2026-03-02T03:15", id="+05:45"),
        pytest.param("Pacific/Chatham", "2026-01-10T08:00", "2026-01-10T19:15", id="+13:45"),
        pytest.param("Pacific/Chatham", "2026-07-10T08:00", "2026-07-10T20:15", id="+12:45"),
        pytest.param("Australia/Lord_Howe", "2026-04-04T11:00", "2026-04-04T22:30", id="half an hour back"),
        pytest.param("Australia/Lord_Howe", "2026-10-03T11:00", "2026-10-03T22:00", id="half an hour forward"),
        pytest.param("Pacific/Apia", "2011-12-30T07:00", "2011-12-30T19:00", id="a day that never was"),
        pytest.param("Africa/Casablanca", "2026-02-14T20:00", "2026-02-15T09:00", id="Ramadan begins: +00"),
        pytest.param("Africa/Casablanca", "2026-03-21T20:00", "2026-03-22T08:00", id="Ramadan ends: +01"),
        pytest.param("Pacific/Kiritimati", "2026-03-02T07:00", "2026-03-02T19:00", id="+14"),
    ],
)
def test_a_message_leaves_in_the_buyers_hours(zone: str, start: str, expected: str) -> None:
    assert due_at(utc(start), OFFICE, [ZoneInfo(zone)]) == utc(expected)


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        pytest.param("2026-03-02T12:00", "2026-03-02T21:00", id="by day: waits for the evening"),
        pytest.param("2026-03-02T22:30", "2026-03-02T22:30", id="before midnight"),
        pytest.param("2026-03-03T00:30", "2026-03-03T00:30", id="after midnight"),
        pytest.param("2026-03-03T05:00", "2026-03-03T21:00", id="the end does not count"),
        pytest.param("2026-03-29T03:30", "2026-03-29T03:30", id="the short night"),
        pytest.param("2026-03-29T04:00", "2026-03-29T20:00", id="the short night ends an hour earlier in UTC"),
        pytest.param("2026-10-25T04:59", "2026-10-25T04:59", id="the long night"),
    ],
)
def test_a_window_may_cross_midnight(start: str, expected: str) -> None:
    assert due_at(utc(start), NIGHT, [ZoneInfo("Europe/Madrid")]) == utc(expected)


@pytest.mark.parametrize(
    ("hours", "start", "expected"),
    [
        pytest.param(WEEKDAYS, "2026-03-06T20:00", "2026-03-09T09:00", id="Friday evening: Monday morning"),
        pytest.param(WEEKDAYS, "2026-03-07T12:00", "2026-03-09T09:00", id="Saturday"),
        pytest.param(
            Hours(opens=time(22), closes=time(6), days=frozenset({4})), "2026-03-07T05:59", "2026-03-07T05:59",
            id="Friday's night reaches into Saturday",
        ),
        pytest.param(
            Hours(opens=time(22), closes=time(6), days=frozenset({5})), "2026-03-07T05:59", "2026-03-07T22:00",
            id="Saturday's night does not begin on Friday",
        ),
        pytest.param(Hours(days=frozenset({6})), "2026-03-02T00:00", "2026-03-08T00:00", id="all of Sunday"),
        pytest.param(Hours(opens=time(9), closes=time(9)), "2026-03-02T03:00", "2026-03-02T03:00", id="from nine to nine"),
    ],
)  # fmt: skip
def test_only_the_chosen_weekdays_count(hours: Hours, start: str, expected: str) -> None:
    assert due_at(utc(start), hours, [ZoneInfo("UTC")]) == utc(expected)


@pytest.mark.parametrize(
    ("opens", "closes", "start", "expected"),
    [
        pytest.param("02:30", "05:00", "2026-03-28T23:30", "2026-03-29T01:00", id="opens in the gap: right after it"),
        pytest.param("02:10", "02:50", "2026-03-28T23:30", "2026-03-30T00:10", id="lies in the gap: the next day"),
        pytest.param(
            "02:30", "05:00", "2026-10-24T23:30", "2026-10-25T00:30", id="opens in the repeated hour: the first"
        ),
        pytest.param(
            "01:00", "02:30", "2026-10-25T00:30", "2026-10-26T00:00", id="closes in the repeated hour: the first"
        ),
        pytest.param("02:10", "02:50", "2026-10-25T01:10", "2026-10-26T01:10", id="the second time it is closed"),
    ],
)
def test_hours_at_a_change_of_the_clocks(opens: str, closes: str, start: str, expected: str) -> None:
    hours = Hours(opens=time.fromisoformat(opens), closes=time.fromisoformat(closes))

    assert due_at(utc(start), hours, [ZoneInfo("Europe/Madrid")]) == utc(expected)


@pytest.mark.parametrize(
    ("zones", "start", "expected"),
    [
        pytest.param(
            ["America/New_York", "America/Los_Angeles"], "2026-03-02T12:00", "2026-03-02T17:00", id="both awake"
        ),
        pytest.param(["Europe/Madrid", "Atlantic/Canary"], "2026-03-02T19:00", "2026-03-03T09:00", id="one is asleep"),
        pytest.param(["Europe/Madrid"] * 3, "2026-03-02T03:00", "2026-03-02T08:00", id="the same one"),
        pytest.param(
            ["Europe/Kaliningrad", "Asia/Kamchatka"], "2026-03-02T03:00", "2026-03-02T07:00", id="one hour a day"
        ),
    ],
)
def test_several_zones_share_their_hours(zones: list[str], start: str, expected: str) -> None:
    assert due_at(utc(start), OFFICE, [ZoneInfo(zone) for zone in zones]) == utc(expected)


def test_zones_without_a_shared_hour_have_no_instant() -> None:
    opposite = [ZoneInfo("Europe/London"), ZoneInfo("Pacific/Auckland")]

    assert due_at(utc("2026-03-02T03:00"), OFFICE, opposite) is None
    assert shared_hours(OFFICE, opposite, utc("2026-03-02T03:00")) == timedelta(0)
    assert not is_open(utc("2026-03-02T03:00"), OFFICE, opposite)


@pytest.mark.parametrize(
    ("zones", "hours"),
    [(["Europe/Madrid"], 11), (["America/New_York", "America/Los_Angeles"], 8), (["Europe/Kaliningrad", "Asia/Kamchatka"], 1)],
)  # fmt: skip
def test_shared_hours_are_measured_on_the_first_shared_day(zones: list[str], hours: int) -> None:
    shared = shared_hours(OFFICE, [ZoneInfo(zone) for zone in zones], utc("2026-03-02T06:00"))

    assert shared == timedelta(hours=hours)


def test_shared_hours_that_have_begun_count_only_what_is_left() -> None:
    assert shared_hours(OFFICE, [ZoneInfo("Europe/Madrid")], utc("2026-03-02T17:30")) == timedelta(hours=1, minutes=30)


def test_always_is_now_in_any_zone() -> None:
    assert due_at(utc("2026-03-29T01:30"), ALWAYS, [ZoneInfo(name) for name in ODD_ZONES]) == utc("2026-03-29T01:30")


@pytest.mark.parametrize("days", [frozenset(), frozenset({7}), frozenset({-1, 0})])
def test_weekdays_run_from_monday_to_sunday(days: frozenset[int]) -> None:
    with pytest.raises(ValueError, match="days are numbers"):
        Hours(days=days)


@pytest.mark.parametrize(
    ("zone", "wall", "expected"),
    [
        pytest.param("Europe/Madrid", "2026-03-29T01:59:59", "2026-03-29T00:59:59", id="before the gap"),
        pytest.param("Europe/Madrid", "2026-03-29T02:00", "2026-03-29T01:00", id="the gap begins"),
        pytest.param("Europe/Madrid", "2026-03-29T02:30:15.5", "2026-03-29T01:00", id="in the gap: its end"),
        pytest.param("Europe/Madrid", "2026-03-29T03:00", "2026-03-29T01:00", id="after the gap"),
        pytest.param("Europe/Madrid", "2026-10-25T02:30", "2026-10-25T00:30", id="a repeated hour: the first"),
        pytest.param("Europe/Madrid", "2026-10-25T03:00", "2026-10-25T02:00", id="after the repeated hour"),
        pytest.param("Australia/Lord_Howe", "2026-10-04T02:15", "2026-10-03T15:30", id="a gap of half an hour"),
        pytest.param("Australia/Lord_Howe", "2026-04-05T01:45", "2026-04-04T14:45", id="half an hour repeated"),
        pytest.param(
            "Pacific/Apia", "2011-12-30T12:00", "2011-12-30T10:00", id="a whole day missing: the next midnight"
        ),
        pytest.param("Africa/Casablanca", "2026-03-22T02:30", "2026-03-22T02:00", id="the end of Ramadan"),
        pytest.param("Asia/Beirut", "2026-03-29T00:00", "2026-03-28T22:00", id="midnight is missing"),
        pytest.param("America/Havana", "2026-03-08T00:30", "2026-03-08T05:00", id="the hour after midnight is missing"),
        pytest.param("Pacific/Chatham", "2026-09-27T03:00", "2026-09-26T14:00", id="+12:45 to +13:45"),
    ],
)
def test_a_wall_time_is_one_instant(zone: str, wall: str, expected: str) -> None:
    local = datetime.fromisoformat(wall)

    assert from_wall(local.date(), local.time(), ZoneInfo(zone)) == utc(expected)


@pytest.mark.parametrize(
    ("span", "zone", "start", "expected"),
    [
        pytest.param(Span(days=1), "Europe/Madrid", "2026-03-28T09:00", "2026-03-29T08:00", id="a day of 23 hours"),
        pytest.param(Span(days=1), "Europe/Madrid", "2026-10-24T08:00", "2026-10-25T09:00", id="a day of 25 hours"),
        pytest.param(
            Span(elapsed=timedelta(hours=24)), "Europe/Madrid", "2026-03-28T09:00", "2026-03-29T09:00", id="24 h"
        ),
        pytest.param(
            Span(days=14), "Asia/Shanghai", "2026-03-02T10:15", "2026-03-16T10:15", id="a zone that stands still"
        ),
        pytest.param(Span(days=1), "Europe/Madrid", "2026-03-28T01:30", "2026-03-29T01:00", id="into the gap"),
        pytest.param(Span(days=1), "Europe/Madrid", "2026-10-24T00:30", "2026-10-25T00:30", id="into the first of two"),
        pytest.param(
            Span(days=1), "Europe/Madrid", "2026-10-25T01:30", "2026-10-26T01:30", id="from the second of two"
        ),
        pytest.param(
            Span(days=1), "Pacific/Apia", "2011-12-29T22:00", "2011-12-30T10:00", id="into a day that never was"
        ),
        pytest.param(Span(days=2), "Pacific/Apia", "2011-12-29T22:00", "2011-12-30T22:00", id="beyond it"),
        pytest.param(Span(days=365), "Europe/Madrid", "2024-02-29T10:00", "2025-02-28T10:00", id="from 29 February"),
        pytest.param(Span(), "Europe/Madrid", "2026-10-25T01:30", "2026-10-25T01:30", id="no time at all"),
    ],
)
def test_days_keep_the_local_time_and_hours_elapse(span: Span, zone: str, start: str, expected: str) -> None:
    assert span.after(utc(start), ZoneInfo(zone)) == utc(expected)


@pytest.mark.parametrize(
    ("span", "end", "expected"),
    [
        pytest.param(Span(days=2), "2026-03-30T10:00", "2026-03-28T11:00", id="two days before, over the gap"),
        pytest.param(Span(days=1), "2026-03-30T00:30", "2026-03-29T01:00", id="back into the gap"),
        pytest.param(Span(elapsed=timedelta(hours=48)), "2026-03-30T10:00", "2026-03-28T10:00", id="48 h before"),
    ],
)
def test_a_lead_is_counted_back(span: Span, end: str, expected: str) -> None:
    assert span.before(utc(end), ZoneInfo("Europe/Madrid")) == utc(expected)


@pytest.mark.parametrize(
    ("span", "text"),
    [
        (Span(days=14), "14d"), (Span(elapsed=timedelta(hours=36)), "36h"), (Span(elapsed=timedelta(minutes=90)), "90m"),
        (Span(elapsed=timedelta(seconds=90)), "90s"), (Span(), "0s"), (Span(elapsed=timedelta(hours=48)), "48h"),
    ],
)  # fmt: skip
def test_a_span_shows_itself_as_it_is_written(span: Span, text: str) -> None:
    assert str(span) == text


def test_spans_have_an_order() -> None:
    assert Span(elapsed=timedelta(hours=36)).length < Span(days=2).length == timedelta(hours=48)


@pytest.mark.parametrize(("elapsed", "days"), [(-1, 0), (0, -1), (1, 1)])
def test_a_wrong_span_cannot_be_built(elapsed: int, days: int) -> None:
    with pytest.raises(ValueError, match="a span is"):
        Span(elapsed=timedelta(hours=elapsed), days=days)


# An independent model: walk through the minutes and read a clock on the wall.


class Wall:
    """A clock in one zone, read at every minute of a stretch of days."""

    def __init__(self, zone: str, start: datetime, days: int) -> None:
        first = (start - timedelta(days=3)).replace(second=0, microsecond=0)
        self.minutes = [first + MINUTE * step for step in range((days + 4) * 1440)]
        read = [minute.astimezone(ZoneInfo(zone)).replace(tzinfo=None, fold=0) for minute in self.minutes]
        self.furthest = [read[0]]
        for wall in read[1:]:
            self.furthest.append(max(self.furthest[-1], wall))

    def reaches(self, wall: datetime) -> int:
        """The index of the first minute at which the clock has shown ``wall`` or more."""
        return bisect_left(self.furthest, wall)

    def open_minutes(self, hours: Hours) -> set[datetime]:
        found: set[datetime] = set()
        day = self.furthest[0].date()
        while day <= self.furthest[-1].date():
            if day.weekday() in hours.days:
                closing = day + timedelta(days=1) if hours.closes <= hours.opens else day
                begin = self.reaches(datetime.combine(day, hours.opens))
                found.update(self.minutes[begin : self.reaches(datetime.combine(closing, hours.closes))])
            day += timedelta(days=1)
        return found


walls = st.builds(time, st.integers(0, 23), st.sampled_from([0, 15, 30, 45]))
hours_strategy = st.builds(
    Hours, opens=walls, closes=walls, days=st.sampled_from([frozenset(range(7)), frozenset(range(5)), frozenset({5, 6})])
)  # fmt: skip
zone_names = st.sampled_from(ODD_ZONES)
changes = st.sampled_from(
    [utc(day) for day in (
        "2011-12-30T10:00", "2024-03-31T01:00", "2026-03-29T01:00", "2026-10-25T01:00", "2026-03-08T07:00", "2026-11-01T06:00",
        "2026-04-04T15:00", "2026-10-03T15:30", "2026-02-15T02:00", "2026-03-22T02:00", "2026-09-26T14:00", "2026-03-28T22:00",
    )]
)  # fmt: skip
starts = st.builds(lambda change, minutes: change + MINUTE * minutes, changes, st.integers(-2880, 2880)) | st.datetimes(
    datetime(2024, 1, 1),  # noqa: DTZ001  # the zone is drawn as an argument of its own
    datetime(2030, 12, 31),  # noqa: DTZ001  # the same
    timezones=st.just(UTC),
).map(lambda drawn: drawn.replace(second=0, microsecond=0))


@settings(max_examples=40, deadline=None)
@given(starts, hours_strategy, st.lists(zone_names, min_size=1, max_size=2))
def test_due_is_the_first_minute_that_a_walk_through_time_finds(
    start: datetime, hours: Hours, zones: list[str]
) -> None:
    shared = set.intersection(*(Wall(zone, start, 5).open_minutes(hours) for zone in zones))
    found = [minute for minute in shared if start <= minute < start + timedelta(days=4)]
    due = due_at(start, hours, [ZoneInfo(zone) for zone in zones])

    if found:
        assert due == min(found)
    else:
        assert due is None or due >= start + timedelta(days=4)


@settings(max_examples=150, deadline=None)
@given(starts, hours_strategy, st.lists(zone_names, min_size=1, max_size=3))
def test_due_is_not_early_and_not_moved_again(start: datetime, hours: Hours, zones: list[str]) -> None:
    places = [ZoneInfo(zone) for zone in zones]
    due = due_at(start, hours, places)

    if due is not None:
        assert due >= start
        assert due_at(due, hours, places) == due
        assert is_open(due, hours, places)
        assert shared_hours(hours, places, due) > timedelta(0)
        assert due == due_at(start, hours, [*reversed(places), *places])


@settings(max_examples=150, deadline=None)
@given(starts, st.integers(0, 5), st.integers(13, 23), zone_names)
def test_the_buyers_clock_shows_an_open_hour(start: datetime, opens: int, closes: int, zone: str) -> None:
    hours = Hours(opens=time(opens + 4), closes=time(closes))
    due = due_at(start, hours, [ZoneInfo(zone)])

    assert due is not None
    assert hours.opens <= due.astimezone(ZoneInfo(zone)).time() < hours.closes
    assert due - start < timedelta(hours=49)


@settings(max_examples=150, deadline=None)
@given(starts, starts, hours_strategy, zone_names)
def test_who_waits_longer_never_leaves_earlier(one: datetime, other: datetime, hours: Hours, zone: str) -> None:
    early, late = sorted((one, other))
    first, second = (due_at(start, hours, [ZoneInfo(zone)]) for start in (early, late))

    assert first is not None
    assert second is not None
    assert first <= second


@settings(max_examples=150, deadline=None)
@given(starts, st.integers(0, 40), zone_names)
def test_calendar_days_keep_the_wall_clock_or_land_after_a_gap(start: datetime, days: int, zone: str) -> None:
    place = ZoneInfo(zone)
    end = Span(days=days).after(start, place)
    wanted = start.astimezone(place).replace(tzinfo=None, fold=0) + timedelta(days=days)
    shown = end.astimezone(place).replace(tzinfo=None, fold=0)

    if shown != wanted:
        just_before = (end - timedelta(seconds=1)).astimezone(place).replace(tzinfo=None)
        assert just_before < wanted < shown


@settings(max_examples=200, deadline=None)
@given(st.dates(date(2008, 1, 1), date(2035, 1, 1)), walls, zone_names)
def test_a_wall_time_that_exists_is_read_back(day: date, wall: time, zone: str) -> None:
    place = ZoneInfo(zone)
    instant = from_wall(day, wall, place)
    shown = instant.astimezone(place).replace(tzinfo=None, fold=0)
    wanted = datetime.combine(day, wall)

    assert shown >= wanted
    assert (instant - timedelta(seconds=1)).astimezone(place).replace(tzinfo=None) < wanted
