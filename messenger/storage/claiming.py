"""Claiming: a worker takes what is due. Urgent first, then second copies, then everybody's fair share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Final, NamedTuple, TypeVar

from sqlalchemy import ColumnElement, Connection, RowMapping, Select, and_, case, or_, select, update

from messenger.domain.breakers import PREFIX, probed, queue_of
from messenger.domain.messages import Key, PlannedMessage
from messenger.domain.sharing import Lane, shared
from messenger.errors import StorageError
from messenger.storage.accounts import turn
from messenger.storage.carrying import share
from messenger.storage.due import due, resendable, running, stopped_shops
from messenger.storage.engine import Database
from messenger.storage.outbox_table import in_hand, outbox
from messenger.storage.rows import message_of
from messenger.storage.sql import among, is_sqlite
from messenger.storage.waiting import Doors, doors, due_by_lane, expired_behind, suspect, urgent_by_queue, was_suspect

Chosen = TypeVar("Chosen", bound=Select[Any])
NO_BOUND: Final[Mapping[str, int]] = {}
Unheard = tuple[str, datetime]
"""Owner and time of a claim of which nobody knows whether it was committed: the line broke while it was."""


def claim(
    database: Database, unheard: list[Unheard], *, owner: str, now: datetime, lease_until: datetime, limit: int, room: Mapping[str, int]
) -> list[PlannedMessage]:  # fmt: skip
    """Take what is due; see ``ports.Store.claim``.

    Args:
        database: where.
        unheard: claims of this process that may have been written without its knowing; settled first, added to here.
        owner: who takes it.
        now: aware, UTC; tells this claim from all others of its owner.
        lease_until: how long it may be kept without a sign of life.
        limit: how many.
        room: how many of those that waited for an account, by transport.
    """
    if limit < 1:
        return []
    while unheard:
        let_go_of(database, unheard[0])
        unheard.pop(0)
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

    try:
        rows = database.transact(take)
    except StorageError:
        unheard.append((owner, now))
        raise
    return sorted(map(message_of, rows), key=lambda row: (not row.urgent, row.due_at, row.id))


def let_go_of(database: Database, one: Unheard) -> int:
    """Put back what a claim has taken that its owner never heard of; returns how much. Else its beating heart would keep it."""
    owner, at = one
    mine = and_(in_hand, outbox.c.owner == owner, outbox.c.claimed_at == at)
    free = {
        "owner": None,
        "lease_until": None,
        "attempts": case((outbox.c.attempts > 0, outbox.c.attempts - 1), else_=0),
    }
    columns = (outbox.c.id, outbox.c.shop, outbox.c.rule, outbox.c.scope, outbox.c.step)
    claimed = update(outbox).where(mine, outbox.c.state == "claimed").values(state="planned", cleared_at=None, **free)

    def put_back(connection: Connection) -> int:
        freed = {id_: Key(*name) for id_, *name in connection.execute(claimed.returning(*columns))}
        share(connection, freed, at=at)
        again = update(outbox).where(mine, outbox.c.state == "uncertain").values(**free)
        return len(freed) + connection.execute(again).rowcount

    return database.transact(put_back)


class _Place(NamedTuple):
    """Where a row stands in its line."""

    id: int
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """What a look showed, without taking anything."""

    of_shops: ColumnElement[bool]
    doors: Doors
    urgent: Mapping[str, int]
    lanes: Sequence[Lane]
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
    lanes = due_by_lane(connection, found.open, now)
    held = _ids(in_hand, outbox.c.owner == owner)
    rare = [
        _ids(resendable(now), of_shops),
        _ids(expired_behind(found.shut, now), of_shops),
        held,
        held.where(was_suspect),
    ]
    any_of = [one.limit(1).scalar_subquery().is_not(None) for one in rare]
    is_again, is_expired, is_busy, is_in_danger = tuple(connection.execute(select(*any_of)).one())
    suspects = [] if lanes or is_busy else due_by_lane(connection, found.open, now, suspects=True)
    return _Seen(
        of_shops=of_shops,
        doors=found,
        urgent=urgent_by_queue(connection, found.open, now, limit),
        lanes=[lane for lane in lanes if lane.shop not in stopped],
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
            self._take(pressing, min(number, self._room(queue)))
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
        """Everybody's share, chosen line by line and taken together; what one line does not need goes to the others."""
        most = {lane: min(self._left, self._room(lane.queue)) for lane in self.seen.lanes}
        chosen: dict[Lane, list[_Place]] = {lane: [] for lane in most}
        places, turn_of = self._left, self.now.microsecond + self.now.second
        while more := _more(shared(places, most, turn=turn_of), chosen):
            for lane, number in more.items():
                found = self._next_of(lane, number, chosen[lane])
                chosen[lane] += found
                if len(found) < number:
                    most[lane] = len(chosen[lane])
        ids = [place.id for places_of in chosen.values() for place in places_of]
        if ids:
            self._claim(among(self.connection, outbox.c.id, ids))

    def _next_of(self, lane: Lane, number: int, after: Sequence[_Place]) -> list[_Place]:
        found = self._of(lane).where(~suspect).add_columns(outbox.c.due_at)
        if after:
            later = and_(outbox.c.due_at == after[-1].due_at, outbox.c.id > after[-1].id)
            found = found.where(or_(outbox.c.due_at > after[-1].due_at, later))
        return [_Place(*row) for row in self.connection.execute(self._passing_over(found.limit(number)))]

    def _room(self, queue: str) -> int:
        """How many of a line may be taken: its account may have room for fewer."""
        if not queue.startswith(PREFIX):
            return self.limit
        taken = sum(bool(row["queue"] == queue) for row in self._taken)
        return max(0, self.room.get(queue.removeprefix(PREFIX), self.limit) - taken)

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
        return list(self.connection.execute(self._passing_over(chosen)).scalars())

    def _passing_over(self, chosen: Chosen) -> Chosen:
        """Rows that are held until the transaction ends; what another worker is choosing at this moment is passed over."""
        return chosen if is_sqlite(self.connection) else chosen.with_for_update(skip_locked=True)

    def _claim(self, mine: ColumnElement[bool], *, state: bool = True) -> None:
        values: dict[str, Any] = {  # Any: column values
            "owner": self.owner, "lease_until": self.lease_until, "claimed_at": self.now, "token": outbox.c.token + 1,
            "attempts": outbox.c.attempts + 1,
        }  # fmt: skip
        claimed = update(outbox).where(mine).values(values | ({"state": "claimed"} if state else {}))
        self._taken += self.connection.execute(claimed.returning(outbox)).mappings().all()


def _ids(*conditions: ColumnElement[bool]) -> Select[int]:
    return select(outbox.c.id).where(and_(*conditions))


def _more(wanted: Mapping[Lane, int], chosen: Mapping[Lane, Sequence[_Place]]) -> dict[Lane, int]:
    """How many more of each line are wanted than were chosen."""
    return {lane: number - len(chosen[lane]) for lane, number in wanted.items() if number > len(chosen[lane])}
