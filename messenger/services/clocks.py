"""Clocks: the system's, and one that is set by hand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

LEAST: Final = 0.05
"""Seconds; asking for the time takes a while itself."""


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """Return the present instant; aware, UTC."""
        return datetime.now(UTC)


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


@dataclass(slots=True)
class SharedClock:
    """The machine's own clock, corrected by what it is behind the database's: leases of several machines mean the same."""

    behind: timedelta = timedelta(0)

    def now(self) -> datetime:
        """Return the present instant; aware, UTC."""
        return datetime.now(UTC) + self.behind

    def agree(self, seconds: float) -> None:
        """Take over by how many seconds this machine is behind; less than a twentieth of one is no difference."""
        self.behind = timedelta(seconds=seconds) if abs(seconds) >= LEAST else timedelta(0)
