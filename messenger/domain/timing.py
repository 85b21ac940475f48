"""When a message may leave: spans of time, opening hours, and the first instant that suits everybody.

All instants are aware and in UTC; a wall clock appears only between two conversions. Python ignores ``fold`` when it
compares times of one zone, so nothing here compares local times.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from messenger.domain.calendars import PLAIN_WEEK, Calendar

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
EVERY_DAY: Final = frozenset(range(7))
FURTHEST: Final = 400
"""Days that are searched for an opening; a rule that opens less than once a year never does."""


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
        ``start``: three business days from a Friday end on Wednesday, from a Saturday as well.
        """
        return self._shifted(start, 1, zone, calendar) + self.elapsed

    def before(self, end: datetime, zone: ZoneInfo, calendar: Calendar = PLAIN_WEEK) -> datetime:
        """Return the instant this span before ``end``."""
        return self._shifted(end, -1, zone, calendar) - self.elapsed

    def _shifted(self, start: datetime, direction: int, zone: ZoneInfo, calendar: Calendar) -> datetime:
        if not (self.days or self.business):
            return start
        local = start.astimezone(zone)
        day = local.date() + timedelta(days=direction * self.days)
        for _ in range(self.business):
            day = _next_business_day(day, direction, calendar)
        return from_wall(day, local.time(), zone)


def _next_business_day(day: date, direction: int, calendar: Calendar) -> date:
    for _ in range(FURTHEST):
        day += timedelta(days=direction)
        if calendar.is_business_day(day):
            return day
    return day


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

    def openings(self, start: datetime, zone: ZoneInfo) -> Iterator[tuple[datetime, datetime]]:
        """Yield the open intervals [from, to) that end after ``start``, in order, for a bounded time."""
        first = start.astimezone(zone).date() - timedelta(days=1)
        for offset in range(FURTHEST):
            try:
                day = first + timedelta(days=offset)
                if day.weekday() not in self.days or (self.closed_on and self.closed_on.is_closed(day)):
                    continue
                next_day = day + timedelta(days=1) if self.closes <= self.opens else day
                opens, closes = from_wall(day, self.opens, zone), from_wall(next_day, self.closes, zone)
            except OverflowError:
                return
            if closes > start and closes > opens:
                yield opens, closes


ALWAYS: Final = Hours()


def due_at(start: datetime, hours: Hours, zones: Sequence[ZoneInfo]) -> datetime | None:
    """Return the first instant not before ``start`` at which ``hours`` are open in every one of ``zones``.

    Returns:
        An aware UTC datetime, or None when there is no such instant within about a year.
    """
    if hours.is_always:
        return start
    calendars = [hours.openings(start, zone) for zone in dict.fromkeys(zones)]
    candidate = start
    current = [next(calendar, None) for calendar in calendars]
    while True:
        for index, calendar in enumerate(calendars):
            while (opening := current[index]) is not None and opening[1] <= candidate:
                current[index] = next(calendar, None)
            if opening is None:
                return None
        latest = max(opening[0] for opening in current if opening)
        if latest <= candidate:
            return candidate
        candidate = latest


@dataclass(frozen=True, slots=True, kw_only=True)
class Openings:
    """When one message may leave: the rule's hours on the buyer's clocks, and a desk's hours if a person sends it.

    Args:
        hours: the rule's window, days and closed days.
        zones: the hours must be open in all of them.
        desk: hours of the people who send by hand; None when nobody has to.
        desk_zone: the zone of the desk.
    """

    hours: Hours
    zones: tuple[ZoneInfo, ...]
    desk: Hours | None = None
    desk_zone: ZoneInfo | None = None

    def first(self, start: datetime) -> datetime | None:
        """Return the first opening not before ``start``; None when there is none within about a year."""
        return due_at(start, self.hours, self.zones)

    def is_open(self, at: datetime) -> bool:
        """Return whether the message may leave at this very instant."""
        return self.first(at) == at


def is_open(at: datetime, hours: Hours, zones: Sequence[ZoneInfo]) -> bool:
    """Return whether a message may leave at this very instant."""
    return due_at(at, hours, zones) == at


def shared_hours(hours: Hours, zones: Sequence[ZoneInfo], at: datetime) -> timedelta:
    """Return how long ``hours`` are open in all ``zones`` at once, from the first such instant not before ``at``.

    Zero when there is none. Hours that have begun count only what is left of them.
    """
    start = due_at(at, hours, zones)
    if start is None:
        return timedelta(0)
    ends = [
        next(closes for opens, closes in hours.openings(start, zone) if opens <= start) for zone in dict.fromkeys(zones)
    ]
    return min(ends) - start
