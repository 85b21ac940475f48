"""When a message leaves that a person has to send: while the desk is open, and as near to the buyer's window as that allows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from messenger.domain.calendars import Calendar
from messenger.domain.timing import ALWAYS, EVERY_DAY, Hours, Openings, due_at
from tests.builders import utc
from tests.clocks import A_DAY, MINUTE, Clock

WINDOW = Hours(opens=time(9), closes=time(20))
DESK = Hours(opens=time(9), closes=time(19))
SHANGHAI = ZoneInfo("Asia/Shanghai")
WEEKDAYS = EVERY_DAY - {5, 6}


def openings(zone: str, *, window: Hours = WINDOW, desk: Hours = DESK, desk_zone: str = "Asia/Shanghai") -> Openings:
    return Openings(hours=window, zones=(ZoneInfo(zone),), desk=desk, desk_zone=ZoneInfo(desk_zone))


@pytest.mark.parametrize(
    ("zone", "start", "expected"),
    [
        pytest.param("Asia/Tokyo", "2026-03-02T02:00", "2026-03-02T02:00", id="both open: at once"),
        pytest.param("Asia/Tokyo", "2026-03-02T00:30", "2026-03-02T01:00", id="the buyer is awake, the desk is not"),
        pytest.param("Europe/Madrid", "2026-03-02T03:00", "2026-03-02T08:00", id="the desk is open, the buyer asleep"),
        pytest.param("Europe/Madrid", "2026-03-02T10:59", "2026-03-02T10:59", id="the desk's last minute"),
        pytest.param("Europe/Madrid", "2026-03-02T11:00", "2026-03-03T08:00", id="the desk has closed: tomorrow"),
        pytest.param("Europe/Madrid", "2026-03-28T11:00", "2026-03-29T07:00", id="Madrid's clocks change, Shanghai's do not"),
        pytest.param("Europe/Madrid", "2026-10-24T11:00", "2026-10-25T08:00", id="and back"),
    ],
)  # fmt: skip
def test_a_person_sends_while_desk_and_window_are_open(zone: str, start: str, expected: str) -> None:
    assert openings(zone).first(utc(start)) == utc(expected)


@pytest.mark.parametrize(
    ("zone", "start", "expected"),
    [
        pytest.param("America/Sao_Paulo", "2026-03-02T03:00", "2026-03-02T10:00", id="the hour before: at seven"),
        pytest.param("America/Sao_Paulo", "2026-03-02T10:20", "2026-03-02T10:20", id="within that hour: at once"),
        pytest.param("America/Sao_Paulo", "2026-03-02T11:00", "2026-03-03T10:00", id="missed it: tomorrow's"),
        pytest.param("America/Sao_Paulo", "2026-03-02T23:30", "2026-03-03T10:00", id="the hour after is further away"),
        pytest.param("America/New_York", "2026-01-12T03:00", "2026-01-13T01:00", id="the hour after: the window's end"),
        pytest.param("America/New_York", "2026-01-13T01:59", "2026-01-13T01:59", id="its last minute"),
        pytest.param("America/New_York", "2026-01-13T02:00", "2026-01-14T01:00", id="the rest of the desk's day is too late"),
        pytest.param("America/New_York", "2026-07-13T03:00", "2026-07-14T01:00", id="in summer it is nine in the evening"),
        pytest.param("America/New_York", "2026-03-08T02:00", "2026-03-09T01:00", id="the day the clocks change"),
        pytest.param("America/New_York", "2026-11-01T02:00", "2026-11-02T01:00", id="and change back"),
    ],
)  # fmt: skip
def test_where_the_hours_never_meet_it_leaves_in_the_desk_hour_nearest_to_the_window(
    zone: str, start: str, expected: str
) -> None:
    assert openings(zone).first(utc(start)) == utc(expected)


def test_of_two_equally_near_hours_the_earlier_counts() -> None:
    narrow = Hours(opens=time(10), closes=time(12))
    night_desk = Hours(opens=time(14), closes=time(8))

    assert openings("UTC", window=narrow, desk=night_desk, desk_zone="UTC").first(utc("2026-03-02T00:00")) == utc(
        "2026-03-02T07:00"
    )


def test_a_desk_that_is_open_for_less_than_an_hour_has_no_longer_nearest_hour() -> None:
    coffee = Hours(opens=time(6, 30), closes=time(6, 50))
    found = openings("UTC", desk=coffee, desk_zone="UTC")

    assert found.first(utc("2026-03-02T00:00")) == utc("2026-03-02T06:30")
    assert found.first(utc("2026-03-02T06:50")) == utc("2026-03-03T06:30")


@pytest.mark.parametrize(("opens", "closes", "hour"), [(5, 9, 8), (20, 23, 20)])
def test_a_desk_that_ends_or_begins_with_the_window_is_as_near_as_can_be(opens: int, closes: int, hour: int) -> None:
    desk = Hours(opens=time(opens), closes=time(closes))
    found = openings("UTC", desk=desk, desk_zone="UTC").first(utc("2026-03-02T00:00"))

    assert found == utc("2026-03-02T00:00") + timedelta(hours=hour)


def test_hours_that_meet_in_winter_only_are_not_waited_for_in_summer() -> None:
    late = replace(WINDOW, closes=time(20, 30))

    assert openings("America/New_York", window=late).first(utc("2026-01-12T03:00")) == utc("2026-01-13T01:00")
    assert openings("America/New_York", window=late).first(utc("2026-01-13T01:30")) == utc("2026-01-14T01:00")
    assert openings("America/New_York", window=late).first(utc("2026-07-13T03:00")) == utc("2026-07-14T01:00")
    assert openings("America/New_York", window=late).first(utc("2026-07-14T01:30")) == utc("2026-07-14T01:30")


@pytest.mark.parametrize(
    ("zone", "start", "expected"),
    [
        pytest.param("Europe/Madrid", "2026-03-06T11:00", "2026-03-09T08:00", id="the hours meet on Monday"),
        pytest.param("America/Sao_Paulo", "2026-03-06T11:00", "2026-03-09T10:00", id="the nearest hour, on Monday"),
        pytest.param("America/New_York", "2026-01-16T02:00", "2026-01-19T01:00", id="Friday's hour is a Saturday at the desk"),
    ],
)  # fmt: skip
def test_a_desk_that_rests_is_waited_for(zone: str, start: str, expected: str) -> None:
    assert openings(zone, desk=replace(DESK, days=WEEKDAYS)).first(utc(start)) == utc(expected)


def test_a_window_on_weekdays_does_not_move_to_a_sunday() -> None:
    found = openings("America/Sao_Paulo", window=replace(WINDOW, days=WEEKDAYS)).first(utc("2026-03-06T11:00"))

    assert found == utc("2026-03-09T10:00")


def test_closed_days_of_rule_and_desk_are_both_left_out() -> None:
    shop = Calendar(name="shop", closed=((date(2026, 2, 14), date(2026, 2, 20)),))
    desk = Calendar(name="desk", closed=((date(2026, 2, 20), date(2026, 2, 24)),))
    found = openings("Europe/Madrid", window=replace(WINDOW, closed_on=shop), desk=replace(DESK, closed_on=desk))

    assert found.first(utc("2026-02-14T00:00")) == utc("2026-02-25T08:00")


def test_days_that_never_meet_leave_the_nearest_desk_hour_as_a_last_resort() -> None:
    saturdays = replace(WINDOW, days=frozenset({5}))
    found = openings("Europe/Madrid", window=saturdays, desk=replace(DESK, days=WEEKDAYS))

    assert found.first(utc("2026-03-02T00:00")) == utc("2026-03-06T10:00")
    assert found.is_open(utc("2026-03-06T10:30"))
    assert found.first(utc("2026-03-06T11:00")) == utc("2026-03-13T10:00")


def test_a_desk_that_never_opens_leaves_nothing() -> None:
    never = Calendar(name="shut", closed=((date(2020, 1, 1), date(2030, 1, 1)),))

    assert openings("Europe/Madrid", desk=replace(DESK, closed_on=never)).first(utc("2026-03-02T00:00")) is None
    assert openings("Europe/Madrid", window=replace(WINDOW, closed_on=never)).first(utc("2026-03-02T00:00")) is None


def test_hours_must_suit_the_desk_and_every_zone() -> None:
    coasts = Openings(
        hours=WINDOW,
        zones=(ZoneInfo("America/New_York"), ZoneInfo("America/Los_Angeles")),
        desk=Hours(opens=time(12), closes=time(22)),
        desk_zone=ZoneInfo("Europe/Madrid"),
    )

    assert coasts.first(utc("2026-01-12T00:00")) == utc("2026-01-12T17:00")


def test_without_a_desk_or_with_one_that_never_closes_only_the_window_counts() -> None:
    start = utc("2026-03-02T03:00")
    alone = Openings(hours=WINDOW, zones=(ZoneInfo("Europe/Madrid"),))

    assert alone.first(start) == openings("Europe/Madrid", desk=ALWAYS).first(start) == utc("2026-03-02T08:00")
    assert not alone.is_open(start)
    assert alone.is_open(utc("2026-03-02T08:00"))


def test_without_a_window_only_the_desk_counts() -> None:
    assert openings("Europe/Madrid", window=ALWAYS).first(utc("2026-03-02T11:00")) == utc("2026-03-03T01:00")
    assert Openings(hours=ALWAYS, zones=(SHANGHAI,)).first(utc("2026-03-02T11:00")) == utc("2026-03-02T11:00")


def test_a_desk_whose_zone_is_not_known_keeps_utc() -> None:
    found = Openings(hours=ALWAYS, zones=(SHANGHAI,), desk=DESK)

    assert found.first(utc("2026-03-02T08:00")) == utc("2026-03-02T09:00")


# An independent model: walk through the minutes and look at two clocks on the wall.

DAYS_BEFORE, DAYS_AFTER = 3, 9


def runs(minutes: list[bool]) -> Iterator[tuple[int, int]]:
    """From the first to after the last of each row of true values."""
    begin = None
    for index, value in enumerate([*minutes, False]):
        if value and begin is None:
            begin = index
        elif not value and begin is not None:
            yield begin, index
            begin = None


def allowed(window: list[bool], desk: list[bool], daily: list[bool]) -> set[int]:
    """The minutes in which a message may leave, said of each window in turn."""
    found: set[int] = set()
    for begin, end in runs(window):
        if any(daily[begin:end]):
            found.update(minute for minute in range(begin, end) if desk[minute])
            continue
        before = [run for run in runs(daily) if run[1] <= begin]
        after = [run for run in runs(daily) if run[0] >= end]
        if not before or not after:  # too near to the edge of what we look at
            continue
        gap_before, gap_after = begin - before[-1][1], after[0][0] - end
        if gap_before <= gap_after:
            hour = range(max(before[-1][0], before[-1][1] - 60), before[-1][1])
        else:
            hour = range(after[0][0], min(after[0][1], after[0][0] + 60))
        found.update(minute for minute in hour if desk[minute])
    return found


clock_times = st.builds(time, st.integers(0, 23), st.sampled_from([0, 30]))
lengths = st.integers(1, 32).map(lambda halves: timedelta(minutes=30 * halves))
some_days = st.sampled_from([EVERY_DAY, WEEKDAYS, frozenset({1, 3, 5, 6})])


def hours_of(opens: time, length: timedelta, days: frozenset[int]) -> Hours:
    closes = (datetime.combine(date(2026, 1, 1), opens) + length).time()
    return Hours(opens=opens, closes=closes, days=days)


hours_drawn = st.builds(hours_of, clock_times, lengths, some_days)
buyers = st.sampled_from(
    ["Europe/Madrid", "America/Sao_Paulo", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "America/Los_Angeles"]
)  # fmt: skip
desks = st.sampled_from(["Asia/Shanghai", "Europe/London", "America/Chicago"])
moments = st.builds(
    lambda change, minutes: utc(change) + MINUTE * minutes,
    st.sampled_from(["2026-03-08T07:00", "2026-03-29T01:00", "2026-04-04T15:00", "2026-10-25T01:00", "2026-11-01T06:00", "2026-07-01T00:00"]),
    st.integers(-2880, 2880).map(lambda minutes: minutes // 15 * 15),
)  # fmt: skip


@settings(max_examples=40, deadline=None, derandomize=True)
@given(moments, hours_drawn, hours_drawn, buyers, desks)
def test_the_first_minute_is_the_one_that_a_walk_through_time_finds(
    start: datetime, window: Hours, desk: Hours, buyer: str, desk_zone: str
) -> None:
    first = start - A_DAY * DAYS_BEFORE
    clock, at_desk = Clock(buyer, first, DAYS_BEFORE + DAYS_AFTER), Clock(desk_zone, first, DAYS_BEFORE + DAYS_AFTER)
    minutes = [first + MINUTE * step for step in range(len(clock.hands))]

    def is_open(of: Clock, hours: Hours) -> list[bool]:
        return [of.is_open(one, hours.opens, hours.closes, lambda day: day.weekday() in hours.days) for one in minutes]

    free = allowed(is_open(clock, window), is_open(at_desk, desk), is_open(at_desk, replace(desk, days=EVERY_DAY)))
    found = [minutes[minute] for minute in free if start <= minutes[minute] < start + A_DAY * 6]
    due = openings(buyer, window=window, desk=desk, desk_zone=desk_zone).first(start)

    if found:
        assert due == min(found)
    elif free:
        assert due is None or due >= start + A_DAY * 6


@settings(max_examples=150, deadline=None, derandomize=True)
@given(moments, moments, hours_drawn, hours_drawn, buyers, desks)
def test_the_desk_is_open_and_nobody_who_waits_longer_leaves_earlier(
    one: datetime, other: datetime, window: Hours, desk: Hours, buyer: str, desk_zone: str
) -> None:
    staffed = openings(buyer, window=window, desk=desk, desk_zone=desk_zone)
    early, late = (staffed.first(start) for start in sorted((one, other)))

    assert early is not None
    assert late is not None
    assert max(one, other) <= late
    assert early <= late
    assert staffed.is_open(early)
    assert due_at(early, desk, [ZoneInfo(desk_zone)]) == early


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)), buyers)  # noqa: DTZ001
def test_without_a_desk_nothing_changes(start: datetime, buyer: str) -> None:
    assert Openings(hours=WINDOW, zones=(ZoneInfo(buyer),)).first(start) == due_at(start, WINDOW, [ZoneInfo(buyer)])
