"""Times as exports write them: wall times of the platform, made instants."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from messenger.domain.events import EARLIEST, LATEST
from messenger.intake.sheets.cells import Cell, Number

_TIME: Final = r"(?:[T ]+(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?(?:\s*(AM|PM))?)?"
_OFFSET: Final = r"\s*(Z|UTC|GMT|[+-]\d{2}:?\d{2}|PST|PDT)?"
_YEAR_FIRST: Final = re.compile(rf"(\d{{4}})[-/.](\d{{1,2}})[-/.](\d{{1,2}}){_TIME}{_OFFSET}", re.IGNORECASE)
_MONTH_FIRST: Final = re.compile(rf"(\d{{1,2}})/(\d{{1,2}})/(\d{{4}}){_TIME}{_OFFSET}", re.IGNORECASE)
_NAMED: Final = re.compile(
    rf"([A-Z]{{3}})[a-z]*[-. ]+(\d{{1,2}})[-, ]+(\d{{4}}|\d{{2}}){_TIME}{_OFFSET}", re.IGNORECASE
)
_NAMED_LATER: Final = re.compile(
    rf"(\d{{1,2}})[-. ]+([A-Z]{{3}})[a-z]*[-. ]+(\d{{4}}|\d{{2}}){_TIME}{_OFFSET}", re.IGNORECASE
)
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_OFFSETS: Final = {"Z": "+00:00", "UTC": "+00:00", "GMT": "+00:00", "PST": "-08:00", "PDT": "-07:00"}
NOON: Final = time(12)
LAST_SECOND: Final = time(23, 59, 59)
EXAMPLE: Final = {"mdy": "2026-03-02 10:15:00", "iso": "2026-03-02 10:15:00 +0800"}


class NoTime(ValueError):
    """A cell that should hold a time and does not; the message says what would be right."""


@dataclass(frozen=True, slots=True)
class Wall:
    """What stands in a cell. ``offset`` is that of the cell, or None; ``is_day``: no time of day was told."""

    at: datetime
    offset: timedelta | None = None
    is_day: bool = False


@dataclass(frozen=True, slots=True)
class WallClock:
    """Turns what stands in a sheet into instants.

    Args:
        zone: whose wall times those without an offset are.
        dates: ``mdy``; or ``iso``, where a time without an offset is not read.
    """

    zone: ZoneInfo
    dates: str = "mdy"

    def instant(self, cell: Cell, *, after: datetime | None = None, day: time = NOON) -> datetime | None:
        """Return the instant a cell tells; None for an empty one.

        A wall time in the hour that comes twice in autumn is its first passing, unless that lies before ``after``, the
        moment this one follows on: nothing is paid before it is ordered. A day without a time of day is ``day`` o'clock,
        and a second after ``after`` if they are the same day.

        Raises:
            NoTime: it holds anything else.
        """
        if cell == "":
            return None
        wall = self._wall(cell)
        if wall.offset is None and self.dates == "iso":
            raise NoTime(f"the time {_shown(cell)} has no offset: write it like {EXAMPLE['iso']}")
        found = self._at(wall, after, day)
        if wall.is_day and after is not None and found <= after and self._same_day(found, after):
            return after + timedelta(seconds=1)
        return found

    def _at(self, wall: Wall, after: datetime | None, day: time) -> datetime:
        local = datetime.combine(wall.at.date(), day) if wall.is_day else wall.at
        if wall.offset is not None:
            return (local - wall.offset).replace(tzinfo=UTC)
        first, second = (local.replace(tzinfo=self.zone, fold=fold).astimezone(UTC) for fold in (0, 1))
        is_twice = first < second
        return second if is_twice and after is not None and first < after else first

    def _same_day(self, one: datetime, other: datetime) -> bool:
        return one.astimezone(self.zone).date() == other.astimezone(self.zone).date()

    def _wall(self, cell: Cell) -> Wall:
        if isinstance(cell, Number):
            raise NoTime(f"must be a time like {EXAMPLE[self.dates]}, got the number {cell}")
        found = Wall(cell) if isinstance(cell, datetime) else _parsed(cell.strip())
        if found is None or not EARLIEST.year < found.at.year < LATEST.year:
            raise NoTime(f"must be a time like {EXAMPLE[self.dates]}, got {_shown(cell)}")
        return found


def _parsed(text: str) -> Wall | None:
    try:
        if found := _YEAR_FIRST.fullmatch(text):
            return _made(found, *map(int, found.group(1, 2, 3)))
        if found := _MONTH_FIRST.fullmatch(text):
            month, day, year = map(int, found.group(1, 2, 3))
            return _made(found, year, month, day)
        if found := _NAMED.fullmatch(text):
            return _made(found, _year(found.group(3)), _month(found.group(1)), int(found.group(2)))
        if found := _NAMED_LATER.fullmatch(text):
            return _made(found, _year(found.group(3)), _month(found.group(2)), int(found.group(1)))
    except ValueError:  # there is no such day or month
        return None
    return None


def _made(found: re.Match[str], year: int, month: int, day: int) -> Wall:
    hour, minute, second, half, offset = found.group(4, 5, 6, 7, 8)
    told = date(year, month, day)
    if hour is None:
        return Wall(datetime.combine(told, time()), _offset(offset), is_day=True)
    hours = int(hour) % 12 + 12 * (half.upper() == "PM") if half else int(hour)
    return Wall(datetime.combine(told, time(hours, int(minute), int(second or 0))), _offset(offset))


def _offset(text: str | None) -> timedelta | None:
    if not text:
        return None
    told = _OFFSETS.get(text.upper(), text)
    sign = -1 if told[0] == "-" else 1
    return sign * timedelta(hours=int(told[1:3]), minutes=int(told[-2:]))


def _year(text: str) -> int:
    return int(text) if len(text) == 4 else 2000 + int(text)


def _month(text: str) -> int:
    return _MONTHS.index(text.casefold()) + 1


def _shown(cell: Cell) -> str:
    text = str(cell)
    return repr(text if len(text) <= 40 else text[:37] + "...")
