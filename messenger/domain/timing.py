"""When a message may leave: spans of time, opening hours, and the first instant that suits everybody.

All instants are aware and in UTC; a wall clock appears only between two conversions. Python ignores ``fold`` when it
compares times of one zone, so nothing here compares local times.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import takewhile
from typing import Final
from zoneinfo import ZoneInfo

from messenger.domain.calendars import EVERY_DAY, FURTHEST, PLAIN_WEEK, Calendar

__all__ = ["ALWAYS", "EVERY_DAY", "FURTHEST", "WEEKDAYS", "Hours", "Openings", "Span", "common", "due_at", "from_wall", "is_open",
           "shared_hours"]  # fmt: skip

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
HOUR: Final = timedelta(hours=1)
UTC_ZONE: Final = ZoneInfo("UTC")

Interval = tuple[datetime, datetime]
"""From the first instant to the first one after it, both in UTC."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A length of time: elapsed (``36h``), calendar days in a zone (``14d``), or business days of a calendar (``3bd``).

    Days of both kinds keep the local time of day.
    """

    elapsed: timedelta = timedelta(0)
    days: int = 0
    business: int = 0

    def __post_init__(self) -> None:
        if self.elapsed < timedelta(0) or self.days < 0 or self.business < 0:
            raise ValueError(f"a span is never negative, got {self}")
        if bool(self.elapsed) + bool(self.days) + bool(self.business) > 1:
            raise ValueError(f"a span is elapsed time, calendar days or business days, got {self}")

    def __str__(self) -> str:
        if self.business:
            return f"{self.business}bd"
        if self.days:
            return f"{self.days}d"
        seconds = int(self.elapsed.total_seconds())
        for unit, size in (("h", 3600), ("m", 60)):
            if seconds and seconds % size == 0:
                return f"{seconds // size}{unit}"
        return f"{seconds}s"

    @property
    def length(self) -> timedelta:
        """The nominal length, for putting spans into order: a calendar day counts 24 hours, five business days a week."""
        return self.elapsed + timedelta(days=self.days) + timedelta(days=self.business) * 7 / 5

    def after(self, start: datetime, zone: ZoneInfo, calendar: Calendar = PLAIN_WEEK) -> datetime:
        """Return the instant this span after ``start``.

        Calendar days keep the local time in ``zone``. Of business days the first is the first one after the day of
        ``start``: three business days from a Friday end on Wednesday, from a Saturday as well. Days are those of
        ``zone``, and of ``calendar`` which of them are business days.
        """
        return self._shifted(start, 1, zone, calendar) + self.elapsed

    def before(self, end: datetime, zone: ZoneInfo, calendar: Calendar = PLAIN_WEEK) -> datetime:
        """Return the instant this span before ``end``; one business day before a Monday, or a Sunday, is the Friday."""
        return self._shifted(end, -1, zone, calendar) - self.elapsed

    def _shifted(self, start: datetime, direction: int, zone: ZoneInfo, calendar: Calendar) -> datetime:
        if not (self.days or self.business):
            return start
        local = start.astimezone(zone)
        day = local.date() + timedelta(days=direction * self.days)
        return from_wall(calendar.shifted(day, direction * self.business), local.time(), zone)


def from_wall(day: date, at: time, zone: ZoneInfo) -> datetime:
    """Return the UTC instant of a wall time: in a gap the first valid instant after it, repeated hours count once.

    Source: docs/explanation/time.md (gaps and repeated hours).
    """
    first = datetime.combine(day, at.replace(fold=0), tzinfo=zone)
    instant = first.astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None, fold=0) == first.replace(tzinfo=None):
        return instant
    # In a gap the two readings of a wall time stand on either side of the jump; the jump itself lies between them.
    low, high = sorted((instant, first.replace(fold=1).astimezone(UTC)))
    before = low.astimezone(zone).utcoffset()
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) / 2
        if middle.astimezone(zone).utcoffset() == before:
            low = middle
        else:
            high = middle
    return high.replace(microsecond=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """A daily window on chosen weekdays, end excluded. It may cross midnight: then it belongs to the day it opens on.

    ``opens == closes`` means the whole day.
    """

    opens: time = time(0)
    closes: time = time(0)
    days: frozenset[int] = EVERY_DAY
    closed_on: Calendar | None = None
    """Days on which this calendar is closed are left out, whatever their weekday."""

    def __post_init__(self) -> None:
        if not self.days <= EVERY_DAY or not self.days:
            raise ValueError(f"days are numbers from 0 (Monday) to 6, at least one, got {sorted(self.days)}")

    @property
    def is_always(self) -> bool:
        """Whether any instant will do."""
        return self.opens == self.closes and self.days == EVERY_DAY and self.closed_on is None

    @property
    def on_every_day(self) -> Hours:
        """The same hours with no day left out."""
        return Hours(opens=self.opens, closes=self.closes)

    def openings(self, start: datetime, zone: ZoneInfo) -> Iterator[Interval]:
        """Yield the open intervals that end after ``start``, in order, for a bounded time."""
        first = start.astimezone(zone).date() - timedelta(days=1)
        for offset in range(FURTHEST):
            try:
                day = first + timedelta(days=offset)
                if day.weekday() not in self.days or (self.closed_on and self.closed_on.is_closed(day)):
                    continue
                opens, closes = _interval(day, self.opens, self.closes, zone)
            except OverflowError:
                return
            if closes > start and closes > opens:
                yield opens, closes


@lru_cache(maxsize=8192)
def _interval(day: date, opens: time, closes: time, zone: ZoneInfo) -> Interval:
    """The opening of one day. Most messages of a day ask for the same few."""
    last = day + timedelta(days=1) if closes <= opens else day
    return from_wall(day, opens, zone), from_wall(last, closes, zone)


ALWAYS: Final = Hours()


def common(start: datetime, among: Iterable[tuple[Hours, ZoneInfo]]) -> Iterator[Interval]:
    """Yield the intervals that end after ``start`` and in which all these hours are open at once, in order.

    Hours that never open together yield nothing; the search ends after about a year.
    """
    streams = [hours.openings(start, zone) for hours, zone in among]
    current = [next(stream, None) for stream in streams]
    while open_now := [one for one in current if one is not None]:
        if len(open_now) < len(current):
            return
        opens, closes = max(one[0] for one in open_now), min(one[1] for one in open_now)
        if opens < closes:
            yield opens, closes
        current = [
            next(stream, None) if one[1] == closes else one for stream, one in zip(streams, open_now, strict=True)
        ]


def due_at(start: datetime, hours: Hours, zones: Iterable[ZoneInfo]) -> datetime | None:
    """Return the first instant not before ``start`` at which ``hours`` are open in every one of ``zones``.

    Returns:
        An aware UTC datetime, or None when there is no such instant within about a year.
    """
    if hours.is_always:
        return start
    found = next(common(start, [(hours, zone) for zone in dict.fromkeys(zones)]), None)
    return max(start, found[0]) if found else None


def is_open(at: datetime, hours: Hours, zones: Iterable[ZoneInfo]) -> bool:
    """Return whether a message may leave at this very instant."""
    return due_at(at, hours, zones) == at


def shared_hours(hours: Hours, zones: Iterable[ZoneInfo], at: datetime) -> timedelta:
    """Return how long ``hours`` are open in all ``zones`` at once, from the first such instant not before ``at``.

    Zero when there is none. Hours that have begun count only what is left of them.
    """
    found = next(common(at, [(hours, zone) for zone in dict.fromkeys(zones)]), None)
    return found[1] - max(at, found[0]) if found else timedelta(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Openings:
    """When one message may leave: the rule's hours on the buyer's clocks, and a desk's hours if a person sends it.

    Args:
        hours: the rule's window, days and closed days.
        zones: the hours must be open in all of them.
        desk: hours of the people who send by hand; None when nobody has to.
        desk_zone: the zone of the desk; None means UTC.
    """

    hours: Hours
    zones: tuple[ZoneInfo, ...]
    desk: Hours | None = None
    desk_zone: ZoneInfo | None = None

    def first(self, start: datetime) -> datetime | None:
        """Return the first opening not before ``start``; None when there is none within about a year.

        A message that a person sends leaves while both the window and the desk are open. Where the hours of day never
        meet, it leaves in the desk hour nearest to the window; where only the days never do, likewise, as a last resort.

        Source: docs/explanation/time.md (the desk).
        """
        if self.desk is None or self.desk.is_always:
            return due_at(start, self.hours, self.zones)
        zone = self.desk_zone or UTC_ZONE
        if self.hours.is_always:
            return due_at(start, self.desk, (zone,))
        staffed = _Staffed(self.desk, self.desk.on_every_day, zone)
        for reach, chances in ((_A_DAY, staffed.chances), (_A_WEEK + _A_DAY, staffed.last_resort)):
            for window in common(start - reach, [(self.hours, one) for one in dict.fromkeys(self.zones)]):
                for opens, closes in chances(window):
                    if closes > start:
                        return max(start, opens)
        return None

    def is_open(self, at: datetime) -> bool:
        """Return whether the message may leave at this very instant."""
        return self.first(at) == at


_A_DAY: Final = timedelta(days=1)
_A_WEEK: Final = timedelta(days=8)
"""A week and a day: within it the desk opens on each of its weekdays, however the clocks change."""


@dataclass(frozen=True, slots=True)
class _Staffed:
    """The desk, asked about one window after the other. ``daily`` are its hours with no day left out."""

    desk: Hours
    daily: Hours
    zone: ZoneInfo

    def chances(self, window: Interval) -> Iterator[Interval]:
        """Yield when this window's message may leave; nothing when it has to wait for a later window.

        Where the hours meet, but the desk does not work that day, it waits. Where they do not meet, it leaves in the
        desk hour nearest to the window if the desk works then.
        """
        if next(self.daily.openings(window[0], self.zone))[0] < window[1]:
            for opens, closes in takewhile(lambda one: one[0] < window[1], self.desk.openings(window[0], self.zone)):
                yield max(opens, window[0]), min(closes, window[1])
            return
        for hour in _nearest(window, self.daily, self.zone, reach=_A_DAY):
            if due_at(hour[0], self.desk, (self.zone,)) == hour[0]:
                yield hour

    def last_resort(self, window: Interval) -> Iterator[Interval]:
        """Yield the hour nearest to this window at which somebody is at the desk, on whatever day."""
        yield from _nearest(window, self.desk, self.zone, reach=_A_WEEK)


def _nearest(window: Interval, desk: Hours, zone: ZoneInfo, *, reach: timedelta) -> list[Interval]:
    """The last desk hour before the window, or the first one after it: the nearer one, of two equally near the earlier."""
    found: list[tuple[timedelta, Interval]] = []
    for opens, closes in desk.openings(window[0] - reach, zone):
        if closes <= window[0]:
            found = [(window[0] - closes, (max(opens, closes - HOUR), closes))]
        elif opens >= window[1]:
            if opens - window[1] <= reach:
                found.append((opens - window[1], (opens, min(closes, opens + HOUR))))
            break
    return [min(found)[1]] if found else []
