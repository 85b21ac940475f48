"""An independent model of time: clocks on a wall, read minute by minute. It knows ``zoneinfo`` and nothing of ours."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Collection
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)
A_DAY = timedelta(days=1)
DayTest = Callable[[date], bool]


def any_day(_: date) -> bool:
    return True


class Clock:
    """A clock in one zone over a stretch of minutes. Its hands never go back: while an hour is repeated they wait."""

    def __init__(self, zone: str, first: datetime, days: int) -> None:
        self.first = first.replace(second=0, microsecond=0)
        self.hands: list[datetime] = []
        place, hand = ZoneInfo(zone), datetime(1, 1, 1)  # noqa: DTZ001  # what a wall clock shows has no zone
        for step in range(days * 1440):
            shown = (self.first + MINUTE * step).astimezone(place).replace(tzinfo=None, fold=0)
            hand = max(hand, shown)
            self.hands.append(hand)
        self.zone = place

    def shown(self, instant: datetime) -> datetime:
        """What the clock really shows, hands going back."""
        return instant.astimezone(self.zone).replace(tzinfo=None, fold=0)

    def hand(self, instant: datetime) -> datetime:
        """Where the hands are, never going back."""
        return self.hands[(instant - self.first) // MINUTE]

    def is_open(self, instant: datetime, opens: time, closes: time, day_counts: DayTest = any_day) -> bool:
        """Whether a window is open: by the hands, and by the day on which it opened."""
        hand = self.hand(instant)
        if opens < closes:
            return opens <= hand.time() < closes and day_counts(hand.date())
        return (
            day_counts(hand.date())
            if hand.time() >= opens
            else hand.time() < closes and day_counts(hand.date() - A_DAY)
        )

    def first_open(self, start: datetime, opens: time, closes: time, day_counts: DayTest = any_day) -> datetime:
        """Walk until the window is open."""
        instant = start
        while not self.is_open(instant, opens, closes, day_counts):
            instant += MINUTE
        return instant

    def reaches(self, wall: datetime) -> datetime:
        """The first minute at which the hands have reached a time on the wall."""
        step = bisect_left(self.hands, wall)
        assert 0 < step < len(self.hands), f"{wall} lies outside the stretch"
        return self.first + MINUTE * step


def first_shared(start: datetime, clocks: Collection[Clock], opens: time, closes: time) -> datetime:
    """Walk until a window is open on every clock."""
    instant = start
    while not all(clock.is_open(instant, opens, closes) for clock in clocks):
        instant += MINUTE
    return instant
