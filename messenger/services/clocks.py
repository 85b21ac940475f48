"""Clocks: the system's, and one that is set by hand."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

LEAST: Final = 0.05
"""Seconds; asking for the time takes a while itself."""


def on_the_wall() -> datetime:
    """Return what the machine takes for the present instant; it can be set, forward and back."""
    return datetime.now(UTC)


def running_time() -> float:
    """Return the seconds this machine has run, those included in which it was suspended."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """Return the present instant; aware, UTC."""
        return on_the_wall()


@dataclass(slots=True)
class SetClock:
    """A clock that stands still until it is moved; it never goes back."""

    at: datetime

    def now(self) -> datetime:
        """Return the instant it was set to."""
        return self.at

    def advance_to(self, instant: datetime) -> None:
        """Move forward; an earlier instant changes nothing."""
        self.at = max(self.at, instant)


class SharedClock:
    """The database's clock: leases and due times mean the same on several machines.

    The machine's own time of day is asked only when the two are compared. In between the seconds that it runs are counted:
    a clock on the wall that is set forward, or back, sends nothing too early and keeps nothing back.

    Args:
        wall: the machine's own time of day.
        seconds: a count of seconds that nobody sets.
    """

    def __init__(
        self, *, wall: Callable[[], datetime] = on_the_wall, seconds: Callable[[], float] = running_time
    ) -> None:
        self._wall = wall
        self._seconds = seconds
        self._known = (wall(), seconds())

    def now(self) -> datetime:
        """Return the present instant; aware, UTC."""
        at, since = self._known
        return at + timedelta(seconds=self._seconds() - since)

    def agree(self, seconds: float) -> None:
        """Take over by how many seconds this machine is behind; less than a twentieth of one is no difference."""
        theirs, now = self._wall() + timedelta(seconds=seconds), self.now()
        if abs(theirs - now) >= timedelta(seconds=LEAST):
            self._known = (theirs, self._seconds())
