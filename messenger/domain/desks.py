"""Desks: who gets one of a day's places where people send by hand, and in which order they take things up."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from messenger.domain.messages import PlannedMessage, Reason, State
from messenger.domain.timing import from_wall

OPEN_FOR: Final = timedelta(minutes=10)
"""So long nobody else is given a message that a person has opened; whoever still works at it says so again."""
UNDONE_WITHIN: Final = timedelta(minutes=10)
"""So long a person may take back what they have said."""
LEAVES_NO_DOUBT: Final = frozenset({State.SENDING, State.SENT, State.BOUNCED, State.COMPLAINED, State.MERGED})
"""States that a person's word cannot change: the buyer has the message, or is getting it, on another way."""

Turn = tuple[bool, int, datetime, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What a desk has to do.

    Args:
        lying: messages that lie on it.
        opened: ids of those that a person has in hand.
        sent: how many were sent from it today.
    """

    lying: Sequence[PlannedMessage] = ()
    opened: Collection[int] = frozenset()
    sent: int = 0


def turn(row: PlannedMessage) -> Turn:
    """Return where a message stands in the line: urgent ones first, then by priority, then the one that is due longest."""
    due = max(row.wanted_at, row.not_before or row.wanted_at)
    return not row.urgent, -row.priority, due, row.id


def crowded_out(arriving: Sequence[PlannedMessage], load: Load, *, per_day: int) -> list[PlannedMessage]:
    """Return the rows that get no place today, among those that come and those that lie there: skipped, the desk is full.

    What a person has in hand keeps its place. Who lies there gives way only to what is more urgent, or of higher priority.

    Args:
        arriving: messages that are due now.
        load: of the desk, without them.
        per_day: how many people can send from it in a day.
    """
    opened = [row for row in load.lying if row.id in load.opened]
    lying = [(row, False) for row in load.lying if row.id not in load.opened]
    line = sorted([*lying, *((row, True) for row in arriving)], key=_rank)
    places = max(0, per_day - load.sent - len(opened))
    because = f"{per_day} a day"
    return [replace(row, state=State.SKIPPED, reason=Reason.DESK_FULL, because=because) for row, _ in line[places:]]


def _rank(one: tuple[PlannedMessage, bool]) -> tuple[bool, int, bool, datetime, int]:
    row, comes = one
    is_calm, low, due, id_ = turn(row)
    return is_calm, low, comes, due, id_


def day_of(at: datetime, zone: ZoneInfo) -> datetime:
    """Return when the day of an instant began, on the clock of a zone; aware, UTC."""
    local = at.astimezone(zone)
    return from_wall(local.date(), local.min.time(), zone)
