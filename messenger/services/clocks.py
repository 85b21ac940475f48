"""Clocks: the system's, and one that is set by hand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime


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
