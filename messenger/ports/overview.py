"""Overview: figures over many messages at once."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from messenger.domain.messages import PlannedMessage, State


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A place in a list of messages: when the last one before it was due, and its id."""

    due_at: datetime
    id: int


class Overview(Protocol):
    """Counts what happened."""

    def left_by_day(self, *, since: datetime, shops: Collection[str]) -> dict[tuple[str, date], int]:
        """Return how many messages of these shops left since then, by shop and day (UTC); what was carried counts once."""
        ...

    def queue_page(
        self, *, state: State, shops: Collection[str], after: Place | None = None, limit: int
    ) -> list[PlannedMessage]:
        """Return what stands so in these shops, by due time, then id: the first ``limit`` behind that place.

        Of what is ``planned``, that which has been judged.
        """
        ...
