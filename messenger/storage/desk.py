"""Desks in a write transaction: places, people's leases, and what people said."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, Final

import orjson
from sqlalchemy import ColumnElement, Connection, RowMapping, Select, and_, delete, func, insert, select, true, update

from messenger.domain.desks import Load
from messenger.domain.messages import Letter, PlannedMessage, Reason, State
from messenger.ports.desk import Act, Opening
from messenger.storage.carrying import forget_letters, share
from messenger.storage.desk_tables import desk_acts, desk_openings
from messenger.storage.documents import pack, unpack
from messenger.storage.outbox_table import aside, carried, outbox
from messenger.storage.rows import message_of
from messenger.storage.sql import among, is_sqlite, not_by, upsert
from messenger.storage.tables import bodies

KEPT_FOR: Final = timedelta(days=2)
"""So long it is remembered who had what in hand: what was sent is kept elsewhere."""


class SqlDeskUnit:
    """The part of a write transaction that knows desks; see ``ports.DeskUnit``."""

    _connection: Connection

    def lock_desk(self, transport: str) -> None:
        """Let no other unit decide about this desk's places; SQLite has one writer anyway."""
        if not is_sqlite(self._connection):
            self._connection.execute(select(func.pg_advisory_xact_lock(_number(transport))))

    def load_of(self, transport: str, *, since: datetime, now: datetime) -> Load:
        """Return what a desk has to do, and has done since then."""
        rows = self._lying(outbox.c.transport == transport)
        opened = select(desk_openings.c.outbox_id).where(desk_openings.c.until > now)
        sent = select(func.count(desk_acts.c.outbox_id.distinct())).where(
            desk_acts.c.at >= since, desk_acts.c.transport == transport, desk_acts.c.what == "sent", _not_taken_back
        )
        return Load(
            lying=rows, opened=frozenset(self._connection.execute(opened).scalars()),
            sent=self._connection.execute(sent).scalar_one(),
        )  # fmt: skip

    def on_desks(self, *, shop: str | None = None) -> list[PlannedMessage]:
        """Return what lies on all desks."""
        return self._lying(true() if shop is None else not_by(outbox.c.shop) == shop)

    def _lying(self, mine: ColumnElement[bool]) -> list[PlannedMessage]:
        waiting = and_(aside, outbox.c.state == str(State.AWAITING_STAFF), mine)
        rows = [message_of(row) for row in self._connection.execute(select(outbox).where(waiting)).mappings()]
        return sorted(rows, key=lambda row: row.id)

    def row(self, message: int) -> PlannedMessage | None:
        """Return an outbox row, which stays as it is until the unit ends."""
        found = next(self._held(outbox.c.id == message), None)
        return message_of(found) if found is not None else None

    def taken_along(self, message: int) -> list[PlannedMessage]:
        """Return the rows that go out together with this one."""
        with_it = and_(carried, outbox.c.carrier == message, outbox.c.state == str(State.MERGED))
        return [message_of(row) for row in self._held(with_it)]

    def _held(self, mine: ColumnElement[bool]) -> Any:  # Any: an iterator of rows
        found: Select[Any] = select(outbox).where(mine).order_by(outbox.c.id)
        found = found if is_sqlite(self._connection) else found.with_for_update()
        return iter(self._connection.execute(found).mappings())

    def openings(self, message: int) -> list[Opening]:
        """Return what was written of a message for whom, the newest first."""
        mine = select(desk_openings).where(desk_openings.c.outbox_id == message)
        newest = mine.order_by(desk_openings.c.opened_at.desc(), desk_openings.c.person)
        return [_opening(row) for row in self._connection.execute(newest).mappings()]

    def in_hand(self, *, now: datetime) -> list[Opening]:
        """Return what people have in hand."""
        mine = select(desk_openings).where(desk_openings.c.until > now).order_by(desk_openings.c.outbox_id)
        return [_opening(row) for row in self._connection.execute(mine).mappings()]

    def keep_opening(self, opening: Opening) -> None:
        """Keep what was written for a person."""
        old = delete(desk_openings).where(desk_openings.c.until < opening.opened_at - KEPT_FOR)
        self._connection.execute(old)
        values = {
            "opened_at": opening.opened_at, "until": opening.until, "letter": pack(opening.letter), "variant": opening.variant,
            "version": opening.version, "along": orjson.dumps(opening.along).decode(), "edited": opening.edited,
        }  # fmt: skip
        made = upsert(self._connection, desk_openings).values(
            outbox_id=opening.message, person=opening.person, **values
        )
        self._connection.execute(made.on_conflict_do_update(index_elements=["outbox_id", "person"], set_=values))

    def keep_letter(self, message: int, letter: Letter, *, digest: str, version: str, at: datetime) -> None:
        """Keep what a person really sent."""
        values = {
            "shop": letter.key.shop, "digest": digest, "template_version": version, "letter": pack(letter), "frozen_at": at,
        }  # fmt: skip
        made = upsert(self._connection, bodies).values(outbox_id=message, **values)
        self._connection.execute(made.on_conflict_do_update(index_elements=["outbox_id"], set_=values))

    def bring_back(self, row: PlannedMessage, *, at: datetime) -> None:
        """Forget what was kept as sent; what was to go out with the row waits for it again."""
        forget_letters(self._connection, [row.id])
        share(self._connection, {row.id: row.key}, at=at)
        members = and_(carried, outbox.c.carrier == row.id, outbox.c.state == str(State.MERGED))
        self._connection.execute(update(outbox).where(members).values(sent_at=None))

    def keep_act(self, act: Act) -> None:
        """Remember what a person said."""
        self._connection.execute(delete(desk_acts).where(desk_acts.c.at < act.at - KEPT_FOR))
        values = {
            "outbox_id": act.message, "shop": act.shop, "transport": act.transport, "person": act.person, "what": act.what,
            "at": act.at, "state": str(act.state), "reason": str(act.reason) if act.reason else None, "because": act.because,
        }  # fmt: skip
        self._connection.execute(insert(desk_acts).values(values))

    def acts(self, *, person: str, since: datetime, messages: Collection[int] = ()) -> list[Act]:
        """Return what a person has said since then and not taken back, the newest first."""
        mine = and_(desk_acts.c.at >= since, desk_acts.c.person == person, _not_taken_back)
        if messages:
            mine = and_(mine, among(self._connection, desk_acts.c.outbox_id, sorted(messages)))
        newest = select(desk_acts).where(mine).order_by(desk_acts.c.at.desc(), desk_acts.c.id.desc())
        return [_act(row) for row in self._connection.execute(newest).mappings()]

    def take_back(self, act: Act, *, at: datetime) -> None:
        """Say that an act was taken back."""
        self._connection.execute(update(desk_acts).where(desk_acts.c.id == act.id).values(undone_at=at))


_not_taken_back: Final = desk_acts.c.undone_at.is_(None)


def _number(transport: str) -> int:
    """What a desk is called among PostgreSQL's locks."""
    return int.from_bytes(hashlib.blake2b(f"desk/{transport}".encode(), digest_size=8).digest(), signed=True)


def _opening(row: RowMapping) -> Opening:
    return Opening(
        message=row["outbox_id"], person=row["person"], opened_at=row["opened_at"], until=row["until"],
        letter=unpack(row["letter"]), variant=row["variant"], version=row["version"], along=tuple(orjson.loads(row["along"])),
        edited=row["edited"],
    )  # fmt: skip


def _act(row: RowMapping) -> Act:
    return Act(
        id=row["id"], message=row["outbox_id"], shop=row["shop"], transport=row["transport"], person=row["person"],
        what=row["what"], at=row["at"], state=State(row["state"]), reason=Reason(row["reason"]) if row["reason"] else None,
        because=row["because"],
    )  # fmt: skip
