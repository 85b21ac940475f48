"""Claiming: a worker takes what is due. Urgent first, then second copies, then everybody's fair share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, RowMapping, Select, and_, select, update

from messenger.domain.breakers import PREFIX, probed, queue_of
from messenger.domain.messages import PlannedMessage
from messenger.domain.sharing import Lane, shared
from messenger.storage.accounts import turn
from messenger.storage.due import due, resendable, running, stopped_shops
from messenger.storage.engine import Database
from messenger.storage.outbox_table import in_hand, outbox
from messenger.storage.rows import message_of
from messenger.storage.sql import among, is_sqlite
from messenger.storage.waiting import Doors, doors, due_by_lane, expired_behind, suspect, urgent_by_queue, was_suspect

NO_BOUND: Final[Mapping[str, int]] = {}


def claim(
    database: Database, *, owner: str, now: datetime, lease_until: datetime, limit: int, room: Mapping[str, int] = NO_BOUND
) -> list[PlannedMessage]:  # fmt: skip
    """Take what is due; see ``ports.Store.claim``."""
    if limit < 1:
        return []
    with database.read() as connection:
        of_shops = running(connection)
        if of_shops is None:
            return []
        seen = _look(connection, of_shops, owner, now, limit)
    if not seen.is_any:
        return []

    def take(connection: Connection) -> Sequence[RowMapping]:
        return _Claiming(
            connection=connection, owner=owner, now=now, lease_until=lease_until, limit=limit, room=room, seen=seen
        ).rows()  # fmt: skip

    rows = database.transact(take)
    return sorted(map(message_of, rows), key=lambda row: (not row.urgent, row.due_at, row.id))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """What a look showed, without taking anything."""

    of_shops: ColumnElement[bool]
    doors: Doors
    urgent: Mapping[str, int]
    lanes: Mapping[Lane, int]
    suspects: Sequence[Lane]
    is_again: bool
    is_expired: bool
    is_in_danger: bool
    """The worker has a message in hand that it may die of: it takes no other one, which would be blamed too."""

    @property
    def is_any(self) -> bool:
        """Whether there is anything to take."""
        if self.is_in_danger:
            return False
        rare = self.is_again or self.is_expired or bool(self.suspects) or bool(self.doors.probes)
        return rare or bool(self.urgent) or bool(self.lanes)


def _look(connection: Connection, of_shops: ColumnElement[bool], owner: str, now: datetime, limit: int) -> _Seen:
    found, stopped = doors(connection, now), stopped_shops(connection)
    lanes = due_by_lane(connection, found.open, now, limit)
    held = _ids(in_hand, outbox.c.owner == owner)
    rare = [
        _ids(resendable(now), of_shops),
        _ids(expired_behind(found.shut, now), of_shops),
        held,
        held.where(was_suspect),
    ]
    any_of = [one.limit(1).scalar_subquery().is_not(None) for one in rare]
    is_again, is_expired, is_busy, is_in_danger = tuple(connection.execute(select(*any_of)).one())
    suspects = {} if lanes or is_busy else due_by_lane(connection, found.open, now, 1, suspects=True)
    return _Seen(
        of_shops=of_shops,
        doors=found,
        urgent=urgent_by_queue(connection, found.open, now, limit),
        lanes={lane: number for lane, number in lanes.items() if lane.shop not in stopped},
        suspects=[lane for lane in suspects if lane.shop not in stopped],
        is_again=is_again,
        is_expired=is_expired,
        is_in_danger=is_in_danger,
    )


@dataclass(slots=True, kw_only=True)
class _Claiming:
    """One claim, in a write transaction of its own."""

    connection: Connection
    owner: str
    now: datetime
    lease_until: datetime
    limit: int
    room: Mapping[str, int]
    seen: _Seen
    _taken: list[RowMapping] = field(default_factory=list)

    def rows(self) -> list[RowMapping]:
        """Take them, and return them as they are then."""
        for transport in self.seen.doors.probes:
            self._probe(transport)
        for queue, number in self.seen.urgent.items():
            pressing = self._due(queue).where(outbox.c.urgent, ~suspect, self.seen.of_shops)
            self._take(pressing, self._bounded(queue, number))
        if self.seen.is_again:
            again = _ids(resendable(self.now), self.seen.of_shops).order_by(outbox.c.resend_at, outbox.c.id)
            self._take(again, self.limit, state=False)
        if self.seen.is_expired:
            self._take(_ids(expired_behind(self.seen.doors.shut, self.now), self.seen.of_shops), self.limit)
        self._take_shares()
        if not self._taken and self.seen.suspects:
            self._take(self._of(self.seen.suspects[0]).where(suspect), 1)
        return self._taken

    @property
    def _left(self) -> int:
        return self.limit - len(self._taken)

    def _take_shares(self) -> None:
        """Everybody's share, chosen line by line and taken together."""
        ids: list[int] = []
        turn_of = self.now.microsecond + self.now.second
        for lane, number in shared(self._left, self.seen.lanes, turn=turn_of).items():
            places = self._bounded(lane.queue, number, beyond=len(ids))
            if places > 0:
                ids += self._chosen(self._of(lane).where(~suspect).limit(places))
        if ids:
            self._claim(among(self.connection, outbox.c.id, ids))

    def _bounded(self, queue: str, number: int, *, beyond: int = 0) -> int:
        """How many of a line may be taken: its account may have room for fewer."""
        room = self.room.get(queue.removeprefix(PREFIX), self.limit) if queue.startswith(PREFIX) else self.limit
        here = sum(bool(row["queue"] == queue) for row in self._taken)
        return min(number, self._left - beyond, room - here)

    def _probe(self, transport: str) -> None:
        """Let the first that waits for an account find out how it is, if nobody else is at it."""
        first = self._due(queue_of(transport)).where(self.seen.of_shops, ~outbox.c.urgent)
        urgent_first = self._due(queue_of(transport)).where(self.seen.of_shops, outbox.c.urgent)
        ids = self._chosen(urgent_first.limit(1)) or self._chosen(first.limit(1))
        if not ids:
            return
        step = partial(probed, by=self.owner, now=self.now, until=self.lease_until)
        was, became = turn(self.connection, transport, step)
        if became != was:
            self._claim(among(self.connection, outbox.c.id, ids))

    def _of(self, lane: Lane) -> Select[int]:
        return self._due(lane.queue).where(outbox.c.shop == lane.shop)

    def _due(self, queue: str) -> Select[int]:
        return _ids(due(self.now), outbox.c.queue == queue).order_by(outbox.c.due_at, outbox.c.id)

    def _take(self, chosen: Select[int], most: int, *, state: bool = True) -> None:
        most = min(most, self._left)
        ids = self._chosen(chosen.limit(most)) if most > 0 else []
        if ids:
            self._claim(among(self.connection, outbox.c.id, ids), state=state)

    def _chosen(self, chosen: Select[int]) -> list[int]:
        """The ids, held until the transaction ends; what another worker is choosing at this moment is passed over."""
        if not is_sqlite(self.connection):
            chosen = chosen.with_for_update(skip_locked=True)
        return list(self.connection.execute(chosen).scalars())

    def _claim(self, mine: ColumnElement[bool], *, state: bool = True) -> None:
        values: dict[str, Any] = {  # Any: column values
            "owner": self.owner, "lease_until": self.lease_until, "claimed_at": self.now, "token": outbox.c.token + 1,
            "attempts": outbox.c.attempts + 1,
        }  # fmt: skip
        claimed = update(outbox).where(mine).values(values | ({"state": "claimed"} if state else {}))
        self._taken += self.connection.execute(claimed.returning(outbox)).mappings().all()


def _ids(*conditions: ColumnElement[bool]) -> Select[int]:
    return select(outbox.c.id).where(and_(*conditions))
