"""Times of orders: walls in California, without an offset, and an hour of each autumn that comes twice.

Source: docs/sources.md, S41.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

PACIFIC: Final = ZoneInfo("America/Los_Angeles")
WRITTEN: Final = "%Y-%m-%d %H:%M:%S"
HOUR: Final = timedelta(hours=1)
SECOND: Final = timedelta(seconds=1)


def pacific(text: str, *, not_before: datetime | None = None) -> datetime | None:
    """Return the instant that a time on a wall in California means; None when it is none.

    Args:
        text: ``2026-03-02 10:15:00``.
        not_before: an instant that it cannot lie before; of an hour that comes twice it then means the second one.
    """
    try:
        wall = datetime.strptime(text.strip(), WRITTEN).replace(tzinfo=PACIFIC)
    except ValueError:
        return None
    first, second = wall.astimezone(UTC), wall.replace(fold=1).astimezone(UTC)
    return second if not_before is not None and first < not_before <= second else first


def comes_twice(at: datetime) -> bool:
    """Return whether the wall shows this time twice."""
    wall = at.astimezone(PACIFIC)
    return wall.replace(fold=0).utcoffset() != wall.replace(fold=1).utcoffset()


def on_the_wall(since: datetime, until: datetime) -> tuple[str, str]:
    """Return the span of the wall, as queries write it, that holds everything between two instants.

    Neither end lies in an hour that comes twice: nobody knows which of the two the platform would mean, or whether it only
    compares what walls have shown.
    """
    low, high = (one.astimezone(PACIFIC) for one in (since, until))
    if comes_twice(since):
        low = low.replace(minute=0, second=0) - SECOND
    if comes_twice(until):
        high = high.replace(minute=0, second=0) + HOUR
    return f"{low:{WRITTEN}}", f"{high:{WRITTEN}}"
