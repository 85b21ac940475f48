"""Overview: figures over many messages at once."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from typing import Protocol


class Overview(Protocol):
    """Counts what happened."""

    def left_by_day(self, *, since: datetime, shops: Collection[str]) -> dict[tuple[str, date], int]:
        """Return how many messages of these shops left since then, by shop and day (UTC); what was carried counts once."""
        ...
