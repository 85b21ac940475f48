"""When the seller works: business days, and the days on which the shop is closed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final

EVERY_DAY: Final = frozenset(range(7))
WORKING_WEEK: Final = frozenset(range(5))
LONGEST_CLOSURE: Final = 200
"""Days; a shop that is closed for longer does not reopen as far as messages are concerned."""
FURTHEST: Final = 400
"""Days that are searched for an opening or a business day; what opens less than once a year never does."""


def _never(_: date) -> bool:
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Closure:
    """A closed period: first and last day without business, and the business day on which the shop is open again."""

    first: date
    last: date
    reopens: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """Business days of a seller. A day in ``open`` is open whatever else is said of it (a working Saturday in China).

    Args:
        name: as in ``[calendars.<name>]``; empty for plain weeks without holidays.
        workdays: weekdays from 0 (Monday) on which business is done.
        closed: closed periods, both ends included.
        country: whose public holidays ``is_holiday`` knows, for showing.
        is_holiday: whether a day is a public holiday; asked at most once a day of a search. It follows from ``country``,
            so two calendars that say the same are equal.
    """

    name: str = ""
    workdays: frozenset[int] = WORKING_WEEK
    closed: tuple[tuple[date, date], ...] = ()
    open: frozenset[date] = frozenset()
    country: str = ""
    is_holiday: Callable[[date], bool] = field(default=_never, compare=False)

    def __post_init__(self) -> None:
        if not self.workdays <= EVERY_DAY:
            raise ValueError(f"working days are numbers from 0 (Monday) to 6, got {sorted(self.workdays)}")
        for first, last in self.closed:
            if last < first:
                raise ValueError(f"a closed period ends on or after the day it begins, got {first} to {last}")

    def is_closed(self, day: date) -> bool:
        """Whether the shop is closed: a closed period or a public holiday. A plain weekend is not a closure."""
        if day in self.open:
            return False
        return any(first <= day <= last for first, last in self.closed) or self.is_holiday(day)

    def is_business_day(self, day: date) -> bool:
        """Whether business is done on this day."""
        return day in self.open or (day.weekday() in self.workdays and not self.is_closed(day))

    def shifted(self, day: date, count: int) -> date:
        """Return the ``count``-th business day after this day, or before it for a negative count; for 0 the day itself.

        A calendar without any business day for more than a year is not searched further: the answer is the last day
        that was looked at.
        """
        step = timedelta(days=1 if count > 0 else -1)
        for _ in range(abs(count)):
            for _ in range(FURTHEST):
                day += step
                if self.is_business_day(day):
                    break
            else:
                return day
        return day

    def closure(self, day: date) -> Closure | None:
        """Return the closed period that this day belongs to.

        A period runs from the day after one business day to the day before the next: a weekend that touches a closed
        day is part of it, a plain weekend is not one. Each day of a period gives the same answer.

        Returns:
            None when the day belongs to no closed period, or when that lasts longer than 200 days.
        """
        if self.is_business_day(day):
            return None
        first, last = day, day
        while (day - first).days <= LONGEST_CLOSURE and not self.is_business_day(first - timedelta(days=1)):
            first -= timedelta(days=1)
        while (last - first).days < LONGEST_CLOSURE and not self.is_business_day(last + timedelta(days=1)):
            last += timedelta(days=1)
        days = (last - first).days + 1
        if days > LONGEST_CLOSURE or not any(self.is_closed(first + timedelta(days=index)) for index in range(days)):
            return None
        return Closure(first=first, last=last, reopens=last + timedelta(days=1))


PLAIN_WEEK: Final = Calendar()
"""Monday to Friday, no holidays: what business days mean for a rule without a calendar."""
