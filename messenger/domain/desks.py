"""Desks: who gets one of a day's places where people send by hand, and in which order they take things up."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from messenger.domain.clearing import Clearance
from messenger.domain.messages import PlannedMessage, Reason, State
from messenger.domain.shops import Shop
from messenger.domain.timing import UTC_ZONE, Openings, due_at, from_wall
from messenger.domain.zones import zone_named

OPEN_FOR: Final = timedelta(minutes=10)
"""So long nobody else is given a message that a person has opened; whoever still works at it says so again."""
UNDONE_WITHIN: Final = timedelta(minutes=10)
"""So long a person may take back what they have said."""
LEAVES_NO_DOUBT: Final = frozenset({State.SENDING, State.SENT, State.BOUNCED, State.COMPLAINED, State.MERGED})
"""States that a person's word cannot change: the buyer has the message, or is getting it, on another way."""

LoadOf = Callable[[str, datetime], "Load"]
"""Tells what a desk, by the name of its transport, has to do, and what was sent from it since an instant."""
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


def seat(made: Clearance, shops: Mapping[str, Shop], load_of: LoadOf, now: datetime) -> Clearance:
    """Return what was decided about a batch, with places at the desks given out: who gets none is skipped.

    Args:
        made: what was decided; its messages for a desk have been put there.
        shops: by id.
        load_of: asked only about desks that can send so many in a day and no more.
        now: aware, UTC.
    """
    coming: defaultdict[tuple[str, datetime, int], list[PlannedMessage]] = defaultdict(list)
    for row in made.stayed:
        shop = shops.get(row.key.shop)
        desk = shop.desks.get(row.transport or "") if shop is not None and row.state is State.AWAITING_STAFF else None
        if shop is not None and desk is not None and desk.per_day is not None:
            began = day_of(now, zone_named(shop.zone) or UTC_ZONE)
            coming[row.transport or "", began, desk.per_day].append(row)
    for place in sorted(coming):  # in one order, so that two that give out places wait for each other
        transport, began, per_day = place
        made = _with_places(made, coming[place], load_of(transport, began), per_day)
    return made


def _with_places(made: Clearance, arriving: Sequence[PlannedMessage], load: Load, per_day: int) -> Clearance:
    settled = {row.key for row in made.stayed} | {row.key for _, row in made.changed}
    lying = {row.key: row for row in load.lying if row.key not in settled}
    out = {row.key: row for row in crowded_out(arriving, replace(load, lying=[*lying.values()]), per_day=per_day)}
    return Clearance(
        cleared=made.cleared,
        stayed=[out.get(row.key, row) for row in made.stayed],
        changed=[*made.changed, *((lying[key], row) for key, row in out.items() if key in lying)],
    )


def _rank(one: tuple[PlannedMessage, bool]) -> tuple[bool, int, bool, datetime, int]:
    row, comes = one
    is_calm, low, due, id_ = turn(row)
    return is_calm, low, comes, due, id_


def suits_at(openings: Openings, now: datetime) -> datetime | None:
    """Return from when on a message may be sent by whoever is at the desk: now, if it is the buyer's hour.

    People may come before the desk's hours begin; where those never meet the buyer's, the desk hour nearest to them counts.
    """
    if due_at(now, openings.hours, openings.zones) == now:
        return now
    return openings.first(now)


def day_of(at: datetime, zone: ZoneInfo) -> datetime:
    """Return when the day of an instant began, on the clock of a zone; aware, UTC."""
    local = at.astimezone(zone)
    return from_wall(local.date(), local.min.time(), zone)
