"""Due times and spans against a model that reads clocks on the wall, around every change of the clocks from 2024 to 2030."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from messenger.domain.calendars import Calendar
from messenger.domain.orders import Buyer
from messenger.domain.timing import EVERY_DAY, Hours, Span, due_at
from messenger.domain.zones import Zones
from tests.builders import utc
from tests.clocks import A_DAY, MINUTE, Clock, DayTest, any_day, first_shared

ZONES = (
    "Europe/Madrid", "America/New_York", "America/Sao_Paulo", "Asia/Kathmandu", "Pacific/Apia", "Australia/Lord_Howe",
    "Africa/Casablanca", "Africa/Cairo", "America/Santiago", "Asia/Tehran", "Europe/Moscow", "Australia/Sydney",
)  # fmt: skip
YEARS = range(2024, 2031)
BEFORE, AFTER = 4, 9
"""Days of a clock before and after a change."""
STARTS = (
    timedelta(days=-2, hours=-1), timedelta(days=-1, minutes=-30), timedelta(hours=-9, minutes=-15), timedelta(minutes=-45),
    timedelta(0), timedelta(minutes=20), timedelta(hours=13),
)  # fmt: skip
HOUR = timedelta(hours=1)
MADRIDS = ("2024-03-31", "2024-10-27", "2025-03-30", "2025-10-26", "2026-03-29", "2026-10-25", "2027-03-28", "2027-10-31",
           "2028-03-26", "2028-10-29", "2029-03-25", "2029-10-28", "2030-03-31", "2030-10-27")  # fmt: skip

Case = tuple[Callable[[datetime], datetime | None], Callable[[Clock, datetime], datetime]]
"""What we compute from a start, and how the model finds it."""


def changes_of(zone: str, year: int) -> list[datetime]:
    """The first minute after each change of the clocks; where they stand still, Madrid's."""
    place = ZoneInfo(zone)
    days = [datetime(year, 1, 1, tzinfo=UTC) + A_DAY * index for index in range(367)]
    found = []
    for low, high in pairwise(days):
        if low.astimezone(place).utcoffset() != high.astimezone(place).utcoffset():
            minutes = [low + MINUTE * step for step in range(1441)]
            offsets = [minute.astimezone(place).utcoffset() for minute in minutes]
            found += [
                minute for minute, (one, next_) in zip(minutes[1:], pairwise(offsets), strict=True) if one != next_
            ]
    return found or [utc(f"{day}T01:00") for day in MADRIDS if day.startswith(str(year))]


def window(opens: str, closes: str, zone: str) -> Case:
    at, until = time.fromisoformat(opens), time.fromisoformat(closes)
    hours = Hours(opens=at, closes=until)
    return (
        lambda start: due_at(start, hours, [ZoneInfo(zone)]),
        lambda clock, start: clock.first_open(start, at, until),
    )


def weekdays(opens: str, closes: str, zone: str) -> Case:
    at, until = time.fromisoformat(opens), time.fromisoformat(closes)
    hours = Hours(opens=at, closes=until, days=EVERY_DAY - {5, 6})
    return (
        lambda start: due_at(start, hours, [ZoneInfo(zone)]),
        lambda clock, start: clock.first_open(start, at, until, lambda day: day.isoweekday() < 6),
    )


def elapsed(minutes: int, zone: str) -> Case:
    """So many minutes later, then not in the night."""
    span, hours = Span(elapsed=MINUTE * minutes), Hours(opens=time(8), closes=time(22))

    def walk(clock: Clock, start: datetime) -> datetime:
        for _ in range(minutes):
            start += MINUTE
        return clock.first_open(start, time(8), time(22))

    return lambda start: due_at(span.after(start, ZoneInfo(zone)), hours, [ZoneInfo(zone)]), walk


def days(span: Span, zone: str, *, counts: DayTest = any_day, calendar: Calendar | None = None) -> Case:
    """So many days later at the same time on the wall; a day counts if the calendar says so."""

    def ours(start: datetime) -> datetime:
        return span.after(start, ZoneInfo(zone), calendar) if calendar else span.after(start, ZoneInfo(zone))

    def walk(clock: Clock, start: datetime) -> datetime:
        wall = clock.shown(start)
        for _ in range(span.days + span.business):
            wall += A_DAY
            while not counts(wall.date()):
                wall += A_DAY
        return clock.reaches(wall)

    return ours, walk


def is_workday(day: date) -> bool:
    return day.isoweekday() < 6


def shut_on(shut: frozenset[date], made_up: date, day: date) -> bool:
    return day == made_up or (day.isoweekday() < 6 and day not in shut)


def cases(zone: str, change: datetime) -> list[Case]:
    shut = frozenset({(change + A_DAY).date(), (change + 2 * A_DAY).date()})
    made_up = (change + timedelta(days=(5 - change.weekday()) % 7)).date()  # a Saturday on which the shop works
    calendar = Calendar(name="shop", closed=tuple((day, day) for day in shut), open=frozenset({made_up}))
    return [
        window("02:30", "05:00", zone),
        window("01:30", "02:30", zone),
        window("22:00", "08:00", zone),
        window("08:00", "22:00", zone),
        weekdays("23:30", "00:30", zone),
        elapsed(60, zone),
        elapsed(24 * 60, zone),
        days(Span(days=1), zone),
        days(Span(days=3), zone),
        days(Span(business=1), zone, counts=is_workday),
        days(Span(business=2), zone, calendar=calendar, counts=partial(shut_on, shut, made_up)),
    ]


@pytest.mark.parametrize("zone", ZONES)
def test_times_are_those_a_clock_on_the_wall_shows(zone: str) -> None:
    compared = 0
    for change in (change for year in YEARS for change in changes_of(zone, year)):
        clock = Clock(zone, change - A_DAY * BEFORE, BEFORE + AFTER)
        for number, (ours, walked) in enumerate(cases(zone, change)):
            for start in (change + offset for offset in STARTS):
                assert ours(start) == walked(clock, start), f"case {number} from {start} at the change of {change}"
                compared += 1

    assert compared >= 14 * len(STARTS) * 11


@pytest.mark.parametrize("zone", ZONES)
def test_hour_by_hour_through_a_change_a_message_leaves_when_the_night_is_over(zone: str) -> None:
    hours = Hours(opens=time(8), closes=time(22))
    for change in (change for year in YEARS for change in changes_of(zone, year)):
        clock = Clock(zone, change - A_DAY, 3)
        for start in (change + HOUR * step for step in range(-12, 13)):
            assert due_at(start, hours, [ZoneInfo(zone)]) == clock.first_open(start, time(8), time(22))


RUSSIA = ("Europe/Kaliningrad", "Europe/Moscow", "Europe/Samara", "Asia/Yekaterinburg", "Asia/Omsk", "Asia/Novosibirsk",
          "Asia/Irkutsk", "Asia/Yakutsk", "Asia/Vladivostok", "Asia/Magadan", "Asia/Kamchatka")  # fmt: skip


@pytest.mark.parametrize(
    ("opens", "closes", "zones"), [("09:00", "20:00", ("Europe/Moscow",)), ("06:00", "23:30", RUSSIA)]
)
@pytest.mark.parametrize("day", ["2024-03-31", "2026-10-25", "2027-12-31", "2030-06-15"])
def test_a_buyer_somewhere_in_russia_is_awake(opens: str, closes: str, zones: tuple[str, ...], day: str) -> None:
    at, until = time.fromisoformat(opens), time.fromisoformat(closes)
    hours = Hours(opens=at, closes=until)
    start = utc(f"{day}T00:00")
    clocks = [Clock(zone, start - A_DAY, 4) for zone in zones]
    for begin in (start + HOUR * step for step in range(0, 24, 3)):
        place = Zones({"RU": RUSSIA}).of_buyer(Buyer(country="RU"), hours=hours, at=begin)

        assert due_at(begin, hours, place.zones) == first_shared(begin, clocks, at, until)
